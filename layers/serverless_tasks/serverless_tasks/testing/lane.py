"""The fast lane in memory: ``statemachine/fast_lane.asl.json``, state by state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from serverless_tasks.core.task.decisions import LANE_SECONDS
from serverless_tasks.core.times import to_iso
from serverless_tasks.testing.killed import WorkerKilled

if TYPE_CHECKING:
    from serverless_tasks.testing.stack import MemoryStack


class Lane:
    """One Express execution. Others of its name may run beside it; nobody can stop it, or ask how it is."""

    def __init__(self, stack: MemoryStack, arn: str, name: str, payload: Mapping[str, Any]) -> None:
        self._stack = stack
        self.arn = arn
        self.name = name
        self._payload = dict(payload)
        self._plan: Mapping[str, Any] = {}
        self.next = "Plan"
        self._began = stack.clock()

    def step(self) -> bool:
        """Enter the next state; returns whether there was one. After five minutes Step Functions ends it anywhere."""
        if self.next == "End":
            return False
        if self._stack.clock() >= self._began + timedelta(seconds=LANE_SECONDS):
            self.next = "End"
            return True
        run = {
            "Plan": self._make_plan,
            "RunChunks": self._run_chunks,
            "Finish": self._finish,
            "HandOver": self._hand_over,
        }
        try:
            self.next = run[self.next]()
        except (Exception, WorkerKilled):
            self.next = "End" if self.next == "HandOver" else "HandOver"
        return True

    def _make_plan(self) -> str:
        call = {"input": self._payload, "executionArn": self.arn, "lane": True}
        self._plan = self._stack.invoke("plan", call)
        return {"run": "RunChunks", "finish": "Finish", "stop": "End"}.get(self._plan["next"], "HandOver")

    def _run_chunks(self) -> str:
        call = {**self._payload, "holder": to_iso(self._stack.clock()), "transitions": 0}
        run_inline(self._stack.invoke, call, self._plan["chunks"])
        return "Finish"

    def _finish(self) -> str:
        left = self._stack.invoke("finish", {**self._payload, "laneBeganAt": to_iso(self._began)})
        return "HandOver" if left.get("next") == "hand-over" else "End"

    def _hand_over(self) -> str:
        self._stack.memory.executions.start_named(self.name, self._payload)
        return "End"


def run_inline(invoke: Callable[[str, Mapping[str, Any]], Any], call: Mapping[str, Any], chunks: list[int]) -> None:
    """An inline map: a worker for each chunk, and no other one. After its death the chunk is free for a later round."""
    for number in chunks:
        try:
            invoke("chunk", {**call, "chunk": number})
        except WorkerKilled:
            with suppress(Exception, WorkerKilled):
                invoke("chunk", {**call, "chunk": number, "free": True})
        except Exception:  # noqa: S110  # an iteration that fails is no verdict
            pass
