"""The stack in memory that schedules run on, and what users and AWS do to it in the middle of a run.

Deployments remove the type or change its policy, TTL deletes chunks one by one, manual updates take tasks from their
workers, workers of two runs are alive at once, and lanes die.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from serverless_tasks import Backoff, LostRace, TaskEntity, TaskKey, TaskKind, TaskStatus, TaskType, TransitionRefused
from serverless_tasks.core.task.keys import chunks_pk
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.service import creation
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.model.faults import Fault, Faults, Throttled
from tests.model.paused import Paused
from tests.model.watch import Code, Watch
from tests.support.numbered import Numbered

S = TaskStatus
DEPLOYMENTS = [
    Code(),
    Code(chunk_size=1),
    Code(lane=False),
    Code(chunk_size=3, max_attempts=1),
    Code(max_attempts=5, tolerated_failures="100%"),
    Code(fan_in=False),
    None,
]
BY_HAND = [S.QUEUED, S.QUEUED, S.ERRORED, S.PROCESSING, S.FAILED, S.STARTED, S.FINISHED]
"""COMPLETED is left out: who writes it by hand says that the work is done."""
MAX_PAUSED = 3
"""Workers that stand still at once. A chunk worker reads its task by the first two of its calls (one is within the
other), claims by the third, takes over by the fourth, and writes outcomes by the fourth to the seventh."""


class Upheaval(RuleBasedStateMachine):
    """The stack, its task type, and the rules of this module."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)  # a line for each step is most of the time that a schedule takes
        self.numbered = patch.object(creation, "ULID", Numbered())
        self.numbered.start()
        self.beats: list[Callable[[], bool]] = []
        self.late_beats: list[tuple[Callable[[], bool], dict[Any, Any]]] = []
        """Of attempts that are over, with the versions of all items when each began."""
        self.heartbeat = patch("serverless_tasks.workers.attempt.Heartbeat", self._beating)
        self.heartbeat.start()
        self.stack = MemoryStack(fast_lane_arn="lane")
        self.memory = self.stack.memory
        self.watch = Watch(self.stack)
        self.faults = Faults(self.stack)
        self.keys: list[TaskKey] = []
        self.seen: dict[TaskKey, TaskEntity] = {}
        self.expired: set[TaskKey] = set()
        self.runs: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self._deploy(Code())

    def _deploy(self, code: Code | None) -> None:
        forget_task_types()
        self.watch.code = code
        if code is None:
            return
        policy = {"max_attempts": code.max_attempts, "tolerated_failures": code.tolerated_failures}
        backoff = Backoff(base=40, cap=80)
        probe = TaskType("probe", **policy, timeout=300, chunk_size=code.chunk_size, backoff=backoff, lane=code.lane)
        probe.task(self._act)
        probe.sub_task(self._act)
        if code.fan_in:
            probe.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])

    def _act(self, event: Any, context: Any) -> str:
        key = context.idempotency_key
        self.runs[key] += 1
        allowed = self.watch.began_with(event.task_key.parent, context.run).max_attempts
        if context.attempt > allowed:
            self.watch.wrong.append(f"{key} runs its attempt {context.attempt} of {allowed}")
        behaviour = event.input
        if behaviour["stalls"] and self.runs[key] == 1:
            self._stall(behaviour["stalls"])
        if self.runs[key] <= behaviour["kills"]:
            raise WorkerKilled
        if behaviour["permanent"] or self.runs[key] <= behaviour["kills"] + behaviour["fails"]:
            raise ValueError("as told")
        self.stack.clock.advance(3)
        self.effects[key] = 1  # keyed: however often it is written, it is there once
        return f"{key} {self.runs[key]}"

    @contextmanager
    def _beating(self, beat: Callable[[], bool]) -> Iterator[None]:
        """In place of a thread: a worker gives a sign of life where a schedule says so."""
        self.beats.append(beat)
        began = self._each("version")
        try:
            yield
        finally:
            self.beats.remove(beat)
            self.late_beats.append((beat, began))

    def _each(self, name: str) -> dict[Any, Any]:
        return {key: item.get(name) for key, item in self.memory.table.items.items()}

    def _stall(self, how: str) -> None:
        """A worker stalls, and wakes up when others have taken its work, or tried to. Then it gives a sign of life."""
        match how:
            case "frozen":
                self.stack.clock.advance(2000)
            case "alive":
                self.stack.clock.advance(100)
            case "believed dead":
                for name in self._started():
                    self._replace_workers(name)
        with suppress(Throttled):
            for beat in self.beats[-1:]:
                beat()
        self._others_go_on(0)

    def _started(self) -> dict[str, dict[str, Any]]:
        """The input of each execution, lanes included, by its ARN."""
        executions = self.memory.executions
        return executions.inputs | {arn: payload for arn, (_, payload) in executions.lanes.items()}

    def _replace_workers(self, execution: str, how: str = "lost") -> None:
        """The state machine believes the workers dead that hold chunks of this execution, and calls others.

        ``how``: ``lost`` if they take the chunks over, ``free`` if they leave them to a later round.
        """
        payload = self._started()[execution]
        for chunk in list(self.memory.table.chunks("mbc", TaskKey(payload["pk"], payload["sk"]).code)):
            if chunk.holder:
                call = {**payload, "chunk": chunk.number, "holder": chunk.holder, how: True}
                self.stack.invoke("chunk", call)

    def _others_go_on(self, seconds: float) -> None:
        """A worker stalls, perhaps beyond its lease, and wakes up when others have taken its work."""
        self.stack.clock.advance(seconds)
        for _ in range(4):
            self.stack.step()

    def _do(self, action: Callable[[], Any], fault: Fault | None = None, skew: int = 0) -> None:
        """One process does something, by a clock that may be wrong, and may die of it."""
        self.stack.clock.now += timedelta(seconds=skew)
        self.faults.armed = fault
        try:
            with suppress(WorkerKilled, Throttled, LostRace, TransitionRefused):
                action()
        finally:
            self.faults.armed = None
            self.stack.clock.now -= timedelta(seconds=skew)

    def _task(self, key: TaskKey) -> TaskEntity:
        return TaskEntity.from_item(self.memory.table.items[key.pk, key.sk])

    # -------------------------------------------------------------------------------------- deployments, TTL, users

    @precondition(lambda self: not self.faults.paused)  # a process keeps its code, and here all have the same
    @rule(code=st.sampled_from(DEPLOYMENTS))
    def deploy(self, code: Code | None) -> None:
        self._deploy(code)

    @precondition(lambda self: any(task.status.terminal for task in self.seen.values()))
    @rule(data=st.data())
    def expire_a_chunk(self, data: st.DataObject) -> None:
        """DynamoDB deletes what has expired one by one, within days; a retry comes in the middle of it."""
        ended = {chunks_pk("mbc", key.code): key for key, task in self.seen.items() if task.status.terminal}
        if expired := [name for name in self.memory.table.items if name[0] in ended]:
            pk, sk = data.draw(st.sampled_from(expired))
            del self.memory.table.items[pk, sk]
            self.watch.decimated.add(ended[pk].code)

    @rule(data=st.data(), status=st.sampled_from(BY_HAND))
    def update_by_hand(self, data: st.DataObject, status: TaskStatus) -> None:
        key = data.draw(st.sampled_from(self.keys))
        if key not in self.expired:
            self._by_hand(lambda: self.stack.service.update_status(key, status))

    def _by_hand(self, action: Callable[[], Any]) -> None:
        self.watch.by_hand = True
        try:
            self._do(action)
        finally:
            self.watch.by_hand = False

    # -------------------------------------------------------------------------- workers that stand still, two runs

    @precondition(lambda self: self.memory.queue.messages and len(self.faults.paused) < MAX_PAUSED)
    @rule(calls=st.integers(3, 8), seconds=st.sampled_from([0, 10, 2000]))
    def a_queue_worker_stands_still(self, calls: int, seconds: int) -> None:
        self._pause(self.stack.work_one, calls)
        self._others_go_on(seconds)

    @precondition(lambda self: self._running() and len(self.faults.paused) < MAX_PAUSED)
    @rule(data=st.data(), calls=st.integers(3, 7), seconds=st.sampled_from([0, 10, 2000]))
    def a_chunk_worker_stands_still(self, data: st.DataObject, calls: int, seconds: int) -> None:
        """The state machine goes on without it, and another one comes for its chunk."""
        key, number = data.draw(st.sampled_from(self._running()))
        call = self._pause_chunk(key, number, calls)
        self._others_go_on(seconds)
        self._do(lambda: self.stack.invoke("chunk", call))

    @precondition(lambda self: self._running() and len(self.faults.paused) < MAX_PAUSED - 1)
    @rule(data=st.data(), calls=st.integers(4, 7), others=st.integers(3, 4))
    def two_runs_meet(self, data: st.DataObject, calls: int, others: int) -> None:
        """A chunk worker stands still; its task is cancelled and retried, and another one comes for its chunk."""
        key, number = data.draw(st.sampled_from(self._running()))
        self._pause_chunk(key, number, calls)
        self._do(lambda: self.stack.service.cancel_task(key))
        self._do(lambda: self.stack.service.retry_task(key))
        call = {"pk": key.pk, "sk": key.sk, "run": self._task(key).run}
        self._do(lambda: self.stack.invoke("plan", {"input": call, "executionArn": "another"}))
        self._pause_chunk(key, number, others)

    @precondition(lambda self: self.late_beats)
    @rule()
    def a_sign_of_life_comes_late(self) -> None:
        """That of a killed worker may still be on its way. It changes nothing once its attempt has an end."""
        beat, began = self.late_beats.pop()
        leases, messages = self._each("leaseUntil"), self._hidden()
        self._do(beat)
        moved_on = {key for key, version in self._each("version").items() if version != began.get(key)}
        assert all(lease == leases[key] for key, lease in self._each("leaseUntil").items() if key in moved_on)
        if not self.faults.paused:  # such a one may be about to write how it ended: its message is its own
            assert self._hidden() == messages, "a message was hidden that is another's"

    def _hidden(self) -> dict[str, Any]:
        return {handle: message["visible"] for handle, message in self.memory.queue.messages.items()}

    @precondition(lambda self: self.faults.paused)
    @rule(data=st.data())
    def a_worker_goes_on(self, data: st.DataObject) -> None:
        self._goes_on(data.draw(st.integers(0, len(self.faults.paused) - 1)))

    def _running(self) -> list[tuple[TaskKey, int]]:
        """The chunks of fan-outs that run."""
        tasks = [
            key for key, task in self.seen.items() if task.status is S.PROCESSING and task.kind is TaskKind.SFN_TASK
        ]
        return [(key, chunk.number) for key in tasks for chunk in self.memory.table.chunks("mbc", key.code)]

    def _pause_chunk(self, key: TaskKey, number: int, calls: int) -> dict[str, Any]:
        call = {"pk": key.pk, "sk": key.sk, "run": self._task(key).run, "chunk": number}
        self._pause(lambda: self.stack.invoke("chunk", call), calls)
        return call

    def _pause(self, action: Callable[[], Any], calls: int) -> None:
        paused = Paused(action)
        self.faults.paused.append(paused)
        paused.begin(calls)
        if paused.ended:
            self._goes_on(-1)

    def _goes_on(self, place: int) -> None:
        self._do(self.faults.paused.pop(place).go_on)

    def _wake_all(self) -> None:
        while self.faults.paused:
            self._goes_on(0)
