"""Finds a fork's code: the files in ``task_types`` and the factories that the template names."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from serverless_tasks.adapters.log import logger
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.classic.event_classes import EVENT_HANDLERS, EventFactory, TaskQueueEventFactory
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.task_type import known_task_types
from serverless_tasks.workers.user_code.routing import HandlerRouter, input_type, input_types

PACKAGE = "task_types"


def load_user_code(settings: Settings) -> HandlerRouter:
    """Import every file of ``task_types`` and make the factories that the template names.

    A file that cannot be imported stops the worker at its start, and so does a handler whose annotation cannot be read:
    messages wait on the queue until it is mended. Going on without it would end its tasks FAILED.
    """
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGE}.{module.name}")
    for words in overlooked(package):
        logger.error(words)
    for task_type in known_task_types():
        input_types(task_type)
    for event_class, handler in EVENT_HANDLERS.items():
        input_type(handler, event_class)
    return HandlerRouter(
        events=_make(settings.event_factory, EventFactory, "EventFactory"),
        own_events=_make(settings.task_queue_event_factory, TaskQueueEventFactory, "TaskQueueEventFactory"),
    )


def overlooked(package: ModuleType) -> Iterator[str]:
    """Each file that looks like one of a task type and was not imported, and why: its type would be unknown."""
    for folder in map(Path, package.__path__):
        for path in sorted(folder.rglob("*.py")):
            file = path.relative_to(folder)
            if ".".join((PACKAGE, *file.with_suffix("").parts)) in sys.modules and "." not in path.stem:
                continue
            if b"TaskType(" not in path.read_bytes():
                continue
            missed = f"{PACKAGE}/{file} is not imported"
            if "." in path.stem:
                yield f"{missed}: a name with a dot cannot be; rename it"
            elif len(file.parts) > 1:
                yield f"{missed}: only files directly in {PACKAGE} are; import it from one of them"


def _make(path: str, base: type[Any], parameter: str) -> Any:
    """The factory at ``module:name``; None where the template names none, or the base itself."""
    if not path:
        return None
    module, _, name = path.partition(":")
    made = getattr(importlib.import_module(module), name)()
    if not isinstance(made, base):
        raise InvalidInput(parameter, f"{path} is not a {base.__name__}")
    return None if type(made) is base else made
