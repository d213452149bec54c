"""The classic way, as docs/event-factories.md says: own event classes and factories, named by template parameters.

Deployed by `sam deploy` itself, so that this way of deploying is seen to run tasks as well.
"""

import json

import pytest
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.outbox.messages import task_message

from local.paths import ROOT
from tests.support.driver import Driver, counters_of
from tests.support.fork import Fork
from tests.support.pages import blocks
from tests.support.planted import ago, lost_task, plant

PAGE = ROOT / "docs" / "event-factories.md"
FACTORIES = {"TaskQueueEventFactory": "task_types.feeding:Factory", "EventFactory": "task_types.envelopes:Unwrapping"}


@pytest.fixture(scope="module")
def classic(tmp_path_factory, fork, forked):
    """A fork with the page's files and parameters, running."""
    own = Fork(tmp_path_factory.mktemp("classic") / "repo").built_like(fork).with_parameters(**FACTORIES)
    for block in blocks(PAGE, "python"):
        if block.file:
            (own.root / block.file).write_text(block.text, encoding="utf-8")
    with own.running(with_sam=True) as running:
        yield running


@pytest.fixture
def tasks(classic):
    return Driver(classic)


def test_the_parameters_arrive(tasks):
    """GIVEN factories in samconfig.toml; WHEN it is deployed; THEN the four workers know them."""
    for function in ("QueueFunction", "PlanFunction", "ChunkFunction", "FinishFunction"):
        name = tasks.function_name(function)
        variables = tasks.cloud.client("lambda").get_function_configuration(FunctionName=name)["Environment"][
            "Variables"
        ]
        assert variables["TASK_QUEUE_EVENT_FACTORY"] == FACTORIES["TaskQueueEventFactory"]
        assert variables["EVENT_FACTORY"] == FACTORIES["EventFactory"]


def test_own_events_of_both_kinds_are_handled(tasks):
    """GIVEN own events and their handlers, and no task type; WHEN tasks of both kinds are created; THEN they run."""
    one = tasks.create("feeding", {"key": "value1"})
    many = tasks.fan_out("feeding", [{"key": f"value{index}"} for index in range(5)])
    one, many = tasks.wait(one), tasks.wait(many)
    assert (one["status"], one["attributes"]["result"]) == ("COMPLETED", {"fed": "value1"})
    assert (many["status"], counters_of(many)) == ("COMPLETED", (5, 5, 0, 0))
    assert [sub_task["attributes"]["result"]["fed"] for sub_task in tasks.sub_tasks(many)] == [
        f"value{index}" for index in range(5)
    ]


def test_task_types_run_beside_them(tasks):
    """GIVEN a type that the factory leaves alone; WHEN tasks of it are created; THEN its own handlers run them."""
    one, many = tasks.create("cat", {"key": 1}), tasks.fan_out("cat", [{"key": 2}])
    assert tasks.wait(one)["attributes"]["result"] == {"fed": 1}
    assert tasks.wait(many)["status"] == "COMPLETED"
    unknown, unknowns = tasks.create("x", 1), tasks.fan_out("x", [1])
    for task in (tasks.wait(unknown), tasks.wait(unknowns)):
        assert task["status"] == "FAILED"
        assert "no handler for task type 'x'" in task["attributes"]["error"]["message"]


def test_the_own_factory_reads_other_messages(tasks):
    """GIVEN a message in another shape, as SNS wraps it; WHEN it comes; THEN the own factory makes a task of it."""
    lost = lost_task(TaskKind.TASK, TaskStatus.QUEUED, "cat", input_text='{"key": "wrapped"}', dispatched_at=ago(0))
    task = plant(tasks.cloud, lost)
    body = json.dumps({"Type": "Notification", "Message": json.dumps(task_message(lost))})
    tasks.cloud.client("sqs").send_message(QueueUrl=tasks.cloud.stack["taskQueueUrl"], MessageBody=body)
    assert tasks.wait(task)["attributes"]["result"] == {"fed": "wrapped"}
