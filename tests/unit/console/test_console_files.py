"""The console's files fit together, as no build step would say otherwise."""

import hashlib
import re

import pytest

from local.paths import ROOT

STATIC = ROOT / "functions" / "console" / "static"
VENDOR = STATIC / "vendor"
SCRIPTS = sorted(path for path in STATIC.rglob("*.js") if not path.is_relative_to(VENDOR))
OURS = [*SCRIPTS, *sorted(STATIC.rglob("*.css"))]


def name(path):
    return path.relative_to(STATIC).as_posix()


def test_vendored_files_are_those_that_the_readme_names():
    text = (VENDOR / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\S+)` \|.*`([0-9a-f]{64})` \|$", text, re.MULTILINE))
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*.js")
    }
    assert listed == found
    assert all((VENDOR / file).parent.glob("LICENSE*") for file in listed)


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_every_import_is_a_file(path):
    imported = re.findall(r"""(?:from |import |import\()"(\.[^"]+)""", path.read_text(encoding="utf-8"))
    assert [target for target in imported if not (path.parent / target).is_file()] == []


@pytest.mark.parametrize("path", sorted((STATIC / "core").glob("*.js")), ids=name)
def test_the_core_computes_only(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"""from "(?!\./)[^"]+";""", text) == []
    assert re.findall(r"\b(?:document\.|window\.|fetch\(|\w+Storage\.|setTimeout\(|Date\.now)", text) == []


def test_the_page_loads_its_own_files_only_and_runs_nothing_inline():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {address.partition("/")[0] for address in addresses} == {"console"}
    assert all((STATIC / address.removeprefix("console/")).is_file() for address in addresses)
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page) == []
    sheets = {f"console/css/{path.name}" for path in (STATIC / "css").iterdir()}
    assert sheets <= set(addresses)


@pytest.mark.parametrize("path", OURS, ids=name)
def test_nothing_needs_more_than_the_policy_of_the_page_allows(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"https?://(?!www\.w3\.org)[\w.]+", text) == []
    assert re.findall(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=", text) == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_files_stay_short(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 300
    assert [line for line in lines if path.suffix == ".js" and len(line) > 120] == []


def test_every_module_is_used():
    texts = [path.read_text(encoding="utf-8") for path in SCRIPTS] + [
        (STATIC / "index.html").read_text(encoding="utf-8")
    ]
    unused = [name(path) for path in SCRIPTS if not any(f'/{path.name}"' in text for text in texts)]
    assert unused == []
