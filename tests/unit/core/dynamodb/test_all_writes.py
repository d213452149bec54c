"""Every write that the core can build is one that DynamoDB accepts. moto and the local engine would not tell."""

import ast
import inspect
from datetime import timedelta
from pathlib import Path

import pytest
from serverless_tasks import core
from serverless_tasks.adapters.meter import with_usage
from serverless_tasks.core.dynamodb.expressions import Put, Update
from serverless_tasks.core.errors import TransitionRefused
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.task import bounds, idempotency, transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import FACTS, TaskKind, TaskStatus
from serverless_tasks.core.times import to_iso
from serverless_tasks.core.usage.amounts import Usage

from tests.support.examples import AT, NOW, a_chunk, a_fan_out, a_task
from tests.support.expressions import check_request

LATER = NOW + timedelta(minutes=15)
REFERENCE = {"key": "payloads/mbc/1/x", "bytes": 5000, "etag": '"e"'}
ERROR = '{"type":"ValueError","message":"no food"}'
COUNTS = {"subTaskCount": 3, "subTaskSucceedCount": 1, "subTaskFailedCount": 1}
POLICY = {"maxAttempts": 3, "toleratedFailures": "5%", "fanIn": True}
CUT = {"maxCount": 2, "maxBytes": 1000}
ATTRIBUTES = [
    {},
    COUNTS,
    {"result": "1", "error": ERROR, "progress": 0.5, "checkpoint": "1"},
    {"resultRef": REFERENCE, "error": ERROR, "progress": 0.5, "checkpointRef": REFERENCE, **COUNTS},
]
TASKS = [
    a_task(status, kind, attributes=attributes, attempt=attempt, done_chunks=done, execution_arn=arn)
    for status in TaskStatus
    for kind in TaskKind
    for attributes in ATTRIBUTES
    for attempt, done, arn in ((0, frozenset(), None), (2, frozenset({0, 999}), "arn"))
]
USAGE = Usage(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
CHUNKS = [
    a_chunk(),
    a_chunk(1, finished_at=AT, usage=USAGE),
    a_chunk(999, run=1, attempt=4, claims=2, in_flight=1, due_at=AT, outcomes="null\n"),
]
STORED = [{"outcomes": "null\nnull\nnull\n"}, {"outcomesRef": REFERENCE}]
END = undelivered.Undelivered("UNTOLD#TASK#mbc", "cat#1#4", ("alarm",), AT, AT)
RESULTS = [{}, {"result": "1"}, {"resultRef": REFERENCE}]

WRITES = {
    "transitions.queued": lambda: [transitions.queued(task, NOW) for task in allowed("QUEUED")],
    "transitions.started": lambda: [transitions.started(task, NOW, "arn") for task in allowed("STARTED")],
    "transitions.claimed": lambda: [
        transitions.claimed(task, NOW, LATER, {"maxAttempts": 3}) for task in allowed("PROCESSING")
    ],
    "transitions.continued": lambda: [transitions.continued(task, NOW) for task in allowed("QUEUED")],
    "transitions.errored": lambda: [
        transitions.errored(task, NOW, ERROR, LATER, "no food") for task in allowed("ERRORED")
    ],
    "transitions.planned": lambda: [
        transitions.planned(task, NOW, arn, COUNTS, done, policy=POLICY, cut=CUT)
        for task in allowed("PROCESSING")
        for arn in (None, "arn")
        for done in (frozenset(), frozenset(range(1000)))
    ],
    "transitions.finished": lambda: [transitions.finished(task, NOW, COUNTS) for task in allowed("FINISHED")],
    "transitions.completed": lambda: [
        transitions.completed(task, NOW, result, 30) for task in allowed("COMPLETED") for result in RESULTS
    ],
    "transitions.failed": lambda: [
        transitions.failed(task, NOW, ERROR, "no food", 30, counts)
        for task in allowed("FAILED")
        for counts in ([{}, COUNTS] if "subTaskCount" in task.attributes else [{}])
    ],
    "transitions.given_up": lambda: [
        transitions.given_up(task, NOW, ERROR, "no food", 30) for task in allowed("FAILED")
    ],
    "transitions.cancelled": lambda: [
        transitions.cancelled(task, NOW, by, 30) for task in allowed("CANCELLED") for by in (None, "ann")
    ],
    "transitions.retried": lambda: [
        transitions.retried(task, NOW, by, 300) for task in allowed("CREATED") for by in (None, "ann")
    ],
    "transitions.manual_attempt": lambda: [
        transitions.manual_attempt(task, NOW, given)
        for task in allowed("PROCESSING")
        if task.kind is TaskKind.TASK
        for given in ({}, {"attributes.result": "1", "attributes.progress": 0.5})
    ],
    "transitions.manual_update": lambda: [
        transitions.manual_update(task, status, NOW, given, 30)
        for status in set(TaskStatus) - {TaskStatus.CREATED, TaskStatus.PROCESSING}
        for task in allowed(status)
        if task.kind in FACTS[status].kinds
        for given in ({}, {"result": "1", "error": ERROR, "progress": 0.5})
    ],
    "transitions.worker_data": lambda: [
        transitions.worker_data(task, NOW, sets, removes)
        for task in TASKS
        for sets, removes in (
            ({}, ()),
            ({"attributes.checkpoint": "1"}, ("attributes.checkpointRef",)),
            ({"attributes.checkpointRef": REFERENCE, "attributes.progress": 0.5}, ("attributes.checkpoint",)),
        )
    ],
    "transitions.renewed": lambda: [transitions.renewed(task, NOW, LATER) for task in TASKS],
    "transitions.kept": lambda: [transitions.kept(task, NOW) for task in TASKS],
    "transitions.looked_at": lambda: [
        transitions.looked_at(task, NOW, LATER, dispatched) for task in TASKS for dispatched in (True, False)
    ],
    "undelivered.refused": lambda: [undelivered.refused(task, ["status", "alarm"], NOW) for task in TASKS],
    "undelivered.put_off": lambda: [undelivered.put_off(END, LATER)],
    "undelivered.delivered": lambda: [undelivered.delivered(END, left) for left in ((), END.sinks)],
    "chunks.create": lambda: [
        chunks.create(a_fan_out(), chunks.Range(0, 0, 3, *span), 1_800_000_000) for span in ((), (0, 512))
    ],
    "chunks.claim": lambda: [chunks.claim(a_fan_out(), 999, NOW, LATER, holder) for holder in (None, "a child")],
    "chunks.claim_lost": lambda: [chunks.claim_lost(a_fan_out(), 999, NOW, LATER, "a child")],
    "chunks.free": lambda: [chunks.free(a_fan_out().key, 0, 999, "a child")],
    "chunks.take_over": lambda: [
        chunks.take_over(chunk, 2, NOW, LATER, holder) for chunk in CHUNKS for holder in (None, "a child")
    ],
    "chunks.flush": lambda: [chunks.flush(chunk, stored, (1, 1)) for chunk in CHUNKS for stored in STORED],
    "chunks.keep": lambda: [chunks.keep(chunk, 1_900_000_000) for chunk in CHUNKS],
    "chunks.mark_in_flight": lambda: [chunks.mark_in_flight(chunk, 7) for chunk in CHUNKS],
    "chunks.release": lambda: [
        chunks.release(chunk, stored, counts, NOW, due_at)
        for chunk in CHUNKS
        for stored in STORED
        for counts in ((0, 0), (2, 1))
        for due_at in (None, to_iso(LATER))
    ],
    "chunks.give_back": lambda: [
        chunks.give_back(chunk, NOW, 60, begun=begun) for chunk in CHUNKS for begun in (True, False)
    ],
    "chunks.progress": lambda: [chunks.progress(a_fan_out(), chunk, NOW) for chunk in CHUNKS],
    "idempotency.Intent.remember": lambda: [
        idempotency.Intent("mbc", "ann", "TASK", "key", ("cat", "1")).remember(a_task(), NOW, 1_800_000_000)
    ],
    "bounds.Window.count": lambda: [
        window.count("01KAFSV4XG4DXWKE1B8G6F0J2T")
        for bounded in (bounds.TASKS, bounds.UPLOADS)
        for window in bounds.windows(bounded, {"user": 1, "tenant": 60_000}, "mbc", "ann", NOW)
    ],
}
NO_WRITES = {
    "bounds.windows",
    "chunks.are_all",
    "chunks.recount",
    "chunks.tally",
    "idempotency.canonical",
    "idempotency.remembered",
    "transitions.attempt_start",
    "transitions.goes_on",
    "transitions.unread_in_a_row",
}


def allowed(status):
    """The tasks that may go to this status."""
    return [task for task in TASKS if transitions.can_transition(task.status, TaskStatus(status))]


def public_functions(module):
    short = module.__name__.rpartition(".")[2]
    return {
        f"{short}.{name}"
        for name, _ in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.getmodule(getattr(module, name)) is module
    }


def check(write):
    check_request("PutItem" if isinstance(write, Put) else "UpdateItem", write.render())


@pytest.mark.parametrize("name", WRITES)
def test_dynamodb_accepts_every_write_of(name):
    writes = WRITES[name]()
    assert writes
    for write in writes:
        assert isinstance(write, (Put, Update))
        check(write)
        check(with_usage(write, USAGE))


@pytest.mark.parametrize("task", TASKS)
def test_dynamodb_accepts_every_task(task):
    full = TaskEntity.from_item(task.to_item() | {"inputRef": REFERENCE, "requestId": "r", "createdBy": "ann"})
    check(Put(full.to_item()))


def test_every_function_that_builds_a_write_is_named_here():
    modules = (transitions, chunks, idempotency, undelivered, bounds)
    functions = {name for module in modules for name in public_functions(module)}
    builders = {name for name in WRITES if name.count(".") == 1}
    assert functions == builders | NO_WRITES


def test_no_other_module_of_the_core_builds_writes():
    building = set()
    for path in Path(core.__path__[0]).rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if {"Update", "Put"} & {call.id for call in calls if isinstance(call, ast.Name)}:
            building.add(path.stem)
    assert building == {"transitions", "chunks", "idempotency", "undelivered", "bounds"}


def test_transitions_without_a_way_are_refused_before_anything_is_built():
    with pytest.raises(TransitionRefused):
        transitions.queued(a_task(TaskStatus.COMPLETED), NOW)


def test_fullest_history_leaves_room_in_the_item():
    entry = {"status": "QUEUED", "at": AT, "attempt": 1000, "by": "u" * 128, "reason": "\U0001f431" * 200}
    task = a_task(TaskStatus.PROCESSING, history=tuple(entry for _ in range(50)), done_chunks=frozenset(range(1000)))
    check(Put(task.to_item()))
    check(transitions.failed(task, NOW, ERROR, "\U0001f431" * 200, 30))
