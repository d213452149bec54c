"""A state machine for hypothesis: the real handlers over the stack in memory, and a world that does its worst.

Messages and stream records come twice, late, out of order or never; workers die or are refused at any call; clocks
differ; people cancel and retry, somebody stops executions, the sweeper comes when it likes. After every step the
invariants of issue 3 hold, and when the world calms down every task ends.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from serverless_tasks import Backoff, LostRace, TaskEntity, TaskKey, TaskKind, TaskStatus, TaskType, TransitionRefused
from serverless_tasks.core.task.status import can_transition
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.service import creation
from serverless_tasks.testing import MemoryStack, WorkerKilled
from serverless_tasks.testing.stack import passed_on

from tests.model.faults import Fault, Faults, Throttled
from tests.support.numbered import Numbered

S = TaskStatus
FAULT = st.none() | st.builds(Fault, st.sampled_from(["refused", "killed before", "killed after"]), st.integers(1, 6))
SKEW = st.sampled_from([0, 0, 0, -30, 30])
BEHAVIOUR = st.fixed_dictionaries(
    {
        "kills": st.sampled_from([0, 0, 0, 1, 4]),
        "fails": st.sampled_from([0, 0, 1, 4]),
        "stalls": st.booleans(),
        "permanent": st.just(False),
    }
) | st.just({"kills": 0, "fails": 0, "stalls": False, "permanent": True})
MAX_TASKS = 3
CALM_DAYS = 20
DAYS_15 = 15 * 86400
"""Seconds after which SQS has deleted every message."""
ENDLESS = 10_000
"""Steps that no few tasks take without the clock moving on."""


class Schedules(RuleBasedStateMachine):
    """One schedule. Rules choose what happens next; what they do not choose does not happen."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)  # a line for each step is most of the time that a schedule takes
        forget_task_types()
        self.numbered = patch.object(creation, "ULID", Numbered())
        self.numbered.start()
        self.stack = MemoryStack()
        self.memory = self.stack.memory
        self.faults = Faults(self.stack)
        self.keys: list[TaskKey] = []
        self.seen: dict[TaskKey, TaskEntity] = {}
        self.expired: set[TaskKey] = set()
        self.runs: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.completed: dict[tuple[TaskKey, int, int], str] = {}
        self._define_task_type()

    def _define_task_type(self) -> None:
        probe = TaskType("probe", max_attempts=3, timeout=60, chunk_size=2, backoff=Backoff(base=40, cap=80))

        def act(event: Any, context: Any) -> str:
            key = context.idempotency_key
            self.runs[key] += 1
            behaviour = event.input
            if behaviour["stalls"] and self.runs[key] == 1:
                self._others_go_on()
            if self.runs[key] <= behaviour["kills"]:
                raise WorkerKilled
            if behaviour["permanent"] or self.runs[key] <= behaviour["kills"] + behaviour["fails"]:
                raise ValueError("as told")
            self.stack.clock.advance(3)
            self.effects[key] = 1  # keyed: however often it is written, it is there once
            return f"{key} {self.runs[key]}"

        probe.task(act)
        probe.sub_task(act)
        probe.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])

    def _others_go_on(self) -> None:
        """A worker stalls beyond its lease, and wakes up when others have taken its work."""
        self.stack.clock.advance(2000)
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

    # -------------------------------------------------------------------------------------------- people

    @initialize(behaviour=BEHAVIOUR)
    def begin(self, behaviour: dict[str, Any]) -> None:
        self._accept(lambda: self.stack.service.create_task("mbc", "probe", behaviour), None)

    @precondition(lambda self: len(self.keys) < MAX_TASKS)
    @rule(behaviour=BEHAVIOUR, fault=FAULT)
    def create_task(self, behaviour: dict[str, Any], fault: Fault | None) -> None:
        self._accept(lambda: self.stack.service.create_task("mbc", "probe", behaviour), fault)

    @precondition(lambda self: len(self.keys) < MAX_TASKS)
    @rule(behaviours=st.lists(BEHAVIOUR, max_size=5), fault=FAULT)
    def create_fan_out(self, behaviours: list[dict[str, Any]], fault: Fault | None) -> None:
        self._accept(lambda: self.stack.service.create_step_function_task("mbc", "probe", behaviours), fault)

    def _accept(self, create: Callable[[], TaskEntity], fault: Fault | None) -> None:
        self._do(lambda: self.keys.append(create().key), fault)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys))
        if key not in self.expired:
            self._do(lambda: self.stack.service.cancel_task(key))

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys))
        if key not in self.expired:
            self._do(lambda: self.stack.service.retry_task(key))

    # --------------------------------------------------------------------------------------------- AWS

    @precondition(lambda self: self.memory.table.stream)
    @rule(data=st.data(), twice=st.booleans(), size=st.integers(1, 3), fault=FAULT, skew=SKEW)
    def relay(self, data: st.DataObject, twice: bool, size: int, fault: Fault | None, skew: int) -> None:
        """Records are delivered: any of them, perhaps again later, certainly again if the relay does not finish."""
        stream = self.memory.table.stream
        first = data.draw(st.integers(0, len(stream) - 1))

        def deliver() -> None:
            batch = stream[first : first + size]
            done = passed_on(batch, self.stack.relay.handle(batch))
            if not twice:
                del stream[first : first + done]

        self._do(deliver, fault, skew)

    @precondition(lambda self: self.memory.table.stream)
    @rule()
    def give_up_a_record(self) -> None:
        """It is in the bucket then, and the sweeper makes up for it."""
        self.stack.give_up_one()

    @precondition(lambda self: self.memory.queue.messages)
    @rule(fault=FAULT, skew=SKEW)
    def work(self, fault: Fault | None, skew: int) -> None:
        self._do(self.stack.work_one, fault, skew)

    @precondition(lambda self: self.memory.queue.messages)
    @rule(data=st.data())
    def duplicate_a_message(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from(sorted(self.memory.queue.messages)))
        self.memory.queue.send_body(self.memory.queue.messages[handle]["body"])

    @precondition(lambda self: self.memory.queue.messages)
    @rule(data=st.data())
    def lose_a_message(self, data: st.DataObject) -> None:
        del self.memory.queue.messages[data.draw(st.sampled_from(sorted(self.memory.queue.messages)))]

    @precondition(lambda self: self.memory.executions.inputs)
    @rule(data=st.data(), fault=FAULT, skew=SKEW)
    def enter_a_state(self, data: st.DataObject, fault: Fault | None, skew: int) -> None:
        executions = self.stack._executions()
        if executions:
            self._do(data.draw(st.sampled_from(executions)).step, fault, skew)

    @precondition(lambda self: self.memory.executions.inputs)
    @rule(data=st.data(), fault=FAULT, skew=SKEW)
    def call_a_function_again(self, data: st.DataObject, fault: Fault | None, skew: int) -> None:
        """Lambda may run an invocation twice; an old run's may come after a retry."""
        payload = dict(data.draw(st.sampled_from(list(self.memory.executions.inputs.values()))))
        function = data.draw(st.sampled_from(["plan", "chunk"]))
        call = {"plan": {"input": payload, "executionArn": "late"}, "chunk": {**payload, "chunk": 0}}[function]
        self._do(lambda: self.stack.invoke(function, call), fault, skew)

    @precondition(lambda self: self.memory.executions.inputs)
    @rule(data=st.data())
    def stop_an_execution(self, data: st.DataObject) -> None:
        self.memory.executions.stopped.add(data.draw(st.sampled_from(sorted(self.memory.executions.inputs))))

    @rule(fault=FAULT, skew=SKEW)
    def sweep(self, fault: Fault | None, skew: int) -> None:
        self._do(self.stack.sweep, fault, skew)

    @rule(seconds=st.sampled_from([1, 45, 120, 1000, 5000, DAYS_15]))
    def time_passes(self, seconds: int) -> None:
        self.stack.clock.advance(seconds)

    @precondition(lambda self: any(task.expires_at for task in self.seen.values()))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """DynamoDB deletes a task whose time is over, if nobody retried it meanwhile."""
        ended = [key for key, task in self.seen.items() if task.expires_at and key not in self.expired]
        if ended:
            key = data.draw(st.sampled_from(ended))
            self.memory.table.items.pop((key.pk, key.sk))
            self.expired.add(key)

    # --------------------------------------------------------------------------------------- invariants

    @invariant()
    def each_change_is_one_that_is_allowed(self) -> None:
        for key in self.keys:
            if key not in self.expired:
                self._check(key, self._task(key))

    def _task(self, key: TaskKey) -> TaskEntity:
        return TaskEntity.from_item(self.memory.table.items[key.pk, key.sk])

    def _check(self, key: TaskKey, task: TaskEntity) -> None:
        before = self.seen.get(key)
        self.seen[key] = task
        assert len(task.history) <= 50
        assert task.history[-1]["status"] == task.status
        assert task.version == len(task.history) - 1 or len(task.history) == 50
        assert 0 <= task.attempt <= 3
        steps = [TaskStatus(entry["status"]) for entry in task.history]
        assert all(can_transition(old, new) for old, new in itertools.pairwise(steps) if len(steps) < 50)
        if before is None:
            return
        if before.status.terminal:
            changed = (task.status, task.version) != (before.status, before.version)
            assert not changed or task.run > before.run, "an ended task changed without a retry"
        if task.run == before.run:
            assert (task.progress or 0) >= (before.progress or 0), "progress fell"

    @invariant()
    def every_sub_task_is_counted_once(self) -> None:
        for key, task in self.seen.items():
            if task.kind is TaskKind.SFN_TASK and "subTaskCount" in task.attributes:
                ended = task.attributes["subTaskSucceedCount"] + task.attributes["subTaskFailedCount"]
                assert 0 <= ended <= task.attributes["subTaskCount"], key
                if task.status is S.PROCESSING:
                    done = [c for c in self.memory.table.chunks("mbc", key.code) if c.number in task.done_chunks]
                    assert ended == sum(chunk.succeeded + chunk.failed for chunk in done)

    @invariant()
    def what_completed_stays_as_it_is(self) -> None:
        """A worker that comes late changes no outcome."""
        for key in self.keys:
            for chunk in self.memory.table.chunks("mbc", key.code):
                for offset, line in enumerate((chunk.outcomes or "").splitlines()):
                    if '"status":"COMPLETED"' in line:
                        assert self.completed.setdefault((key, chunk.number, offset), line) == line

    # ---------------------------------------------------------------------------------------- the end

    def teardown(self) -> None:
        try:
            self._calm_down()
        finally:  # what is disabled here would be so in every later test of the process
            self.numbered.stop()
            logging.disable(logging.NOTSET)
            forget_task_types()

    def _calm_down(self) -> None:
        """What can happen happens, the sweeper comes every five minutes, and every task ends."""
        for _ in range(CALM_DAYS * 288):
            steps = sum(1 for _ in itertools.takewhile(bool, (self.stack.step() for _ in range(ENDLESS))))
            assert steps < ENDLESS, "what happens makes more happen, and so on for ever"
            self.each_change_is_one_that_is_allowed()
            if all(self.seen[key].status.terminal for key in self.keys) and not self._anything_to_pass_on():
                break
            self.stack.clock.advance(300)
            self.stack.sweep()
        for key in self.keys:
            if key not in self.expired:
                self._check_end(key, self._task(key))

    def _anything_to_pass_on(self) -> bool:
        undelivered = any(shard.startswith("UNTOLD") for shard in self._attention())
        return bool(self.memory.table.stream or self.memory.given_up.documents or undelivered)

    def _attention(self) -> list[str]:
        return [str(item["attention"]) for item in self.memory.table.items.values() if "attention" in item]

    def _check_end(self, key: TaskKey, task: TaskEntity) -> None:
        assert task.status.terminal, f"{key} is still {task.status}: {task.history}"
        told = {(message["id"], message["version"]) for message in self.memory.topics.statuses}
        assert (str(key), task.version) in told, f"nobody was told of {task.history}"
        if task.status is not S.COMPLETED:
            return
        if task.kind is TaskKind.TASK:
            assert self.effects[str(key)] == 1
            assert task.result.startswith(str(key))
            return
        keys = [str(key.sub_task(index)) for index in range(task.attributes["subTaskCount"])]
        assert task.attributes["subTaskSucceedCount"] == len(keys)
        assert [result.split()[0] for result in task.result] == keys
        assert all(self.effects[sub_key] == 1 for sub_key in keys)
