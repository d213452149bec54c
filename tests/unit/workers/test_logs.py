"""The log of a task: its keys on every line, its metrics on the line of a transition, no more for more work."""

import io
import json

import pytest
from aws_lambda_powertools import Logger
from serverless_tasks import PermanentError, TaskStatus, TaskType
from serverless_tasks.adapters.log import logger
from serverless_tasks.core.task.status import FACTS
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.store.transitions import COUNTS
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.chunk.sub_task import LOGGED_FAILURES

KEYS = {"taskId", "tenantCode", "taskType"}


class Log(io.StringIO):
    @property
    def lines(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def metrics(self):
        """Values by metric, of every line that has any, as CloudWatch reads them out of it."""
        return [self._read(line) for line in self.lines if "_aws" in line]

    @staticmethod
    def _read(line):
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("prod", [["taskType"]])
        assert line["taskType"] == "cat"
        return {metric["Name"]: (line[metric["Name"]], metric["Unit"]) for metric in directive["Metrics"]}


@pytest.fixture
def log(monkeypatch):
    stream = Log()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def stack():
    return MemoryStack(metrics_namespace="prod")


def run_single(stack, handler, **policy):
    TaskType("cat", **policy).task(handler)
    return stack.run(stack.service.create_task("mbc", "cat", None).key)


def run_fan_out(stack, count, handler, **policy):
    TaskType("cat", **policy).sub_task(handler)
    return stack.run(stack.service.create_step_function_task("mbc", "cat", list(range(count))).key)


def fails(event, context):
    raise ValueError("no")


CREATED = {"Created": ([1.0], "Count")}


def names(log):
    return [sorted(found) for found in log.metrics()]


def test_a_single_task_is_counted_and_timed_at_its_end(stack, log):
    run_single(stack, lambda event, context: stack.clock.advance(3))
    created, ended = log.metrics()
    assert created == CREATED
    assert ended["Completed"] == ([1.0], "Count")
    assert ended["Duration"] == ([3000.0], "Milliseconds")
    assert ended["QueueWait"][1] == "Milliseconds"


def test_attempts_that_failed_are_counted_as_retried(stack, log):
    run_single(stack, fails, max_attempts=3)
    assert names(log) == [["Created"], ["Retried"], ["Retried"], ["Duration", "Failed", "QueueWait"]]


def test_a_fan_out_is_counted_once(stack, log):
    run_fan_out(stack, 50, lambda event, context: None)
    assert names(log) == [["Created"], ["Completed", "Duration", "QueueWait"]]


def test_a_task_without_handler_is_counted_as_failed(stack, log):
    stack.run(stack.service.create_step_function_task("mbc", "cat", [1]).key)
    assert log.metrics() == [CREATED, {"Failed": ([1.0], "Count")}]


def test_a_task_that_the_sweeper_ends_is_counted_as_failed(stack, log):
    TaskType("cat").sub_task(lambda event, context: None)
    task = stack.service.create_step_function_task("mbc", "cat", [1])
    stack.relay.handle(list(stack.memory.table.stream))
    stack.memory.executions.ended |= set(stack.memory.executions.inputs)
    stack.clock.advance(10_000)
    stack.sweeper.handle(lambda: 100.0)
    assert stack.task(task.key).status == "FAILED"
    assert log.metrics() == [CREATED, {"Failed": ([1.0], "Count")}]


@pytest.mark.parametrize("status_messages", ["terminal", "all", "none"])
def test_each_change_is_counted_once_whichever_function_makes_it(log, status_messages):
    # GIVEN tasks that code drives by itself, cancels and retries
    stack = MemoryStack(metrics_namespace="prod", status_messages=status_messages)
    ways = (["CANCELLED", "CREATED", "CANCELLED"], ["PROCESSING", "ERRORED", "PROCESSING", "COMPLETED"], ["FAILED"])
    for way in ways:
        key = stack.service.create_task("mbc", "cat", None).key
        for status in way:
            stack.service.update_status(key, TaskStatus(status))
    while stack.relay_one():
        pass

    counted = sorted(name for found in log.metrics() for name in found if name in COUNTS)

    assert counted == ["Cancelled"] * 2 + ["Completed"] + ["Created"] * 4 + ["Failed", "Retried"]


@pytest.mark.parametrize("status_messages", ["terminal", "all", "none"])
def test_a_single_task_takes_a_line_at_its_dispatch_and_one_at_its_end(log, status_messages):
    stack = MemoryStack(metrics_namespace="prod", status_messages=status_messages)

    run_single(stack, lambda event, context: None)

    assert [line["message"] for line in log.lines] == ["passed on", "task is COMPLETED"]
    assert (log.lines[1]["status"], log.lines[1]["attempt"]) == ("COMPLETED", 1)


def test_what_the_relay_passes_on_together_is_counted_together(stack, log):
    for _ in range(3):
        stack.service.create_task("mbc", "cat", None)
    stack.relay.handle(stack.memory.table.stream)
    assert log.metrics() == [{"Created": ([3.0], "Count")}]


def test_a_record_that_is_delivered_again_is_counted_when_it_is_passed_on(stack, log, monkeypatch):
    # GIVEN a queue that refuses a message
    stack.service.create_task("mbc", "cat", None)
    with monkeypatch.context() as patch:
        patch.setattr(stack.memory.queue, "send_all", lambda tasks: {task.key: ConnectionError() for task in tasks})
        stack.relay_one()
    assert log.metrics() == []

    stack.relay_one()

    assert log.metrics() == [CREATED]


def test_the_relay_hears_of_every_change_that_it_counts():
    assert all(facts.relayed and facts.metric for facts in FACTS.values() if facts.counted_by_relay)


def test_without_a_namespace_there_are_no_metrics(log):
    run_single(MemoryStack(), lambda event, context: None)
    assert log.lines
    assert log.metrics() == []


@pytest.mark.parametrize(
    "run", [lambda stack, handler: run_single(stack, handler), lambda stack, handler: run_fan_out(stack, 3, handler)]
)
@pytest.mark.parametrize("handler", [lambda event, context: None, fails], ids=["returns", "raises"])
def test_every_line_says_which_task_it_is_about(stack, log, run, handler):
    run(stack, handler)
    about_tasks = [line for line in log.lines if line["message"] != "swept"]
    assert len(about_tasks) > 1
    said = [keys for line in about_tasks for keys in line.get("tasks", [line])]  # a batch of the relay has one line
    assert [keys for keys in said if KEYS - set(keys)] == []


@pytest.mark.parametrize("run", [run_single, lambda stack, handler: run_fan_out(stack, 1, handler)])
def test_the_handlers_own_lines_say_it_too(stack, log, run):
    def says_something(event, context):
        Logger().info("halfway")

    run(stack, says_something)
    assert [set(line) >= KEYS | {"attempt"} for line in log.lines if line["message"] == "halfway"] == [True]
    assert [line for line in log.lines if line["message"] == "swept" and "taskId" in line] == []


def written(count, handler, log, **policy):
    """Bytes of log of a fan-out into one chunk of so many sub-tasks."""
    forget_task_types()
    before = log.tell()
    run_fan_out(MemoryStack(), count, handler, chunk_size=1000, **policy)
    return log.tell() - before


@pytest.mark.parametrize("count", [100, 1000])
def test_a_chunk_logs_no_more_for_more_sub_tasks(log, count):
    def works(event, context):
        return None

    digits = 100  # of the counts on its lines
    assert abs(written(count, works, log) - written(1, works, log)) < digits


def test_a_chunk_logs_the_first_failures_only(log):
    def refuses(event, context):
        raise PermanentError("no") if event.index % 2 else ValueError("no")

    few, many = (written(count, refuses, log, max_attempts=1) for count in (4 * LOGGED_FAILURES, 1000))
    assert abs(many - few) < 100
    logged = [line for line in log.lines if line["message"] == "a sub-task failed"]
    assert [line["index"] for line in logged] == [2 * number for number in range(LOGGED_FAILURES)] * 2
    assert [("furtherFailures" in line) for line in logged] == ([False] * (LOGGED_FAILURES - 1) + [True]) * 2
