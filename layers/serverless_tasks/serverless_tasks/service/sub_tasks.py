"""Sub-tasks as people see them: read from the chunks, in input order."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.dynamodb.cursors import decode_cursor, encode_cursor, invalid_cursor
from serverless_tasks.core.errors import PayloadMissing
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS, Chunk, Range
from serverless_tasks.core.fan_out.outcomes import NOTHING, Entry, parse_line
from serverless_tasks.core.inputs.json_text import MAX_DEPTH, escaped_size, size, to_json_text
from serverless_tasks.core.inputs.uploads import is_upload
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.service.task_lists import Page, check_limit
from serverless_tasks.store.chunk_data import load_lines
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
"""Chunks that one request looks into at most, each with up to two objects: a filter that fits nothing must end in time.
Those whose counts say that nothing in them fits are not looked into."""
READ_BYTES = 67_108_864
"""Of outcomes and input, after which one request looks into no other chunk, for the same reason."""


def list_sub_tasks(
    cloud: Cloud, task: TaskEntity, status: TaskStatus | None, limit: int, cursor: str | None
) -> Page[SubTaskEntity]:
    """A page of sub-tasks. It ends early, with a cursor, where inputs and results are large or few of many fit."""
    check_limit(limit)
    query = [task.tenant_code, task.id, status]
    number, first = _position(query, cursor)
    found: list[SubTaskEntity] = []
    left, looked_into, read = PAGE_BYTES, 0, 0
    for chunk in _chunks(cloud, task, number):
        if status is not None and status not in _statuses(task, chunk):
            continue
        if len(found) == limit or looked_into == PAGE_CHUNKS or read >= READ_BYTES:
            return Page(found, encode_cursor(query, [chunk.number, chunk.range.first]))
        entries = _entries(cloud, task, chunk, status, first, limit - len(found) + 1)
        for sub_task in _of_chunk(cloud, task, chunk, entries):
            left -= _bytes(sub_task)
            if len(found) == limit or (found and left < 0):
                return Page(found, encode_cursor(query, [chunk.number, sub_task.index]))
            found.append(sub_task)
        looked_into += 1
        read += chunk.outcomes_ref["bytes"] if chunk.outcomes_ref else 0
        read += chunk.range.bytes if entries else 0
    return Page(found, None)


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

    Not that of an upload: until the plan has gone through all of it, nobody knows what is in it.
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
    """What is said of the first ``most`` sub-tasks from ``first`` on that have the status, by index."""

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
    place = replace(chunk.range, count=max(entries) - chunk.range.first + 1)
    values = _unless_lost(lambda: elements(cloud.payloads, task, place), lambda: [None] * place.count)
    for index, entry in entries.items():
        yield derive(task, index, values[index - place.first], entry)


def _unless_lost(load: Callable[[], _Loaded], otherwise: Callable[[], _Loaded]) -> _Loaded:
    """Payloads may end before their task does. What the item itself says is still worth an answer."""
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
