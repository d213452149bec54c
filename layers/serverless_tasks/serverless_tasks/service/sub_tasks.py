"""Sub-tasks: pages of them, read from the chunks in input order, and an outcome given from outside."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.errors import InvalidInput, LostRace, PayloadMissing, TaskNotFound, TransitionRefused
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS, Chunk, Range
from serverless_tasks.core.fan_out.outcomes import NOTHING, RESULT_LIMIT, Entry, fits_line, parse_line
from serverless_tasks.core.inputs.json_text import MAX_DEPTH, escaped_size, size, to_json_text
from serverless_tasks.core.inputs.uploads import is_upload
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import OUTCOMES, TaskKind, TaskStatus
from serverless_tasks.core.task_types.failures import error_of
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.service.pages import Page, check_limit, decode_cursor, encode_cursor, invalid_cursor
from serverless_tasks.store.chunks import (
    NotClaimed,
    claim_chunk,
    count_chunk,
    load_lines,
    store_lines,
    store_result,
)
from serverless_tasks.store.inputs import elements, measure

_logger = logging.getLogger(__name__)
_Loaded = TypeVar("_Loaded")

PAGE_BYTES = 2_500_000
"""Of inputs and results in one page: a Lambda function answers at most 6 MB, and there every quote counts twice."""
ANSWERED_SIZE = size if sys.version_info >= (3, 12) else escaped_size
"""Bytes of a text in an answer: before Python 3.12, Lambda's runtime answers in ASCII (awslambdaric, ``Encoder``)."""
UNPLANNED_BYTES = 3_000_000
"""Of an input whose sub-tasks are shown before they are planned: what a request can carry."""
PAGE_CHUNKS = 100
"""Chunks that one request reads at most, each with up to two objects: a filter that fits nothing must end in time.
Of those in which nothing fits, by their counts, only the item is read."""
READ_BYTES = 67_108_864
"""Of outcomes and input, after which one request looks into no other chunk, for the same reason."""
LEASE_SECONDS = 60
"""Long enough for the few calls made here."""
Attributes = Mapping[str, Any]
Head = tuple[int, int, str, str]
Store = Callable[[str], Mapping[str, Any] | None]
"""Stores a result that has no room in its line and returns its reference, else None."""


def list_sub_tasks(
    cloud: Cloud, task: TaskEntity, status: TaskStatus | None, limit: int, cursor: str | None
) -> Page[SubTaskEntity]:
    """A page of sub-tasks. It ends early, with a cursor, where inputs and results are large or few of many fit."""
    check_limit(limit)
    query = [task.tenant_code, task.id, status]
    number, first = _position(query, cursor)
    found: list[SubTaskEntity] = []
    left, read = PAGE_BYTES, 0
    for before, chunk in enumerate(_chunks(cloud, task, number)):
        fits = status is None or status in _statuses(task, chunk)
        if before == PAGE_CHUNKS or (fits and (len(found) == limit or read >= READ_BYTES)):
            return Page(found, encode_cursor(query, [chunk.number, chunk.range.first]))
        if not fits:
            continue
        entries = _entries(cloud, task, chunk, status, first, limit - len(found) + 1)
        for sub_task in _of_chunk(cloud, task, chunk, entries):
            left -= _bytes(sub_task)
            if len(found) == limit or (found and left < 0):
                return Page(found, encode_cursor(query, [chunk.number, sub_task.index]))
            found.append(sub_task)
        read += chunk.outcomes_ref["bytes"] if chunk.outcomes_ref else 0
        read += chunk.range.bytes if entries else 0
    return Page(found, None)


def write_outcome(
    cloud: Cloud, clock: Clock, key: TaskKey, status: TaskStatus, attributes: Attributes
) -> SubTaskEntity:
    """End the sub-task. Raises :class:`TransitionRefused` or :class:`TaskNotFound` (see ``TaskService``)."""
    if status not in OUTCOMES:
        raise TransitionRefused(f"a sub-task ends COMPLETED or FAILED, it cannot become {status}")
    line = _outcome_line(status, attributes)  # first, so that what is no JSON leaves no chunk claimed
    task, chunk = _claim(cloud, clock, key)
    lines = list(load_lines(cloud.payloads, chunk))
    index = key.index or 0
    offset = index - chunk.range.first
    before = parse_line(lines[offset], task.run)
    ended = before is not None and before.ended
    if not ended:
        attempt, moment = before.attempt + 1 if before else 1, to_iso(clock())
        taken = sum(map(size, lines))

        def store(text: str) -> Mapping[str, Any] | None:
            if fits_line(size(text), taken):
                return None
            return store_result(cloud.payloads, task, chunk, index, attempt, text)

        lines[offset] = line(task.run, (index, attempt, moment, moment), store)
    _release(cloud, clock, task, chunk, lines)
    if ended:
        raise TransitionRefused("the sub-task has ended already")
    return derive(task, index, None, parse_line(lines[offset], task.run))


def derive(task: TaskEntity, index: int, value: Any, entry: Entry | None) -> SubTaskEntity:
    """The sub-task of an entry. One without an outcome is CREATED while its parent is open, then what its parent is."""
    key = task.key.sub_task(index)
    return SubTaskEntity(
        pk=key.pk,
        sk=key.sk,
        index=index,
        status=_status(task, entry),
        attempt=entry.attempt if entry else 0,
        input=value,
        attributes=entry.attributes if entry else {},
        started_at=entry.started_at if entry else None,
        finished_at=entry.finished_at if entry and entry.ended else None,
    )


def _status(task: TaskEntity, entry: Entry | None) -> TaskStatus:
    return entry.status if entry and entry.ended else _status_of_open(task)


def _status_of_open(task: TaskEntity) -> TaskStatus:
    return task.status if task.status.terminal else TaskStatus.CREATED


def _statuses(task: TaskEntity, chunk: Chunk) -> set[TaskStatus]:
    """Those that sub-tasks of the chunk can have, by its counts."""
    possible = {
        TaskStatus.COMPLETED: chunk.succeeded > 0,
        TaskStatus.FAILED: chunk.failed > 0 and chunk.run == task.run,
    }
    found = {status for status, is_there in possible.items() if is_there}
    return found if chunk.done_in(task.run) else found | {_status_of_open(task)}


def _chunks(cloud: Cloud, task: TaskEntity, number: int) -> Iterator[Chunk]:
    """The chunks from ``number`` on; before they are written, the whole input as if it were one.

    Not that of an upload: its elements are known only once the plan has gone through all of it.
    """
    uploaded = task.input_ref is not None and is_upload(task.input_ref["key"])
    if uploaded and "subTaskCount" not in task.attributes:
        return
    found = cloud.table.chunks(task.tenant_code, task.code, number)
    first = next(found, None)
    if first is not None:
        yield first
        yield from found
    elif number == 0 and task.kind is TaskKind.SFN_TASK and (count := _count(cloud, task)):
        yield Chunk(pk="", sk="", range=Range(0, 0, count))


def _count(cloud: Cloud, task: TaskEntity) -> int:
    reference = task.input_ref
    # To page through a larger input without its chunks would read all of it for every page.
    if reference is not None and reference["bytes"] > UNPLANNED_BYTES:
        return 0
    return _unless_lost(lambda: measure(cloud.payloads, task).count, lambda: 0)


def _entries(
    cloud: Cloud, task: TaskEntity, chunk: Chunk, status: TaskStatus | None, first: int, most: int
) -> dict[int, Entry | None]:
    """Entries of the first ``most`` sub-tasks from ``first`` on that have the status, by index."""

    def chosen(lines: Iterable[str]) -> dict[int, Entry | None]:
        indexed = enumerate(lines, chunk.range.first)
        parsed = ((index, parse_line(line, task.run)) for index, line in indexed if index >= first)
        return dict(islice(((i, entry) for i, entry in parsed if status in (None, _status(task, entry))), most))

    nothing = [NOTHING] * chunk.range.count
    return _unless_lost(lambda: chosen(load_lines(cloud.payloads, chunk)), lambda: chosen(nothing))


def _of_chunk(
    cloud: Cloud, task: TaskEntity, chunk: Chunk, entries: Mapping[int, Entry | None]
) -> Iterator[SubTaskEntity]:
    """The sub-tasks of these entries. Where there are none nothing is read, and nothing beyond the last one."""
    if not entries:
        return
    range_ = replace(chunk.range, count=max(entries) - chunk.range.first + 1)
    values = _unless_lost(lambda: elements(cloud.payloads, task, range_), lambda: [None] * range_.count)
    for index, entry in entries.items():
        yield derive(task, index, values[index - range_.first], entry)


def _unless_lost(load: Callable[[], _Loaded], otherwise: Callable[[], _Loaded]) -> _Loaded:
    """Payloads may expire before their task does. The item itself is still worth an answer."""
    try:
        return load()
    except PayloadMissing as error:
        _logger.warning("sub-tasks are shown without their payloads: %s", error)
        return otherwise()


def _position(query: list[Any], cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    match decode_cursor(query, cursor):
        case [int(number), int(first)] if 0 <= number <= first and number < MAX_CHUNKS:
            return number, first
        case _:
            raise invalid_cursor()


def _bytes(sub_task: SubTaskEntity) -> int:
    return ANSWERED_SIZE(to_json_text([sub_task.input, sub_task.attributes], "sub-task", MAX_DEPTH + 2))


def _claim(cloud: Cloud, clock: Clock, key: TaskKey) -> tuple[TaskEntity, Chunk]:
    task = cloud.table.get(key.parent)
    if task is None:
        raise TaskNotFound(f"there is no task {key.parent}")
    if task.status is not TaskStatus.PROCESSING:
        raise TransitionRefused(f"the sub-tasks of a task that is {task.status} cannot change")
    index, count = key.index, task.attributes["subTaskCount"]
    number = _number_with(cloud.table, task, index) if index is not None and index < count else None
    if number is None:
        raise TaskNotFound(f"there is no sub-task {key}")
    now = clock()
    try:
        return task, claim_chunk(cloud.table, task, number, now, after(now, LEASE_SECONDS))
    except (NotClaimed, LostRace):
        raise TransitionRefused("the sub-task has ended, or a worker has it in its hands") from None


def _number_with(table: TaskTable, task: TaskEntity, index: int) -> int | None:
    """Number of the chunk with this element, by bisection.

    Chunk 0 is looked at first, then the one that it is if all are alike: they are, unless elements are large.
    """
    low, high, number = 0, MAX_CHUNKS - 1, 0
    while low <= high:
        chunk = table.chunk(task.tenant_code, task.code, number)
        if chunk is None or index < chunk.range.first:
            high = number - 1
        elif chunk.range.has(index):
            return number
        else:
            low = number + 1
        likely = index // chunk.range.count if chunk and number == 0 else high
        number = likely if likely < high else (low + high) // 2
    return None


def _outcome_line(status: TaskStatus, attributes: Attributes) -> Callable[[int, Head, Store], str]:
    """The line of outcomes, given the run, what every line says, and where to put a result that has no room in it."""
    if status is TaskStatus.COMPLETED:
        text = to_json_text(attributes.get("result"), "result")
        if size(text) > RESULT_LIMIT:
            raise InvalidInput(
                "result", f"has {size(text)} bytes, {RESULT_LIMIT} are allowed; store it and give its key"
            )

        def completed(_run: int, head: Head, store: Store) -> str:
            reference = store(text)
            return outcomes.referenced_line(*head, reference) if reference else outcomes.completed_line(*head, text)

        return completed
    error = error_of(attributes.get("error"))
    return lambda run, head, _store: outcomes.failed_line(*head, error, run)


def _release(cloud: Cloud, clock: Clock, task: TaskEntity, chunk: Chunk, lines: list[str]) -> None:
    completed, failed, due_at = outcomes.tally(lines, task.run)
    stored = store_lines(cloud.payloads, task, chunk, lines)
    chunk = Chunk.from_item(cloud.table.update(chunks.release(chunk, stored, (completed, failed), clock(), due_at)))
    if chunk.done_in(task.run):
        count_chunk(cloud.table, task, chunk, clock())
