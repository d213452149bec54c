"""What each function called here, in all end-to-end tests, is what its role grants: nothing less, nothing more."""

from contextlib import suppress

import pytest
from serverless_tasks import TaskKind, TaskStatus

from tests.support.driver import Driver, follow
from tests.support.grants import grants
from tests.support.planted import ago, lost_task, plant
from tests.support.recorded import Recorded
from tests.support.reviewed import reviewed

pytestmark = pytest.mark.at_the_end

LARGE = {"do": "return", "bytes": 300_000, "padding": "x" * 300_000}
"""An order with an input and a result that go to the bucket, and come back as links."""
PATIENCE = 180
"""Seconds for what waits until leases have ended."""
FUNCTIONS = sorted(set(grants()) - {"FanOutStateMachine"})


@pytest.fixture(scope="module")
def recorded(fork, forked):
    return Recorded(fork, forked)


@pytest.fixture(scope="module")
def everything(forked, early):
    """Every part of the system has been used, errors of users included; what goes wrong in AWS itself has not."""
    tasks = Driver(forked)
    for name in ("killed", "killed for good"):  # the engine ends a dead worker's neighbours: let nobody be one
        tasks.wait(early[name], seconds=PATIENCE)
    again = {"Idempotency-Key": "an order twice"}
    single = tasks.create("probe", LARGE, headers=again)
    tasks.call("POST", "/tasks", {"taskType": "probe", "input": LARGE}, headers=again)
    many = tasks.fan_out("tolerant", [LARGE] + [{"do": "echo"}] * 200)
    uploaded = tasks.fan_out_of("tolerant", tasks.upload(b'{"do": "echo"}\n' * 3))
    saved = tasks.create("probe", {"do": "checkpoint", "steps": 2, "failAt": 1})
    failing = tasks.fan_out("once", [{"do": "give up"}, {"do": "echo"}])
    held = tasks.fan_out("alone", [{"do": "hold"}])
    tasks.wait(held, "PROCESSING")
    tasks.cancel(held)
    tasks.retry(held)
    tasks.cancel(held)
    for task in (single, many, uploaded, saved, failing):
        tasks.wait(task)
    tasks.retry(failing)
    tasks.wait(failing)
    follow(tasks.look(single)["inputUrl"])
    for query in ("", "?status=FAILED", "?taskType=probe&kind=TASK"):
        tasks.call("GET", f"/tasks{query}")
    tasks.sub_tasks(many)
    queue = tasks.cloud.stack["taskQueueUrl"]
    tasks.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="no task of ours")
    lost_single = lost_task(TaskKind.TASK, TaskStatus.CREATED)
    lost_many = lost_task(TaskKind.SFN_TASK, TaskStatus.STARTED, dispatched_at=ago(60))
    lost = [plant(tasks.cloud, task) for task in (lost_single, lost_many)]
    tasks.cloud.invoke("SweeperFunction", {})
    for task in lost:
        tasks.wait(task)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_call_is_granted(function, everything, recorded):
    """GIVEN every call that was made; WHEN it is held against the function's role; THEN all are granted."""
    missing = {
        need for need in recorded.look()[function] if not any(grant.covers(need) for grant in grants()[function])
    }
    assert not missing


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_grant_is_used_or_reviewed(function, everything, recorded, tasks):
    """GIVEN every grant; WHEN no call has used it; THEN the reviewed list says why it is there, and only then."""
    entries = [*reviewed("service"), *reviewed("error")]
    listed = {grant for grant in grants()[function] if any(entry.names(function, grant) for entry in entries)}

    def unused():
        needed = recorded.look()[function]
        return {grant for grant in grants()[function] if not any(grant.covers(need) for need in needed)}

    with suppress(AssertionError):  # the relay may be at it still
        tasks.until(lambda: unused() <= listed, f"{function} uses every grant that is not reviewed", seconds=20)
    assert unused() == listed
