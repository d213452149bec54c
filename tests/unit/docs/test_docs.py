"""README and docs are run, not only written: code runs, tables agree with the code. Their text: test_pages.py.

Blocks of Python run in the order of their page, in one namespace. One whose first line names a file is written there
and imported. Where a page has the comment ``<!-- the stack runs -->``, the stack works until nothing is left to do.
"""

import dataclasses
import importlib
import inspect
import json
import re
import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType

import pytest
import serverless_tasks
from serverless_tasks import testing
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.classic import event_classes
from serverless_tasks.core.outbox import messages
from serverless_tasks.core.task.status import FACTS, OPEN
from serverless_tasks.core.task_types import task_type
from serverless_tasks.workers.user_code.loading import load_user_code

from local import stack as stack_file
from tests.support.clients import nobodys_account
from tests.support.fork import PROBES
from tests.support.moto_stack import MotoStack
from tests.support.pages import PAGES, ROOT, blocks, names, rows
from tests.support.resources import TEMPLATE

# ---------------------------------------------------------------------------------------------------- code


@pytest.fixture
def fork(tmp_path, monkeypatch):
    """A folder with the task type that pages take as given, imported from there, into registries of their own."""
    folder = tmp_path / "functions" / "worker" / "task_types"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    shutil.copy(PROBES / "cat.py", folder)
    for name in imported_task_types():
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "functions" / "worker")
    monkeypatch.setattr(task_type, "_registry", {})
    handlers_before = dict(event_classes.EVENT_HANDLERS)
    event_classes.set_event_handlers({})
    yield tmp_path
    event_classes.set_event_handlers(handlers_before)
    for name in imported_task_types():
        del sys.modules[name]


def imported_task_types():
    return [name for name in sys.modules if name.partition(".")[0] == "task_types"]


@contextmanager
def deployed(monkeypatch, **parameters):
    """The stack with the task types of the fork, and the environment that its functions have."""
    factories = {"event_factory": "EventFactory", "task_queue_event_factory": "TaskQueueEventFactory"}
    own = {setting: parameters.get(parameter, "") for setting, parameter in factories.items()}
    router = load_user_code(Settings(**own))
    with nobodys_account(), MotoStack(router, **parameters) as stack:
        stack.clock.now = datetime.now(UTC)
        for name, value in dataclasses.asdict(stack.resources.settings("ApiFunction")).items():
            monkeypatch.setenv(name.upper(), str(value))
        yield stack


def run_everything(stack):
    for task in stack.service.list_tasks(serverless_tasks.TaskQuery("mbc"), limit=100).items:
        stack.run(task.key)


def parameters_of(page):
    """Template parameters that the page sets in samconfig.toml."""
    settings = "".join(block.text for block in blocks(page, "toml"))
    return dict(re.findall(r'"(\w+)=([^"]*)"', settings))


def write_files(root, page):
    for block in blocks(page, "python"):
        if block.file:
            path = root / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    importlib.invalidate_caches()


def import_file(path):
    if path.parent.parts[-2:] == ("worker", "task_types"):
        return importlib.import_module(f"task_types.{path.stem}")
    module = ModuleType(path.stem)
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), module.__dict__)
    return module


@pytest.mark.usefixtures("event_loops")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_code_runs(page, fork, monkeypatch):
    write_files(fork, page)
    namespace = {"__name__": "__main__"}
    with deployed(monkeypatch, **parameters_of(page)) as stack:
        for block in blocks(page, "python", ""):
            if block.language == "":
                run_everything(stack)
            elif block.file is None:
                exec(compile("\n" * block.line + block.text, page, "exec"), namespace)
            else:
                functions = dict(inspect.getmembers(import_file(fork / block.file), inspect.isfunction))
                for name in [name for name in functions if name.startswith("test_")]:
                    functions[name]()
                namespace |= {"handler": functions["handler"]} if "handler" in functions else {}


def test_a_test_that_a_page_shows_is_the_one_that_is_here():
    shown = ROOT / "tests" / "unit" / "task_types" / "test_cat.py"
    if not shown.exists():
        pytest.skip("a fork without cat.py, which docs/testing.md tests")
    [text] = [
        block.text for page in PAGES for block in blocks(page, "python") if block.file == str(shown.relative_to(ROOT))
    ]
    assert shown.read_text(encoding="utf-8").rstrip() == text.rstrip()


def test_the_task_type_that_pages_take_as_given_is_the_one_that_is_here():
    here = ROOT / "functions" / "worker" / "task_types" / "cat.py"
    if not here.exists():
        pytest.skip("a fork without cat.py: the tests keep a copy of their own")
    assert here.read_text(encoding="utf-8") == (PROBES / "cat.py").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------------- reference


SAID_IN_WORDS = {
    "CorsOrigins": "origins",
    "KmsKeyArn": "an ARN",
    "EventBusName": "a name",
    "AlarmEmail": "an address",
    "FailureEmail": "an address",
    "JwtIssuer": "an `https` address",
    "JwtAudience": "any",
}
"""What a parameter takes that has a pattern."""


def test_parameters():
    wanted = []
    for name, parameter in TEMPLATE["Parameters"].items():
        default = f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"
        if "AllowedValues" in parameter:
            allowed = ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
        elif "MinValue" in parameter:
            allowed = f"{parameter['MinValue']:,} to {parameter['MaxValue']:,}"
        else:
            allowed = SAID_IN_WORDS.get(name, "`module:Class`")
        wanted.append([f"`{name}`", default, allowed, parameter["Description"]])
    assert rows("deploy.md", "Parameters") == wanted


def test_outputs():
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert [name for name in TEMPLATE["Outputs"] if f"`{name}`" not in page] == []


def test_routes():
    given = [TEMPLATE["Resources"][name]["Properties"]["Events"] for name in ("ApiFunction", "ConsoleFunction")]
    routes = {f"{e['Properties']['Method']} {e['Properties']['Path']}" for events in given for e in events.values()}
    assert set(names(rows("rest-endpoints.md", "REST endpoints"))) == routes


def test_answers():
    described = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"].values()
    answers = {code for path in described for operation in path.values() for code in operation["responses"]}
    assert {row[0] for row in rows("rest-endpoints.md", "Errors")} == {code for code in answers if code >= "400"}


def test_statuses():
    assert names(rows("concepts.md", "Statuses")) == list(FACTS)
    [diagram] = [block.text for block in blocks(ROOT / "docs" / "concepts.md") if block.text.startswith("stateDiagram")]
    drawn = set(re.findall(r"^ *(\w+) --> (\w+)", diagram, re.MULTILINE))
    drawn |= {(old, new) for outer, new in drawn if outer == "open" for old in OPEN}
    allowed = {(old, new) for old, known in FACTS.items() for new in known.leads_to}
    assert {(old, new) for old, new in drawn if old != "open"} == allowed


def test_attributes():
    known = serverless_tasks.TaskEntity.attribute_names()
    assert set(names(rows("table.md", "Attributes of a task"))) == {"id", *known}


def test_policy():
    parameters = list(inspect.signature(serverless_tasks.TaskType).parameters)
    assert ["name", *names(rows("task-types.md", "Policy"))] == parameters


def test_context():
    context = serverless_tasks.TaskContext()
    public = {name for name in dir(context) if not name.startswith("_")}
    assert {name.partition("(")[0] for name in names(rows("task-types.md", "Context"))} == public


def test_outcomes():
    public = {name for name in dir(serverless_tasks.Outcome) if not name.startswith("_")} - {"of"}
    assert set(names(rows("task-types.md", "Fan-in"))) == public


def test_events():
    known = {field.name for field in dataclasses.fields(serverless_tasks.Event)}
    assert set(names(rows("define-an-event.md", "What every event carries"))) == known


def test_methods():
    service = serverless_tasks.TaskService
    others = {"from_environment", "create_task", "create_step_function_task"}
    public = {name: method for name, method in inspect.getmembers(service, callable) if not name.startswith("_")}
    wanted = {
        f"{name}({', '.join(argument for argument in inspect.signature(method).parameters if argument != 'self')})"
        for name, method in public.items()
        if name not in others
    }
    assert {name for name in names(rows("create-a-task.md", "Read, list, cancel, retry")) if "(" in name} == wanted


def test_arguments():
    arguments = list(inspect.signature(serverless_tasks.TaskService.create_task).parameters)[1:]
    assert names(rows("create-a-task.md", "More than the three")) == arguments


def test_errors():
    exported = {name: getattr(serverless_tasks, name) for name in serverless_tasks.__all__}
    known = {name for name, kind in exported.items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert set(names(rows("errors.md", "In your code"))) == known - {"TaskError"}


def test_what_tests_may_import():
    assert set(names(rows("testing.md", "What a test may import"))) == set(testing.__all__)


def test_messages():
    task = serverless_tasks.TaskEntity(
        pk="TASK#mbc",
        sk="cat#01KAFSV4XG4DXWKE1B8G6F0J2T",
        kind=serverless_tasks.TaskKind.TASK,
        code="01KAFSV4XG4DXWKE1B8G6F0J2T",
        type="cat",
        name="cat",
        tenant_code="mbc",
        status=serverless_tasks.TaskStatus.COMPLETED,
        version=3,
        attributes={"result": '{"fed":"value1"}', "progress": 1},
        updated_at="2026-01-01T00:00:01.000Z",
    )
    shown = {found.get("action"): found for found in map(json.loads, json_of("messages.md"))}
    assert shown["task-execute"] == messages.task_message(task)
    assert shown["task-status"] == messages.status_message(task, "tasks")
    assert shown["sfn-alarm"] == messages.alarm_message(task, "ValueError: not fish again", "tasks")


def json_of(page):
    return [block.text for block in blocks(ROOT / "docs" / page, "json")]


def test_where_the_local_cloud_is():
    assert set(names(rows("local-cloud.md", "stack.json"))) >= set(stack_file.Stack.__annotations__)
