"""docs/architecture.md names modules that are there, and draws calls that the code makes."""

import ast
import re
from pathlib import Path

import pytest
import serverless_tasks

from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "architecture.md"
LAYER = Path(serverless_tasks.__path__[0])
[PICTURE] = blocks(PAGE, "mermaid")
NODES = dict(re.findall(r'(\w+)[(\[]+"([^"]+)"', PICTURE.text))
"""What the picture draws that is a file or a folder, by the short name of its arrows."""
ARROWS = re.findall(r"^ +(\w+)\S* -->(?:\|[^|]+\|)? (\w+)", PICTURE.text, re.MULTILINE)
NAMED = {*NODES.values(), *re.findall(r"`([\w./-]+(?:/|\.\w+))`", PAGE.read_text(encoding="utf-8"))}


def file_of(name):
    """Where it is: in the layer, or seen from the root of the repository."""
    return LAYER / name if (LAYER / name).exists() else ROOT / name


def imported(path):
    """The modules of the layer that a module imports, as files, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("serverless_tasks."):
            module = "/".join(node.module.split(".")[1:])
            found |= {f"{module}.py", *(f"{module}/{alias.name}.py" for alias in node.names)}
    return found


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_is_named_is_there(name):
    assert file_of(name).exists()


def test_the_names_are_read():
    assert {"workers/relay.py", "core/", "template.yaml", "functions/api/app.py"} <= NAMED
    assert len(ARROWS) == len([line for line in PICTURE.text.splitlines() if "-->" in line])


def in_the_layer(node):
    name = NODES.get(node, "")
    return name.endswith(".py") and (LAYER / name).exists()


@pytest.mark.parametrize(("caller", "called"), [pair for pair in ARROWS if all(map(in_the_layer, pair))])
def test_an_arrow_between_modules_is_an_import(caller, called):
    assert NODES[called] in imported(LAYER / NODES[caller])


def test_each_way_in_has_an_arrow_out_of_the_api():
    assert [called for caller, called in ARROWS if caller == "service"] == ["creation", "transitions"]


def test_every_worker_is_named():
    assert {f"workers/{path.name}" for path in (LAYER / "workers").glob("[a-z]*.py")} <= {*NAMED, *NOT_ON_THE_WAY}


NOT_ON_THE_WAY = {"workers/batches.py"}
"""Takes a batch apart for the function that got it."""
