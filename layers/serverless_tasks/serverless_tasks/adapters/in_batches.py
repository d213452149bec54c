"""Ten messages with a request, as SQS and SNS take them: some may be refused while the others are done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey

MOST_ENTRIES = 10
"""Entries of one SendMessageBatch or PublishBatch (API references)."""
MOST_BYTES = 262_144
"""Of all entries of a PublishBatch, attributes included (API reference). SQS takes four times that."""

Entry = Mapping[str, Any]
Failures = dict[TaskKey, Exception]
"""What was not taken, and why. Everything else was."""


class NotTaken(Exception):
    """The service refused this entry of a batch; the message is its code and its words."""


def in_batches(
    tasks: Sequence[TaskEntity],
    build: Callable[[TaskEntity], Entry],
    send: Callable[[Sequence[Entry]], Mapping[str, Any]],
) -> Failures:
    """Build an entry for each task and send them in batches. Raises nothing: a failure is that of its tasks alone.

    ``tasks`` are different ones. ``send`` is one request, and returns its answer with what ``Failed`` in it.
    """
    failures: Failures = {}
    entries: dict[TaskKey, Entry] = {}
    for task in tasks:
        try:
            entries[task.key] = build(task)
        except Exception as error:  # a foreign item that only looks like a task
            failures[task.key] = error
    for batch in _batches(entries):
        failures |= _sent(batch, send)
    return failures


def _sent(batch: Mapping[TaskKey, Entry], send: Callable[[Sequence[Entry]], Mapping[str, Any]]) -> Failures:
    keys = list(batch)
    try:
        answer = send([{**entry, "Id": str(number)} for number, entry in enumerate(batch.values())])
    except Exception as error:
        return dict.fromkeys(keys, error)
    refused = answer.get("Failed", ())
    return {keys[int(entry["Id"])]: NotTaken(f"{entry['Code']}: {entry.get('Message', '')}") for entry in refused}


def _batches(entries: Mapping[TaskKey, Entry]) -> Iterator[dict[TaskKey, Entry]]:
    """As few batches as the limits allow, in order. An entry that is too large goes alone and fails alone."""
    batch: dict[TaskKey, Entry] = {}
    size = 0
    for key, entry in entries.items():
        length = len(json.dumps(entry))  # in ASCII, and with all quotes: no less than what the service counts
        if batch and (len(batch) == MOST_ENTRIES or size + length > MOST_BYTES):
            yield batch
            batch, size = {}, 0
        batch[key] = entry
        size += length
    if batch:
        yield batch
