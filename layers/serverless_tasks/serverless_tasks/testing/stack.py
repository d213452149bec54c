"""The whole stack in memory: every function, driven step by step on a virtual clock."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.fan_out.lifetimes import INVOCATION_SECONDS
from serverless_tasks.core.inputs.uploads import Upload
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.times import to_iso
from serverless_tasks.service.task_service import TaskService
from serverless_tasks.testing.cloud import MemoryCloud
from serverless_tasks.testing.killed import WorkerKilled
from serverless_tasks.testing.lane import Lane, run_inline
from serverless_tasks.workers.batches import Redeliver
from serverless_tasks.workers.chunk.run import ChunkWorker
from serverless_tasks.workers.finisher import BucketUnread, Finisher
from serverless_tasks.workers.planner import Planner
from serverless_tasks.workers.queue_worker import QueueWorker
from serverless_tasks.workers.relay import Relay
from serverless_tasks.workers.sweeper import Sweeper
from serverless_tasks.workers.user_code.routing import HandlerRouter

MAX_STEPS = 10_000


class VirtualClock:
    """A clock that moves only by :meth:`advance`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class MemoryStack:
    """Runs tasks to their end in memory: ``stack.run(stack.service.create_task(…).key)``."""

    def __init__(self, router: HandlerRouter | None = None, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.memory = MemoryCloud(self.clock, Settings(**settings))
        cloud = cast("Cloud", self.memory)
        router = router or HandlerRouter()
        self.service = TaskService(cloud, self.clock)
        self.relay = Relay(cloud, clock=self.clock)
        self.queue_worker = QueueWorker(cloud, router, self.clock, rand=lambda: 1.0)
        self.planner = Planner(cloud, router, self.clock)
        self.chunk_worker = ChunkWorker(cloud, router, self.clock, rand=lambda: 1.0, sleep=self.clock.advance)
        self.finisher = Finisher(cloud, router, self.clock, rand=lambda: 1.0, sleep=self.clock.advance)
        self.sweeper = Sweeper(cloud, self.clock)
        self.executions: dict[str, Execution] = {}
        self.lanes: dict[str, Lane] = {}
        """Of the fast lane, which a stack with the setting ``fast_lane_arn`` has."""
        self.relay_batch = 1
        """Stream records that :meth:`relay_one` passes on at most."""

    def run(self, key: TaskKey) -> TaskEntity:
        """Let everything happen, and time pass where nothing can, until the task has ended."""
        for _ in range(MAX_STEPS):
            task = self.task(key)
            if task.status.terminal and not self.memory.table.stream:
                return task
            if not self.step():
                self.clock.advance(1)
        raise AssertionError(f"the task is still {self.task(key).status}")

    def upload(self, upload: Upload, body: bytes) -> None:
        """Do what a client does with what ``create_upload`` answered; the second time raises ``FileExistsError``."""
        self.memory.payloads.upload(upload.input_ref, body)

    def task(self, key: TaskKey) -> TaskEntity:
        """The task as it is now."""
        task = self.memory.table.get(key)
        if task is None:
            raise AssertionError(f"there is no task {key}")
        return task

    def step(self) -> bool:
        """Do one thing that can be done now; returns whether there was one."""
        executions: list[Lane | Execution] = [*self._lanes(), *self._executions()]
        return self.relay_one() or self.work_one() or any(execution.step() for execution in executions)

    def relay_one(self) -> bool:
        """Pass the oldest batch of stream records on. From the first one on that failed, all come again."""
        stream = self.memory.table.stream
        if not stream:
            return False
        batch = stream[: self.relay_batch]
        done = {id(record) for record in batch[: passed_on(batch, self.relay.handle(batch))]}
        stream[:] = [record for record in stream if id(record) not in done]  # another call may have been as fast
        return True

    def give_up_one(self) -> None:
        """Let Lambda give the oldest batch of stream records up, as it does after an hour of errors."""
        stream = self.memory.table.stream
        self.memory.given_up.add(stream[: self.relay_batch])
        del stream[: self.relay_batch]

    def work_one(self) -> bool:
        """Work off one visible message."""
        record = self.memory.queue.receive()
        if record is None:
            return False
        try:
            self.queue_worker.handle(record, self._invocation())
            self.memory.queue.delete(record)
        except (Redeliver, WorkerKilled):
            pass  # the message returns when its visibility ends
        return True

    def sweep(self) -> int:
        """Let the sweeper look at what is due; returns how many tasks it looked at."""
        return self.sweeper.handle(self._invocation())

    def _executions(self) -> list[Execution]:
        for name, payload in self.memory.executions.inputs.items():
            self.executions.setdefault(name, Execution(self, name, payload))
        return [e for e in self.executions.values() if e.name not in self.memory.executions.stopped]

    def _lanes(self) -> list[Lane]:
        for arn, (name, payload) in self.memory.executions.lanes.items():
            if arn not in self.lanes:
                self.lanes[arn] = Lane(self, arn, name, payload)
        return list(self.lanes.values())

    def _invocation(self) -> Callable[[], float]:
        ends_at = self.clock() + timedelta(seconds=INVOCATION_SECONDS)
        return lambda: (ends_at - self.clock()).total_seconds()

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Any:
        """Call plan, chunk or finish as the state machine does: JSON in, JSON out."""
        payload = json.loads(json.dumps(payload))
        if function == "plan":
            return json.loads(json.dumps(self.planner.handle(payload, self._invocation())))
        worker = self.chunk_worker if function == "chunk" else self.finisher
        return worker.handle(payload, self._invocation()) or {}


def passed_on(batch: Sequence[Any], failed: Sequence[Any]) -> int:
    """How many records of a batch are done with: as Lambda goes on, those before the first that failed."""
    again = {id(record) for record in failed}
    return next((position for position, record in enumerate(batch) if id(record) in again), len(batch))


RETRIES = {"Plan": (5, 10, 20), "Finish": (5, 10, 20), "GiveUp": (5, 10, 20, 40, 60, 60, 60, 60)}
"""Seconds between the tries of a state whose function fails."""
TAKE_OVERS = (0, *(1.5**number for number in range(8)))
"""Seconds before each call of a chunk worker that takes the lease of a dead one."""
INLINE = 40
"""Chunks that the first round runs in an inline map."""
UNREAD_RETRIES = (60, 120, 240, 480, *[900] * 6)
"""The same of Finish where the bucket could not be read."""


class Execution:
    """One execution of ``statemachine/fan_out.asl.json``, state by state."""

    def __init__(self, stack: MemoryStack, name: str, payload: Mapping[str, Any]) -> None:
        self._stack = stack
        self.name = name
        self._state: dict[str, Any] = dict(payload)
        self.next = "Plan"
        self._failures = 0
        self._wakes_at = stack.clock()

    def step(self) -> bool:
        """Enter the next state; returns whether there was one that could be entered now."""
        if self.next == "End" or self._stack.clock() < self._wakes_at:
            return False
        run = {
            "Plan": self._plan,
            "RunFewChunks": self._run_few_chunks,
            "RunChunks": self._run_chunks,
            "Finish": self._finish,
            "GiveUp": self._finish,
        }
        try:
            self.next, self._failures = run[self.next](), 0
        except (Exception, WorkerKilled) as error:
            self._failed(error)
        if self.next == "End":
            self._stack.memory.executions.ended.add(self.name)
        return True

    def _failed(self, error: BaseException) -> None:
        unread = self.next == "Finish" and isinstance(error, BucketUnread)
        waits = UNREAD_RETRIES if unread else RETRIES[self.next]
        if self._failures < len(waits):
            self._wakes_at = self._stack.clock() + timedelta(seconds=waits[self._failures])
            self._failures += 1
        elif self.next == "GiveUp":
            self.next = "End"
        else:
            name = "Lambda.Unknown" if isinstance(error, WorkerKilled) else type(error).__name__
            self._state["failure"] = {"Error": name, "Cause": str(error)}
            self.next, self._failures = "GiveUp", 0

    def _plan(self) -> str:
        plan = self._stack.invoke("plan", {"input": self._state, "executionArn": self.name, "inline": INLINE})
        self._state["plan"] = plan
        if plan["next"] == "wait":
            self._wakes_at = self._stack.clock() + timedelta(seconds=plan["seconds"])
        following = {"few": "RunFewChunks", "run": "RunChunks", "wait": "Plan", "finish": "Finish"}
        return following.get(plan["next"], "End")

    def _call(self) -> dict[str, Any]:
        return {name: self._state[name] for name in ("pk", "sk", "run")} | {"holder": to_iso(self._stack.clock())}

    def _run_few_chunks(self) -> str:
        run_inline(self._stack.invoke, {**self._call(), "transitions": 1}, self._state["plan"]["chunks"])
        return "Plan"

    def _run_chunks(self) -> str:
        call = self._call()
        for number in self._state["plan"]["chunks"]:
            with contextlib.suppress(Exception):  # a child that fails is no verdict
                self._run_chunk({**call, "chunk": number})
        return "Plan"

    def _run_chunk(self, call: Mapping[str, Any]) -> None:
        """A child of the map: the worker, and after its death others, which know of it."""
        for seconds in (None, *TAKE_OVERS):
            with contextlib.suppress(WorkerKilled):
                self._stack.clock.advance(seconds or 0)
                self._stack.invoke("chunk", call if seconds is None else {**call, "lost": True})
                return

    def _finish(self) -> str:
        self._stack.invoke("finish", self._state)
        return "End"
