"""What `sam build` writes down of the task types (functions/worker/Makefile), run as SAM CLI runs it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local.paths import ROOT
from tests.support.fork import PROBES

LAYER = Path("layers", "serverless_tasks")
WORKER = Path("functions", "worker")
TYPED = """
\"\"\"Feeds them.

More than that.
\"\"\"
from dataclasses import dataclass

from serverless_tasks import StepFunctionTaskEvent, TaskQueueEvent, TaskType

dog = TaskType("dog")


@dataclass
class Dog:
    name: str


@dog.sub_task
def feed(event: StepFunctionTaskEvent[Dog], context): ...
"""


class Fork:
    """A copy whose path has a space, with a task type of the tests' own, and a folder for what is built."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (LAYER, WORKER):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.rmtree(root / WORKER / "task_types")
        self.add("__init__.py", "")
        shutil.copy(PROBES / "cat.py", root / WORKER / "task_types")

    def add(self, name: str, text: str) -> "Fork":
        (self.root / WORKER / "task_types").mkdir(exist_ok=True)
        (self.root / WORKER / "task_types" / name).write_text(text, encoding="utf-8")
        return self

    def build(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Make runs in a copy, and is told where its file was."""
        scratch, built = self.root / "scratch", self.root / "built"
        for left in (scratch, built):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(self.root / WORKER, scratch)
        kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
        variables = {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHON_RUNTIME": f"python3.{sys.version_info.minor}",
            "ARTIFACTS_DIR": str(built),
            **environment,
        }
        command = ["make", "--makefile", str(self.root / WORKER / "Makefile"), "build-TaskTypesLayer"]
        return subprocess.run(command, cwd=scratch, env=variables, capture_output=True, text=True)

    @property
    def written(self) -> bytes:
        [file] = [path for path in (self.root / "built").rglob("*") if path.is_file()]
        assert file.relative_to(self.root / "built") == Path("python", "deployed_task_types", "manifest.json")
        return file.read_bytes()

    def found(self, **environment: str) -> tuple[dict[str, Any], bool, str]:
        """Task types by name, whether they are all, and what the build says."""
        done = self.build(**environment)
        assert done.returncode == 0, done.stderr
        written = json.loads(self.written)
        return {item["taskType"]: item for item in written["items"]}, written["complete"], done.stdout


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    return Fork(tmp_path / "a fork")


def test_it_says_what_there_is(fork: Fork):
    items, complete, said = fork.add("dog.py", TYPED).found()
    assert (list(items), complete, said) == (["cat", "dog"], True, "")
    assert items["cat"] == {
        "taskType": "cat",
        "description": "The smallest task type: a single task and a sub-task.",
        "kinds": ["TASK", "SFN_TASK"],
        "inputSchemas": {},
    }
    schema = {
        "properties": {"name": {"title": "Name", "type": "string"}},
        "required": ["name"],
        "title": "Dog",
        "type": "object",
    }
    assert items["dog"] == {
        "taskType": "dog",
        "description": "Feeds them.",
        "kinds": ["SFN_TASK"],
        "inputSchemas": {"SFN_TASK": schema},
    }


def test_the_same_files_give_the_same_bytes(fork: Fork):
    fork.build()
    before = fork.written
    fork.build(PYTHONHASHSEED="7")
    assert fork.written == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import os\nos.environ['NOT_HERE']", "KeyError: 'NOT_HERE'"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
    ],
)
def test_what_cannot_be_imported_here_is_left_out_and_named(fork: Fork, text: str, problem: str):
    begun = "from serverless_tasks import TaskType\nodd = TaskType('odd')\nodd.task(lambda event, context: None)\n"
    items, complete, said = fork.add("broken.py", begun + text).add("dog.py", TYPED).found()
    assert (list(items), complete) == (["cat", "dog"], False)
    assert f"Warning: task_types/broken.py cannot be imported here, {problem}. So the API does not know all" in said


def test_an_annotation_that_cannot_be_read_is_named(fork: Fork):
    text = TYPED.replace("StepFunctionTaskEvent[Dog]", "'StepFunctionTaskEvent[Puppy]'")
    items, complete, said = fork.add("dog.py", text).found()
    assert (list(items), complete) == (["cat"], False)
    assert "'StepFunctionTaskEvent[Puppy]' of feed cannot be read: name 'Puppy' is not defined" in said


def test_an_input_without_a_schema_is_named_and_its_type_known(fork: Fork):
    text = TYPED.replace("    name: str", "    name: object = len")
    items, complete, said = fork.add("dog.py", text.replace("[Dog]", "[type(len)]")).found()
    assert (items["dog"]["inputSchemas"], complete) == ({}, True)
    assert "Warning: task type 'dog', SFN_TASK: its input has no JSON Schema" in said


@pytest.mark.parametrize("event_class", ["TaskQueueEvent", "StepFunctionTaskEvent"])
def test_where_one_handler_takes_all_nothing_is_known(fork: Fork, event_class: str):
    text = f"from serverless_tasks import {event_class}, event_handler\n"
    fork.add("all.py", f"{text}event_handler({event_class})(lambda event, context: None)\n")
    assert fork.found() == ({}, False, "")


def test_files_that_end_their_process_do_not_end_the_build(fork: Fork):
    assert fork.add("deadly.py", "import os\nos._exit(3)").found()[:2] == ({}, False)


def test_a_thread_that_a_file_started_is_not_waited_for(fork: Fork):
    text = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    items, complete, _ = fork.add("dog.py", text + TYPED).found()
    assert ("dog" in items, complete) == (True, True)


def test_python_that_is_none_ends_the_build(fork: Fork):
    done = fork.add("broken.py", "def broken(:\n").build()
    assert done.returncode != 0
    assert "functions/worker/task_types/broken.py: invalid syntax" in done.stderr
    assert "line 1" in done.stderr


def test_nothing_of_this_machines_account_is_there(fork: Fork):
    text = """
import os

import boto3
from serverless_tasks import TaskType

boto3.client("sqs")
given = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("AWS_"))
TaskType("env").task(lambda event, context: None)
print("heard of nobody")
__doc__ = " ".join(given)
"""
    items, complete, said = fork.add("env.py", text).found(AWS_PROFILE="real", AWS_SESSION_TOKEN="real")
    assert (complete, said) == (True, "")
    assert "real" not in items["env"]["description"]
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:9" in items["env"]["description"]


def test_packages_that_this_python_lacks_are_installed_once(fork: Fork, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "BONE = 'bone'\n")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    (fork.root / LAYER / "requirements.txt").write_text("")
    (fork.root / WORKER / "requirements.txt").write_text("tiny==1  # a bone\n")
    fork.add("dog.py", f"import tiny\n{TYPED}")
    items, complete, _ = fork.found(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert ("dog" in items, complete) == (True, True)
    [_] = (fork.root / ".aws-sam" / "task-types").iterdir()

    (tmp_path / "tiny-1-py3-none-any.whl").unlink()
    assert fork.found(PIP_NO_INDEX="1")[1] is True

    (fork.root / WORKER / "requirements.txt").write_text("tiny==2\n")
    items, complete, said = fork.found(PIP_NO_INDEX="1")
    assert ("dog" in items, complete) == (False, False)
    assert "Warning: functions/worker/requirements.txt cannot be installed here: ERROR: No matching" in said


def test_a_container_that_has_only_the_folder_says_that_it_knows_nothing(fork: Fork):
    shutil.rmtree(fork.root / "layers")
    items, complete, said = fork.found()
    assert (items, complete) == ({}, False)
    assert "Warning: " in said


def test_files_that_are_not_imported_are_named(fork: Fork):
    # GIVEN a copy that a file manager made, a name with a dot, and folders
    cat = "from serverless_tasks import TaskType\nTaskType('bird').task(lambda event, context: None)\n"
    (fork.root / WORKER / "task_types" / "sub").mkdir()
    fork.add("bird.py", cat).add("bird copy.py", cat).add("billing.v2.py", cat).add("sub/inner.py", cat)
    # AND such as are in order
    fork.add("sub/helpers.py", "x = 1\n").add("dog.py", f"import task_types.sub.known\n{TYPED}").add(
        "a.b.py", "x = 1\n"
    )
    fork.add("sub/known.py", cat.replace("bird", "known"))

    items, complete, said = fork.found()

    assert {"cat", "dog", "known"} <= set(items)
    assert complete is False
    assert "'bird' is defined twice, in " in said
    assert "task_types/bird copy.py and in " in said
    assert "task_types/billing.v2.py is not imported: a name with a dot cannot be; rename it" in said
    assert "task_types/sub/inner.py is not imported: only files directly in task_types are; import it from one" in said
    assert len(said.splitlines()) == 3
