"""Inputs of Step Functions tasks: from the item, or streamed from the bucket, whole or a chunk's part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from serverless_tasks.adapters.payloads import PayloadStore, Reference
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.fan_out.chunks import Range
from serverless_tasks.core.inputs import records
from serverless_tasks.core.inputs.json_text import FIELD
from serverless_tasks.core.inputs.records import Decode, Header
from serverless_tasks.core.inputs.uploads import ELEMENT_LIMIT, LINE_LIMIT, Format, format_of, is_upload
from serverless_tasks.core.task.entity import TaskEntity

if TYPE_CHECKING:
    from serverless_tasks.core.inputs.marks import Marks


@dataclass(frozen=True, slots=True)
class Measured:
    """What the first plan has to know of an input."""

    count: int
    marks: Marks | None = None
    """Where its elements are in the object, if it is in one."""
    header: Header | None = None
    """Names of the fields and what is between them, of CSV."""


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
    return Elements([record.text for record in islice(found, range_.count)], records.decoder(Header.of(reference)))


def every_element(payloads: PayloadStore, task: TaskEntity) -> Iterator[Any]:
    """All elements of the input, in order, one after the other: no more than a few MB are in memory.

    Raises ``PayloadMissing`` when the bucket lost them, ``InvalidInput`` for what no plan has looked at yet.
    """
    if (reference := task.input_ref) is None:
        yield from task.input
        return
    header, found = _opened(payloads.blocks(reference), reference)
    read = records.decoder(Header.of(reference) or header)
    for record in found:
        yield records.decode(record.text, record.line, read)


def measure(payloads: PayloadStore, task: TaskEntity, left: Callable[[], float] | None = None) -> Measured:
    """Count the elements and find their positions in one pass; an input that the API wrote is only counted.

    ``left``: how many seconds it may take from now on. Raises :class:`InvalidInput` naming the line that cannot be run,
    or the limit that is exceeded.
    """
    if (reference := task.input_ref) is None:
        return Measured(len(task.input))
    # Not at the start: only a first plan measures.
    from serverless_tasks.core.inputs.marks import Marks
    from serverless_tasks.core.inputs.opening import refuse_whole_array

    blocks = payloads.blocks(reference)
    header, found = _opened(blocks if left is None else _in_time(blocks, left), reference)
    read = records.decoder(header) if is_upload(reference["key"]) else None
    marks, size, record = Marks(), reference["bytes"], None
    for record in found:
        if read is not None:
            records.decode(record.text, record.line, read)
        if read is not None and marks.count == ELEMENT_LIMIT:
            raise InvalidInput(FIELD, f"has more than {ELEMENT_LIMIT} elements; split it into several tasks")
        marks.add(record.start, min(record.end, size))
    if record is not None and read is not None and marks.count == 1 and format_of(reference["key"]) is Format.JSONL:
        refuse_whole_array(record)
    return Measured(marks.count, marks, header)


def _in_time(blocks: Iterable[bytes], left: Callable[[], float]) -> Iterator[bytes]:
    """The blocks, while there is time. Raises :class:`InvalidInput` naming it."""
    seconds, read = left(), 0
    for block in blocks:
        if left() <= 0:
            raise InvalidInput(
                FIELD,
                f"takes longer to read than {seconds:.0f} s, which were over after {read} bytes; split it into several "
                "tasks, or give the workers more memory (WorkerMemory)",
            )
        yield block
        read += len(block)


def _opened(blocks: Iterable[bytes], reference: Reference) -> tuple[Header | None, Iterator[records.Record]]:
    from serverless_tasks.core.inputs.opening import opened  # not at the start: most workers read a part

    return opened(blocks, format_of(reference["key"]), _line_limit(reference))


def _line_limit(reference: Reference) -> int | None:
    """A caller in code may create elements as large as its memory."""
    return LINE_LIMIT if is_upload(reference["key"]) else None
