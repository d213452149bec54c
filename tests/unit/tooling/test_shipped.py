"""docs/sbom.json and the page of licences say what ships."""

from importlib import metadata

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from local.paths import ROOT
from tools import shipped


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


def test_licences_are_allowed():
    assert shipped.not_allowed(shipped.packages()) == []


def test_a_licence_that_is_not_allowed_says_where_to_allow_it(repository):
    given = [package("pillow", "MIT-CMU"), package("both", "MIT AND ISC"), package("either", "MIT OR GPL-2.0-only")]
    (repository / "pyproject.toml").write_text('[tool.licences]\nallowed = ["MIT", "ISC"]\n')
    [first, second] = shipped.not_allowed(given, repository)
    assert first.startswith("pillow==1: its licence MIT-CMU is not among those that ship here.")
    assert "[tool.licences] in pyproject.toml" in first
    assert second.startswith("either==1: its licence MIT OR GPL-2.0-only ")
    (repository / "pyproject.toml").write_text('[tool.licences]\nallowed = ["MIT", "ISC", "MIT-CMU"]\n')
    assert shipped.not_allowed(given[:2], repository) == []


def package(name, licence):
    return shipped.Package(name, "1", licence, ("functions/worker",))


def test_a_package_names_the_parts_that_carry_it(repository):
    (repository / "layers" / "ours").mkdir(parents=True)
    pin = f"jmespath=={metadata.version('jmespath')}\n"
    (repository / "layers" / "ours" / "requirements.txt").write_text(pin)
    [one] = requires(repository, pin)
    assert one.parts == ("functions/api", "layers/ours")


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
    with pytest.raises(shipped.NotKnown, match=r"names no licence: look it up, and write it down in pyproject\.toml"):
        requires(repository, "jmespath==1")
    (repository / "pyproject.toml").write_text('[tool.licences.packages]\nJMESPath = "MIT"\n')
    [one] = requires(repository, "jmespath==1")
    assert one.licence == "MIT"
