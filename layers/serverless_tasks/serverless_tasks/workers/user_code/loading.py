"""Finds a fork's code: the files in ``task_types`` and the factories that the template names."""

from __future__ import annotations

import importlib
import os
import pkgutil
from typing import Any

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
    pid = os.getpid()
    try:
        package = importlib.import_module(PACKAGE)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{PACKAGE}.{module.name}")
    finally:
        if os.getpid() != pid:  # a child that a module has forked would go on as a second worker
            os._exit(0)
    for task_type in known_task_types():
        input_types(task_type)
    for event_class, handler in EVENT_HANDLERS.items():
        input_type(handler, event_class)
    return HandlerRouter(
        events=_make(settings.event_factory, EventFactory, "EventFactory"),
        own_events=_make(settings.task_queue_event_factory, TaskQueueEventFactory, "TaskQueueEventFactory"),
    )


def _make(path: str, base: type[Any], parameter: str) -> Any:
    """The factory at ``module:name``; None where the template names none, or the base itself."""
    if not path:
        return None
    module, _, name = path.partition(":")
    made = getattr(importlib.import_module(module), name)()
    if not isinstance(made, base):
        raise InvalidInput(parameter, f"{path} is not a {base.__name__}")
    return None if type(made) is base else made
