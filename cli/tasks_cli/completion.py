"""Offers for a shell after a tab. After an error, it offers nothing and prints nothing."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import typer

from tasks_cli import profiles as known_profiles
from tasks_cli.api import Ref, TaskApi
from tasks_cli.errors import NotFound
from tasks_cli.where import place

RECENT = 30
"""Tasks to offer; and tasks to take types from, if the deployment does not list them."""

Offer = tuple[str, str]


def task_types(context: typer.Context, incomplete: str) -> list[Offer]:
    """Task types, with their descriptions."""
    return _offered(context, _types, incomplete)


def tasks(context: typer.Context, incomplete: str) -> list[Offer]:
    """The newest tasks."""
    return _offered(context, _recent, incomplete)


def profiles(incomplete: str) -> list[str]:
    """Profiles that were signed in."""
    return [name for name in known_profiles.names() if name.startswith(incomplete)]


def _types(api: TaskApi) -> Iterator[Offer]:
    try:
        for item in api.task_types()["items"]:
            yield item["taskType"], item.get("description", "").partition("\n")[0]
    except NotFound:
        for task_type in dict.fromkeys(task["type"] for task in islice(api.tasks(page=RECENT), RECENT)):
            yield task_type, ""


def _recent(api: TaskApi) -> Iterator[Offer]:
    for task in islice(api.tasks(page=RECENT), RECENT):
        yield str(Ref.of(task)), f"{task['status']}, {task['name']}"


def _offered(context: typer.Context, find: Callable[[TaskApi], Iterable[Offer]], incomplete: str) -> list[Offer]:
    with contextlib.suppress(Exception):  # a traceback would land in the middle of the typed line
        api = place(*(context.params.get(name) for name in ("stack", "profile", "user"))).api()
        return [offer for offer in find(api) if offer[0].startswith(incomplete)]
    return []
