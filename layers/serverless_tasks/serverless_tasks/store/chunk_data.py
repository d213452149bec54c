"""What belongs to a chunk but may be in the bucket: its lines of outcomes, and results that are too large for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from serverless_tasks.adapters.payloads import JSON_LINES, PayloadStore, join_lines, payload_key
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.fan_out.outcomes import NOTHING
from serverless_tasks.core.inputs.json_text import INLINE_LIMIT
from serverless_tasks.core.task.entity import TaskEntity


def load_lines(payloads: PayloadStore, chunk: Chunk) -> Iterator[str]:
    """The chunk's lines of outcomes, one per sub-task."""
    if chunk.outcomes_ref is not None:
        return payloads.lines(chunk.outcomes_ref)
    if chunk.outcomes is not None:
        return iter(chunk.outcomes.split("\n")[:-1])
    return iter([NOTHING] * chunk.range.count)


def store_lines(
    payloads: PayloadStore, task: TaskEntity, chunk: Chunk, lines: Sequence[str], number: int = 0
) -> dict[str, Any]:
    """``{"outcomes": text}`` up to 4 KB, else ``{"outcomesRef": reference}``.

    ``number`` is that of the write within its claim: no object is ever written again, so that whoever has read the item
    can read what it refers to, and whoever dies in between has harmed nothing.
    """
    text = join_lines(lines)
    if len(text) <= INLINE_LIMIT:
        return {"outcomes": text.decode()}
    what = f"outcomes/{chunk.sk}-{chunk.attempt}-{number}.jsonl"
    return {"outcomesRef": payloads.put(payload_key(task.tenant_code, task.code, what), text, JSON_LINES)}


def store_result(
    payloads: PayloadStore, task: TaskEntity, chunk: Chunk, index: int, attempt: int, text: str
) -> dict[str, Any]:
    """Store the result of one sub-task; returns its reference. The object is that of this claim and attempt alone."""
    name = f"results/{index}-{chunk.attempt}-{attempt}.json"
    return payloads.put(payload_key(task.tenant_code, task.code, name), text)
