"""Inputs of Step Functions tasks: from the item, or streamed from the bucket, whole or a chunk's part of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, overload

from serverless_tasks.adapters.payloads import PayloadStore, Reference
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.fan_out.chunks import Range
from serverless_tasks.core.inputs import records
from serverless_tasks.core.inputs.json_text import FIELD
from serverless_tasks.core.inputs.records import Decode, Header, Marks
from serverless_tasks.core.inputs.uploads import ELEMENT_LIMIT, LINE_LIMIT, format_of, is_upload
from serverless_tasks.core.task.entity import TaskEntity


@dataclass(frozen=True, slots=True)
class Measured:
    """What the first plan has to know of an input."""

    count: int
    marks: Marks | None = None
    """Where its elements are in the object, if it is in one."""
    header: Header | None = None
    """Names of the fields, of CSV."""


class Elements(Sequence[Any]):
    """Elements kept as they were read and decoded when asked for: as Python values they take several times as much."""

    def __init__(self, texts: Sequence[bytes], read: Decode) -> None:
        self._texts = texts
        self._read = read

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Elements: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Elements(self._texts[index], self._read)
        return self._read(self._texts[index])


def elements(payloads: PayloadStore, task: TaskEntity, range_: Range) -> Sequence[Any]:
    """The chunk's elements of the input, in order. Raises ``PayloadMissing`` when the bucket lost them.

    A range of fewer elements than its bytes hold is that of the first ones, and not much more is read.
    """
    if (reference := task.input_ref) is None:
        inline: list[Any] = task.input[range_.first : range_.first + range_.count]
        return inline
    if range_.byte_start is None:
        return list(every_element(payloads, task))[range_.first : range_.first + range_.count]
    blocks = payloads.blocks(reference, range_.byte_start, range_.byte_end)
    found = records.records(blocks, format_of(reference["key"]), range_.byte_start, _line_limit(reference))
    return Elements([record.text for record in islice(found, range_.count)], records.decoder(reference.get("header")))


def every_element(payloads: PayloadStore, task: TaskEntity) -> Iterator[Any]:
    """All elements of the input, in order, one after the other: no more than a few MB are in memory.

    Raises ``PayloadMissing`` when the bucket lost them, ``InvalidInput`` for what no plan has looked at yet.
    """
    if (reference := task.input_ref) is None:
        yield from task.input
        return
    header, found = _opened(payloads, reference)
    read = records.decoder(header)
    for record in found:
        yield records.decode(record.text, record.line, read)


def measure(payloads: PayloadStore, task: TaskEntity) -> Measured:
    """Count the elements and find their positions in one pass; an input that the API wrote is only counted.

    Raises :class:`InvalidInput` naming the line that cannot be run.
    """
    if (reference := task.input_ref) is None:
        return Measured(len(task.input))
    header, found = _opened(payloads, reference)
    read = records.decoder(header) if is_upload(reference["key"]) else None
    marks, size = Marks(), reference["bytes"]
    for record in found:
        if read is not None:
            records.decode(record.text, record.line, read)
        if read is not None and marks.count == ELEMENT_LIMIT:
            raise InvalidInput(FIELD, f"has more than {ELEMENT_LIMIT} elements; split it into several tasks")
        marks.add(record.start, min(record.end, size))
    return Measured(marks.count, marks, header)


def _opened(payloads: PayloadStore, reference: Reference) -> tuple[Header | None, Iterator[records.Record]]:
    return records.opened(payloads.blocks(reference), format_of(reference["key"]), _line_limit(reference))


def _line_limit(reference: Reference) -> int | None:
    """A caller in code may create elements as large as its memory."""
    return LINE_LIMIT if is_upload(reference["key"]) else None
