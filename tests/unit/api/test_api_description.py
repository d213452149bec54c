"""The API describes itself, truly (the client of these tests checks every answer against it)."""

import importlib
import re
import subprocess
import sys
import tomllib

import pytest
from openapi_spec_validator import validate
from samtranslator.yaml_helper import yaml_parse

from tests.unit.api.client import Client
from tests.unit.api.conftest import ROOT

# Powertools reads the files of Swagger UI without closing them.
leaves_files_open = pytest.mark.filterwarnings("ignore:.*swagger-ui:pytest.PytestUnraisableExceptionWarning")


def test_the_published_file_is_what_the_code_makes(app):
    published = (ROOT / "docs" / "openapi.json").read_text()
    assert published == app.app.get_openapi_json_schema() + "\n", "make openapi"


def test_the_command_writes_the_file(tmp_path):
    target = tmp_path / "openapi.json"
    search = [str(ROOT / "functions" / "api"), str(ROOT / "layers" / "serverless_tasks")]
    command = [sys.executable, "-m", "openapi_file", str(target)]
    subprocess.run(command, check=True, env={"PYTHONPATH": ":".join(search)})
    assert target.read_text() == (ROOT / "docs" / "openapi.json").read_text()


def test_the_description_is_valid_and_says_what_the_template_routes(document):
    # GIVEN the routes of the template that need a token
    function = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["ApiFunction"]["Properties"]
    events = [event["Properties"] for event in function["Events"].values()]
    routed = {(event["Method"].lower(), event["Path"]) for event in events if "Auth" not in event}

    # THEN the description is OpenAPI 3.1 and has exactly these
    validate(document)
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert described == routed
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"IdToken": []}]
    assert document["info"]["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    # AND nothing of what Powertools answers by default
    assert "422" not in str(document)
    assert "ValidationError" not in str(document)


@leaves_files_open
def test_both_pages_are_there_for_everybody_where_the_parameter_says_so(api, document):
    nobody = api.by(None)
    assert nobody.get("/openapi.json").body == document
    page = nobody.get("/docs")
    assert page.headers["Content-Type"] == "text/html"
    assert "createStepFunctionTask" in page.text


@leaves_files_open
def test_the_page_brings_its_assets_along(api):
    # GIVEN the page, its scripts and styles cut out
    page = api.by(None).get("/docs").text
    markup = re.sub(r"(?s)(<script>).*?</script>|(<style>).*?</style>", r"\1\2", page)
    # THEN nothing in it is loaded from anywhere
    assert "<script>" in markup
    assert not re.search(r"(src|href)\s*=", markup)
    assert not re.search(
        r"@import|url\((?!data:|\"data:|'data:|#)", "".join(re.findall(r"(?s)<style>(.*?)</style>", page))
    )


def test_neither_page_is_there_otherwise(app, document, monkeypatch):
    # GIVEN a cold start of a stack that does not publish its description
    monkeypatch.delenv("API_DOCS")
    monkeypatch.delitem(sys.modules, "app")
    client = Client.of(importlib.import_module("app"), document).by(None)
    for path in ("/openapi.json", "/docs"):
        assert client.get(path).status == 404
