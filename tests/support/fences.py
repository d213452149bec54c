"""A stack in memory in which another writer changes one attribute of an item just before a chosen write of it.

Every condition is there for a writer that read the item before it changed. Here the change is made in one attribute
alone, so that each clause has to refuse the write without help from the others.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

from serverless_tasks.core.dynamodb.expressions import Clause, Put, Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.task import transitions
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.user_code.runner import Unwinding

Write = Update | Put
Fence = tuple[str, str]
"""Name of what builds a write, and a clause of it: ``("queued", "status equals")``."""

LATER = "2030-01-01T00:00:00.000Z"


class Reached(Unwinding):
    """The write was tried: the scenario is over. Not one of the exceptions that the stack survives."""


class FencedStack(MemoryStack):
    """``tried`` is None until the chosen write, then whether it was refused."""

    def __init__(self, fence: Fence | None = None, dropped: Fence | None = None) -> None:
        super().__init__()
        self.fence = fence
        self.dropped = dropped
        self.refused: bool | None = None
        self.seen: dict[str, list[str]] = {}
        self._built: list[tuple[Write, str]] = []
        self._update = self.memory.table.update
        self._put_all = self.memory.table.put_all
        self.memory.table.update = self._fenced_update  # type: ignore[method-assign]
        self.memory.table.put_all = self._fenced_puts  # type: ignore[method-assign]

    def play(self, scenario: Callable[[MemoryStack], Any]) -> None:
        """Until the chosen write was tried, or to the end."""
        with ExitStack() as patches, suppress(Reached):
            for module in (transitions, chunks, undelivered):
                for name, build in builders(module).items():
                    patches.enter_context(patch.object(module, name, self._tagging(name, build)))
            scenario(self)

    def _tagging(self, name: str, build: Callable[..., Write]) -> Callable[..., Write]:
        def tagged(*arguments: Any, **options: Any) -> Write:
            write = build(*arguments, **options)
            self._built.append((write, name))
            return write

        return tagged

    def _fenced_update(self, update: Update) -> Any:
        self._intrude(update)
        return self._try(lambda: self._update(self._without(update)), update)

    def _fenced_puts(self, puts: Any) -> Any:
        for put in puts:
            self._intrude(put)
        return self._try(lambda: self._put_all([self._without(put) for put in puts]), *puts)

    def _intrude(self, write: Write) -> None:
        name = self._name(write)
        self.seen.setdefault(name, [said(clause) for clause in write.conditions])
        for clause in write.conditions:
            if (name, said(clause)) == self.fence:
                pk, sk = (write.item["pk"], write.item["sk"]) if isinstance(write, Put) else (write.pk, write.sk)
                item = self.memory.table.items.setdefault((pk, sk), {"pk": pk, "sk": sk, "kind": "another's"})
                break_clause(clause, item)

    def _try(self, write: Callable[[], Any], *writes: Write) -> Any:
        if self.fence is None or all(self._name(each) != self.fence[0] for each in writes):
            return write()
        try:
            write()
        except LostRace:
            self.refused = True
        else:
            self.refused = False
        raise Reached

    def _without(self, write: Any) -> Any:
        name = self._name(write)
        kept = tuple(clause for clause in write.conditions if (name, said(clause)) != self.dropped)
        return replace(write, conditions=kept)

    def _name(self, write: Write) -> str:
        names = [name for built, name in self._built if built is write]
        if names:
            return names[0]
        assert isinstance(write, Put), "an update that no builder made"
        return f"put {write.item['kind']}"


def builders(module: ModuleType) -> dict[str, Callable[..., Write]]:
    """The functions of a module that build writes."""
    public = {name: f for name, f in inspect.getmembers(module, inspect.isfunction) if not name.startswith("_")}
    return {name: f for name, f in public.items() if f.__annotations__.get("return") in ("Update", "Put")}


def said(clause: Clause) -> str:
    """The clause without its value."""
    return f"{clause.path} {clause.operator}"


def break_clause(clause: Clause, item: dict[str, Any]) -> None:
    """Change the attribute, and nothing else, so that the clause no longer holds."""
    broken: Mapping[str, Callable[[], Any]] = {
        "equals": lambda: _other(clause.value),
        "absent": lambda: item.get(clause.path, LATER),
        "absent or at most": lambda: LATER,
        "lacks": lambda: frozenset(item.get(clause.path, frozenset())) | {clause.value},
    }
    item[clause.path] = broken[clause.operator]()


def _other(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else f"not {value}"
