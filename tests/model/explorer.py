"""Breadth-first search through every reachable state of a model, and questions about what it found."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Successors = Callable[[State], Iterable[tuple[str, State]]]
"""The states that one step leads to, each with the name of the step."""


class Violation(AssertionError):
    """An invariant does not hold; the message ends with the shortest way there."""


@dataclass
class Graph(Generic[State]):
    """Every reachable state, each with its steps."""

    steps: dict[State, list[tuple[str, State]]] = field(default_factory=dict, repr=False)
    _came_from: dict[State, tuple[str, State] | None] = field(default_factory=dict, repr=False)

    @classmethod
    def explore(cls, start: State, successors: Successors[State], check: Callable[[State], None]) -> Graph[State]:
        """Visit every state that can be reached from ``start``; ``check`` raises ``AssertionError`` for a wrong one."""
        gc.disable()  # there are millions of tuples and no cycles
        try:
            return cls._explored(start, successors, check)
        finally:
            gc.enable()

    @classmethod
    def _explored(cls, start: State, successors: Successors[State], check: Callable[[State], None]) -> Graph[State]:
        graph = cls(_came_from={start: None})
        waiting = deque([start])
        while waiting:
            state = waiting.popleft()
            try:
                check(state)
                graph.steps[state] = list(successors(state))
            except AssertionError as error:
                raise Violation(f"{error}\n{graph.way_to(state)}") from error
            for name, after in graph.steps[state]:
                if after not in graph._came_from:
                    graph._came_from[after] = (name, state)
                    waiting.append(after)
        return graph

    def __len__(self) -> int:
        return len(self.steps)

    def way_to(self, state: State) -> str:
        """The shortest schedule that leads there."""
        names: list[str] = []
        while (origin := self._came_from[state]) is not None:
            names.append(origin[0])
            state = origin[1]
        return " > ".join(reversed(names))

    def names(self) -> set[str]:
        """First words of all steps: what can happen at all."""
        return {name.split()[0] for steps in self.steps.values() for name, _ in steps}

    def cannot_reach(self, goal: Callable[[State], bool], without: frozenset[str]) -> list[State]:
        """States from which no way leads to the goal when the steps that begin with these words do not happen."""
        before: dict[State, list[State]] = {}
        for state, steps in self.steps.items():
            for name, after in steps:
                if name.split()[0] not in without:
                    before.setdefault(after, []).append(state)
        reached = {state for state in self.steps if goal(state)}
        waiting = list(reached)
        while waiting:
            for state in before.get(waiting.pop(), ()):
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return [state for state in self.steps if state not in reached]
