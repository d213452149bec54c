"""docs/sbom.json and the page of licences say what ships."""

from importlib import metadata

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from local.paths import ROOT
from tools import shipped

PERMISSIVE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0"}
"""Licences that ask for no more than their own text. A fork that ships another one says so here."""


@pytest.fixture
def repository(tmp_path):
    """An empty one, with a function."""
    (tmp_path / "functions" / "api").mkdir(parents=True)
    return tmp_path


def requires(repository, text):
    (repository / "functions" / "api" / "requirements.txt").write_text(text)
    return shipped.packages(repository)


def test_the_bill_of_materials_is_current():
    assert (ROOT / shipped.SBOM).read_text(encoding="utf-8") == shipped.sbom(shipped.packages()), "run `make sbom`"


def test_the_page_of_licences_is_current():
    assert (ROOT / shipped.LICENCES).read_text(encoding="utf-8") == shipped.page(shipped.packages()), "run `make sbom`"


def test_the_bill_of_materials_is_cyclonedx():
    text = (ROOT / shipped.SBOM).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_licences_are_permissive():
    assert {licence for one in shipped.packages() for licence in one.licence.split(" AND ")} <= PERMISSIVE


def test_a_package_names_the_parts_that_carry_it():
    [one] = [one for one in shipped.packages() if one.name == "typing-extensions"]
    assert one.parts == ("functions/api", "functions/worker", "layers/serverless_tasks")


def test_what_lies_in_the_repository_is_listed():
    vendored = {one.name: one for one in shipped.packages() if one.registry == "npm"}
    assert {name: one.parts for name, one in vendored.items()} == {
        "amazon-cognito-identity-js": ("functions/console",),
        "htm": ("functions/console",),
    }
    assert '"pkg:npm/htm@' in (ROOT / shipped.SBOM).read_text(encoding="utf-8")


def test_what_is_installed_is_listed(repository):
    version = metadata.version("jmespath")
    assert requires(repository, f"# Comment\n\njmespath=={version}  # why\n") == [
        shipped.Package("jmespath", version, "MIT", ("functions/api",))
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("jmespath", "api/requirements.txt: pin jmespath to one version"),
        ("jmespath>=1", "pin jmespath to one version"),
        ("jmespath==1.*", "pin jmespath to one version"),
        ("jmespath==1.1.0,!=1.0.0", "pin jmespath to one version"),
        ("-e .", "'-e .' is no requirement"),
        ("jmespath==0.1", "jmespath is .* here, not 0.1: run `make lock`"),
        ("no-such-package==1", "no-such-package==1 is not installed here: run `make lock`"),
    ],
)
def test_what_cannot_be_listed_is_refused(repository, text, problem):
    with pytest.raises(shipped.NotKnown, match=problem):
        requires(repository, text)


@pytest.mark.parametrize("licence", ["", "Permission is granted\nto anybody"])
def test_a_package_without_a_licence_is_refused(repository, monkeypatch, licence):
    monkeypatch.setattr(metadata, "metadata", lambda name: {"Version": "1", "License": licence})
    with pytest.raises(shipped.NotKnown, match="names no licence"):
        requires(repository, "jmespath==1")
