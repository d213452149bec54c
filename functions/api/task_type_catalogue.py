"""The task types of this deployment, as `sam build` found them in functions/worker (TaskTypesLayer)."""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from input_schemas import InputSchema, usable
from serverless_tasks import InvalidInput, TaskKind

PACKAGE = "deployed_task_types"
FILE = "manifest.json"
NAMED = 20
"""Task types that an error names at most."""
UNKNOWN: Mapping[str, Any] = {"items": [], "complete": False}
"""The catalogue without the layer: in a unit test, or in a deployment without `sam build`."""

ROUTES = {TaskKind.TASK: "POST /tasks", TaskKind.SFN_TASK: "POST /tasks/step-function-task"}


class KnownTypes:
    """Task types by name. ``own_factories``: a fork's factories decide which types have a handler, and its input."""

    def __init__(self, written: Mapping[str, Any], *, own_factories: bool = False) -> None:
        self._items = {item["taskType"]: item for item in sorted(written["items"], key=lambda item: item["taskType"])}
        self._own_factories = own_factories
        self._schemas: dict[tuple[str, TaskKind], InputSchema | None] = {}
        self.complete = bool(written["complete"]) and not own_factories

    @property
    def view(self) -> dict[str, Any]:
        """The answer of GET /task-types."""
        return {"items": list(self._items.values()), "complete": self.complete}

    def check(self, kind: TaskKind, task_type: str) -> None:
        """Raise :class:`InvalidInput` if it is certain that nothing handles tasks of this type and kind."""
        if not self.complete:
            return
        item = self._items.get(task_type)
        if item is None:
            raise InvalidInput("taskType", f"is none that this deployment has: {self._names()}")
        if kind not in item["kinds"]:
            [other] = [route for one, route in ROUTES.items() if one in item["kinds"]]
            raise InvalidInput("taskType", f"has no handler for this kind of task: create it with {other}")

    def check_input(self, kind: TaskKind, task_type: str, value: Any) -> None:
        """Raise :class:`UnfitInput` if the input, or an element of it, does not fit the handler's."""
        schema = self._schema(kind, task_type)
        if schema is None:
            return
        if kind is TaskKind.TASK:
            schema.check(value)
        else:
            schema.check_each(value)

    def _schema(self, kind: TaskKind, task_type: str) -> InputSchema | None:
        given = self._items.get(task_type, {}).get("inputSchemas", {}).get(kind)
        if given is None or self._own_factories:
            return None
        if (task_type, kind) not in self._schemas:
            self._schemas[task_type, kind] = usable(given)
        return self._schemas[task_type, kind]

    def _names(self) -> str:
        names = list(self._items)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more if names else "it has none"


@cache
def known_types() -> KnownTypes:
    """Those of this deployment, read once."""
    # Imported here: most requests do not ask.
    from importlib.resources import files

    try:
        written = json.loads(files(PACKAGE).joinpath(FILE).read_text(encoding="utf-8"))
    except (ModuleNotFoundError, FileNotFoundError):
        written = UNKNOWN
    return KnownTypes(written, own_factories=os.environ.get("OWN_FACTORIES") == "true")
