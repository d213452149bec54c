"""Following a task to its end: asking often while it changes, seldom while it does not."""

from collections.abc import Callable
from http import HTTPStatus
from time import sleep
from typing import Any

from tasks_cli.api import Ref, TaskApi

ENDED = ("COMPLETED", "FAILED", "CANCELLED")
SOONEST, LATEST = 0.5, 10.0
"""Seconds between two looks: at first and after each change, and at most."""
SLOWER = 1.5

Json = dict[str, Any]


def follow(api: TaskApi, known: Json, see: Callable[[Json], None]) -> Json:
    """Pass the task to ``see``, now and after each change; return the ended task."""
    see(known)
    etag, pause = None, SOONEST
    while known["status"] not in ENDED:
        sleep(pause)
        answer = api.look(Ref.of(known), etag)
        etag = answer.etag or etag
        if answer.status == HTTPStatus.NOT_MODIFIED or _same(answer.body, known) or _older(answer.body, known):
            pause = min(pause * SLOWER, LATEST)
            continue
        known, pause = answer.body, SOONEST
        see(known)
    return known


def _same(task: Json, known: Json) -> bool:
    """Whether nothing changed but the signatures of links."""
    return _without_links(task) == _without_links(known)


def _older(task: Json, known: Json) -> bool:
    """Whether this is older than the known task."""
    return bool(task["version"] < known["version"])


def _without_links(task: Json) -> Json:
    attributes = {name: value for name, value in task["attributes"].items() if name != "resultUrl"}
    return {**task, "inputUrl": None, "attributes": attributes}
