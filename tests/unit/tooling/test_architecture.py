"""Imports point inward only, and the pure core has no way out: no boto3, no clock, no environment, no chance."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serverless_tasks

LAYER = Path(serverless_tasks.__path__[0])
ROOT = Path(__file__).resolve().parents[3]
CLI = ROOT / "cli" / "tasks_cli"
MAY_USE = {
    "core": {"core"},
    "classic": {"core", "classic"},
    "adapters": {"core", "adapters"},
    "store": {"core", "adapters", "store"},
    "service": {"core", "adapters", "store", "service"},
    "workers": {"core", "classic", "adapters", "store", "workers"},
    "testing": {"core", "classic", "adapters", "store", "service", "workers", "testing"},
}
"""The parts, from the inside out, and which parts each may import."""
MOST_IN_A_ROOM = 12
"""Modules, or folders, that a reader takes in at once."""
CORE_MAY_IMPORT = {
    *("__future__", "array", "base64", "binascii", "bisect", "collections", "csv", "dataclasses", "datetime", "enum"),
    *(
        "fractions",
        "hashlib",
        "inspect",
        "json",
        "math",
        "numbers",
        "operator",
        "re",
        "serverless_tasks",
        "typing",
        "zlib",
    ),
    "typing_extensions",  # what newer versions of Python have in typing
}
"""Of the standard library only what computes. What asks the world (os, time, random, socket …) is not here."""
ASKS_THE_CLOCK = {"now", "today", "utcnow"}
MODULES = sorted(path for path in LAYER.rglob("*.py") if path != LAYER / "__init__.py")
CORE = [path for path in MODULES if path.relative_to(LAYER).parts[0] == "core"]


def part_of(name: str) -> str:
    """The part that a dotted module of the layer belongs to."""
    return name.removeprefix("serverless_tasks").lstrip(".").split(".")[0]


def imports(path: Path) -> Iterator[str]:
    """Everything that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they point to"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "serverless_tasks" else [node.module or ""]


def own_name(path: Path) -> str:
    return ".".join(path.relative_to(LAYER).with_suffix("").parts)


def python(code: str) -> str:
    """What a fresh interpreter prints; it knows the layer and nothing else of this process."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(LAYER.parent)},
        check=True,
    )
    return run.stdout.strip()


@pytest.mark.parametrize("path", MODULES, ids=own_name)
def test_imports_point_inward(path):
    own = part_of(own_name(path))
    used = {part_of(name) for name in imports(path) if name.split(".")[0] == "serverless_tasks"}
    assert used <= MAY_USE[own]


@pytest.mark.parametrize("path", CORE, ids=own_name)
def test_core_imports_only_what_computes(path):
    assert {name.split(".")[0] for name in imports(path)} <= CORE_MAY_IMPORT


@pytest.mark.parametrize("path", CORE, ids=own_name)
def test_core_asks_no_clock_and_opens_nothing(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ASKS_THE_CLOCK | {"environ", "getenv"}, f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "input", "print", "exec", "eval", "__import__"}, f"line {node.lineno}"


def test_the_command_line_is_installed_without_the_rest():
    found = {name.split(".")[0] for path in CLI.rglob("*.py") for name in imports(path)}
    ours = {path.name.removesuffix(".py") for path in ROOT.iterdir()} | {"serverless_tasks"}
    assert "tasks_cli" in found
    assert not found & ours


def test_every_module_is_looked_at():
    assert {part_of(own_name(path)) for path in MODULES} == set(MAY_USE)
    assert len(CORE) > 20


@pytest.mark.parametrize("room", sorted({path.parent for path in MODULES}), ids=lambda room: room.name)
def test_a_room_is_small_and_its_init_says_what_it_is_and_no_more(room):
    inside = [path for path in room.iterdir() if path.suffix == ".py" and path.name != "__init__.py"]
    assert len(inside) <= MOST_IN_A_ROOM
    if room.name != "testing":  # which is public, and no function imports it
        [docstring] = ast.parse((room / "__init__.py").read_text()).body
        assert isinstance(docstring, ast.Expr)


def test_package_and_core_load_without_boto3():
    modules = ", ".join(f"serverless_tasks.{own_name(path).removesuffix('.__init__')}" for path in CORE)
    show = "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = python(f"import sys, serverless_tasks, {modules}; {show}").split()
    assert "serverless_tasks" in loaded
    assert not {"boto3", "botocore", "aws_lambda_powertools", "ulid", "socket", "urllib3"} & set(loaded)


def test_workers_start_without_asyncio():
    workers = ", ".join(f"serverless_tasks.workers.{name}" for name in ("queue_worker", "chunk.run", "finisher"))
    assert python(f"import sys, {workers}; print('asyncio' in sys.modules)") == "False"


def test_names_that_need_boto3_are_loaded_when_asked_for():
    code = (
        "import sys, serverless_tasks as s; a = 'boto3' in sys.modules; s.TaskService; print(a, 'boto3' in sys.modules)"
    )
    assert python(code) == "False True"


def test_all_names_of_the_package_are_there():
    assert {name: getattr(serverless_tasks, name).__name__ for name in serverless_tasks.__all__ if name != "Page"}
    assert serverless_tasks.Page
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = serverless_tasks.Nothing
