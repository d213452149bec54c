"""What each function called here, in all end-to-end tests, is what its role grants: nothing less, nothing more.

Nothing less, since the gate of the local cloud refuses the rest: these are tests of the gate, and of what is too much.
"""

import json
from contextlib import suppress

import pytest
from serverless_tasks import TaskKind, TaskStatus

from tests.support.driver import Driver, follow
from tests.support.grants import granted, grants
from tests.support.permissions import readable
from tests.support.planted import (
    ago,
    let_chunks_expire_soon,
    lost_task,
    plant,
    plant_an_end_that_was_given_up,
    plant_beside_an_ended_execution,
    plant_fan_out,
)
from tests.support.recorded import Recorded
from tests.support.replay import refused, second_opinion, without_each
from tests.support.reviewed import reviewed
from tools import yours

pytestmark = pytest.mark.at_the_end

LARGE = {"do": "return", "bytes": 300_000, "padding": "x" * 300_000}
"""An order with an input and a result that go to the bucket, and come back as links."""
PATIENCE = 180
"""Seconds for what waits until leases have ended."""
MISSING = "ListObjectsV2"
"""Recorded where an object is missing: S3 asks whether the role may know that."""
GONE = {"key": "payloads/mbc/gone.json", "bytes": 5000, "etag": '"gone"'}
"""An input that the bucket has lost."""
EXPLAINED = {
    ("sqs", "SendMessageBatch"): "the engine asks for an action of this name; AWS has none, and asks for SendMessage",
    ("sns", "PublishBatch"): "likewise: AWS asks for Publish",
}
"""Calls of which the engine's own IAM thinks otherwise than the gate, and why it is wrong."""
FUNCTIONS = sorted(name for name in grants() if name.endswith("Function"))


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
    gone_single = lost_task(TaskKind.TASK, TaskStatus.CREATED, input_text=None, input_ref=GONE)
    gone_many = lost_task(TaskKind.SFN_TASK, TaskStatus.STARTED, dispatched_at=ago(60), input_text=None, input_ref=GONE)
    lost = [plant(tasks.cloud, task) for task in (lost_single, lost_many, gone_single, gone_many)]
    never_put = tasks.call("POST", "/uploads", {"format": "jsonl"}).body["inputRef"]
    tasks.call("POST", "/tasks/step-function-task", {"taskType": "tolerant", "inputRef": never_put})
    plant_an_end_that_was_given_up(tasks.cloud)
    lost.append(plant_beside_an_ended_execution(tasks))
    tasks.cloud.invoke("SweeperFunction", {})
    ending = plant_fan_out(tasks.cloud, 1)
    let_chunks_expire_soon(tasks.cloud, ending)
    tasks.retry(ending, user="carol")
    for task in (*lost, ending):
        tasks.wait(task)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_gate_knows_what_the_template_grants(function, recorded):
    """GIVEN the policies as the engine resolved them; WHEN they are read in the template's names; THEN they are its."""
    found = set(granted(_in_names_of_the_template(recorded.statements(function), recorded)))
    assert found >= grants()[function]
    assert {more.action for more in found - grants()[function]} <= yours.actions()


def test_a_call_that_is_not_granted_is_refused_with_the_line_that_grants_it(everything, recorded, tasks):
    """GIVEN a handler that calls what nobody granted; WHEN it runs; THEN AWS's own error ends its task, with advice."""
    scan = {
        "do": "call",
        "service": "dynamodb",
        "operation": "scan",
        "with": {"TableName": tasks.cloud.stack["tableName"]},
    }
    task = tasks.run("once", scan)
    said = json.dumps(task["attributes"])
    assert task["status"] == "FAILED"
    assert "AccessDeniedException" in said
    assert "is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:" in said
    line = "- {Effect: Allow, Action: dynamodb:Scan, Resource: !GetAtt TasksTable.Arn}"
    assert f"Add to TaskPermissions in template.yaml: {line}" in said
    others = [(call.function, call.operation, verdict) for call, verdict in recorded.look().others]
    assert [other for other in others if other[1] != MISSING] == [("QueueFunction", "Scan", "AccessDeniedException")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_any_one_grant_a_call_is_refused(function, everything, recorded, tasks):
    """GIVEN every call; WHEN a grant is taken away; THEN one is refused, or the reviewed list says why none can be."""
    service, errors = (
        {grant for grant in grants()[function] if any(entry.names(function, grant) for entry in reviewed(kind))}
        for kind in ("service", "error")
    )
    listed = service | errors

    def needless():
        statements = recorded.statements(function)
        made = [recorded.requests(call) for call in recorded.look().allowed[function]]
        assert not any(refused(asked, statements) for asked in made)
        return {
            grant
            for taken, left in without_each(statements)
            if not any(refused(asked, left) for asked in made)
            for grant in granted(_in_names_of_the_template([taken, *_denials(left)], recorded))
            if grant in grants()[function]  # the others are a fork's own
        }

    with suppress(AssertionError):  # the relay may be at it still
        tasks.until(lambda: needless() <= listed, f"{function} needs every grant that is not reviewed", seconds=20)
    assert service <= needless() <= listed  # an error may happen here, too: on a slow machine a plan dies half-way


def test_another_judge_agrees(everything, recorded):
    """GIVEN every call that was made, and every role; WHEN the engine's own IAM decides; THEN it says the same."""
    calls = [call for made in recorded.look().allowed.values() for call in made]
    differences = {
        (call.service, call.operation)
        for function in FUNCTIONS
        for call in calls
        if refused(asked := recorded.requests(call), recorded.statements(function))
        is second_opinion(call, asked, recorded.statements(function), recorded.table)
    }
    assert differences == EXPLAINED.keys()


def _in_names_of_the_template(statements, recorded):
    def said(resources):
        return [readable(each, recorded.names) for each in (resources if isinstance(resources, list) else [resources])]

    names = ("Resource", "NotResource")
    return [{**each, **{name: said(each[name]) for name in names if name in each}} for each in statements]


def _denials(statements):
    return [each for each in statements if each["Effect"] == "Deny"]
