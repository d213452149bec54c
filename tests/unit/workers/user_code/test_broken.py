"""Code that cannot be imported: the tasks of the deployment that mends it begin within a minute."""

import importlib.util
import sys
from pathlib import Path

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.user_code import broken
from serverless_tasks.workers.user_code.broken import messages_come_back

from tests.support.tasks import create, relay_all

ENTRY = Path("functions/worker/queue_worker.py")
BROKEN = ImportError("no module named numpy")


@pytest.fixture
def left(stack):
    """Exit codes of the process that stands in, and its handler."""
    codes = []
    queue = stack.memory.queue
    ticks = lambda: stack.clock().timestamp()  # noqa: E731
    return codes, messages_come_back(BROKEN, queue, ticks, codes.append)


def deliver(stack: MemoryStack, handler) -> object:
    record = stack.memory.queue.receive()
    return handler({"Records": [record]}, None)


def test_the_tasks_of_a_mended_deployment_begin_within_a_minute(stack, left):
    key = create(stack)
    relay_all(stack)
    with pytest.raises(
        RuntimeError, match=r"^the code of the worker cannot be imported: ImportError: no module named numpy$"
    ):
        deliver(stack, left[1])

    TaskType("cat").task(lambda event, context: "done")
    stack.clock.advance(60)

    assert stack.work_one() is True
    assert stack.task(key).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(("seconds", "codes"), [(60, []), (61, [1])])
def test_another_process_imports_it_anew_after_a_minute(stack, left, seconds, codes):
    create(stack)
    relay_all(stack)
    stack.clock.advance(seconds)
    with pytest.raises(RuntimeError, match=r"cannot be imported: ImportError: no module named numpy$"):
        deliver(stack, left[1])
    assert left[0] == codes


def test_a_message_is_acknowledged_before_sqs_dead_letters_it(stack, left):
    create(stack)
    relay_all(stack)
    [message] = stack.memory.queue.messages.values()
    message["attributes"]["ApproximateReceiveCount"] = "950"
    assert deliver(stack, left[1]) == {"batchItemFailures": []}


def test_the_entry_stands_in_for_itself(stack, monkeypatch):
    create(stack)
    relay_all(stack)
    monkeypatch.setattr(broken.Cloud, "from_environment", lambda: stack.memory)
    monkeypatch.setitem(sys.modules, "invocation", None)
    spec = importlib.util.spec_from_file_location("entry_of_a_broken_deployment", ENTRY)
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    with pytest.raises(RuntimeError, match="ModuleNotFoundError"):
        deliver(stack, entry.handler)
    stack.clock.advance(broken.RETURN_SECONDS)
    assert stack.work_one() is True
