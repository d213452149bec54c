"""A state machine for hypothesis: the real handlers over the stack in memory, and a world that does its worst.

Messages and stream records come twice, late, out of order or never; workers die or are refused at any call; clocks
differ; users cancel and retry, executions are stopped, the sweeper comes at any time. After every step the
invariants of issue 3 hold, and when the world calms down every task ends.
"""

import itertools
import logging
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from serverless_tasks import TaskEntity, TaskKey, TaskKind, TaskStatus
from serverless_tasks.core.task.status import can_transition
from serverless_tasks.core.task_types.task_type import forget_task_types, tolerance
from serverless_tasks.core.times import to_iso
from serverless_tasks.testing.stack import passed_on

from tests.model.faults import Fault
from tests.model.upheaval import Upheaval

S = TaskStatus
FAULT = st.none() | st.builds(Fault, st.sampled_from(["refused", "killed before", "killed after"]), st.integers(1, 6))
SKEW = st.sampled_from([0, 0, 0, -30, 30])
GOOD = {"kills": 0, "fails": 0, "stalls": "", "permanent": False}
BEHAVIOUR = (
    st.just(GOOD)
    | st.fixed_dictionaries(
        {
            "kills": st.sampled_from([0, 0, 0, 1, 4]),
            "fails": st.sampled_from([0, 0, 1, 4]),
            "stalls": st.sampled_from(["", "", "frozen", "believed dead", "alive"]),
            "permanent": st.just(False),
        }
    )
    | st.just({**GOOD, "permanent": True})
)
MAX_TASKS = 3
CALM_DAYS = 20
DAYS_15 = 15 * 86400
"""Seconds after which SQS has deleted every message."""
ENDLESS = 10_000
"""Steps that no few tasks take without the clock moving on."""


class Schedules(Upheaval):
    """One schedule. Rules choose what happens next; what they do not choose does not happen."""

    # -------------------------------------------------------------------------------------------- users

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

    @precondition(lambda self: len(self.keys) < MAX_TASKS)
    @rule(behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=5))
    def begin_fan_out(self, behaviours: list[dict[str, Any]]) -> None:
        """One whose chunks are there already: most of what may go wrong comes later."""
        self._planned(behaviours)

    def _planned(self, behaviours: list[dict[str, Any]]) -> None:
        self._accept(lambda: self.stack.service.create_step_function_task("mbc", "probe", behaviours), None)
        key = self.keys[-1]
        call = {"pk": key.pk, "sk": key.sk, "run": 0}
        self._do(lambda: self.stack.invoke("plan", {"input": call, "executionArn": key.code}))

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

    @precondition(lambda self: self._started())
    @rule(data=st.data(), fault=FAULT, skew=SKEW)
    def enter_a_state(self, data: st.DataObject, fault: Fault | None, skew: int) -> None:
        executions = [*self.stack._lanes(), *self.stack._executions()]
        if executions:
            self._do(data.draw(st.sampled_from(executions)).step, fault, skew)

    @precondition(lambda self: self._started())
    @rule(data=st.data(), fault=FAULT, skew=SKEW)
    def call_a_function_again(self, data: st.DataObject, fault: Fault | None, skew: int) -> None:
        """Lambda may run an invocation twice; an old run's may come after a retry."""
        name = data.draw(st.sampled_from(sorted(self._started())))
        if data.draw(st.booleans()):
            how = data.draw(st.sampled_from(["lost", "free"]))
            return self._do(lambda: self._replace_workers(name, how), fault, skew)
        payload, in_lane = self._started()[name], name in self.memory.executions.lanes
        function = data.draw(st.sampled_from(["plan", "chunk", *(["finish"] if in_lane else [])]))
        arn = {"executionArn": name, "lane": True} if in_lane else {"executionArn": "late"}
        began_at = {"laneBeganAt": to_iso(self.stack.clock())}
        calls = {"plan": {"input": payload, **arn}, "chunk": {**payload, "chunk": 0}, "finish": {**payload, **began_at}}
        return self._do(lambda: self.stack.invoke(function, calls[function]), fault, skew)

    @precondition(lambda self: self.memory.executions.inputs)
    @rule(data=st.data())
    def stop_an_execution(self, data: st.DataObject) -> None:
        self.memory.executions.stopped.add(data.draw(st.sampled_from(sorted(self.memory.executions.inputs))))

    @precondition(lambda self: self.stack._lanes())
    @rule(data=st.data(), hands_over=st.booleans())
    def end_a_lane(self, data: st.DataObject, hands_over: bool) -> None:
        """Anywhere: it dies, or has waited for too long for a worker or a plan, which goes on."""
        lane = data.draw(st.sampled_from(self.stack._lanes()))
        lane.next = "HandOver" if hands_over else "End"

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

    def _check(self, key: TaskKey, task: TaskEntity) -> None:
        before = self.seen.get(key)
        self.seen[key] = task
        assert len(task.history) <= 50
        assert task.history[-1]["status"] == task.status
        assert task.version == len(task.history) - 1 or len(task.history) == 50
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
    def every_write_was_right(self) -> None:
        assert not self.watch.wrong, self.watch.wrong[0]

    @invariant()
    def every_sub_task_is_counted_once(self) -> None:
        for key, task in self.seen.items():
            if task.kind is TaskKind.SFN_TASK and "subTaskCount" in task.attributes:
                ended = task.attributes["subTaskSucceedCount"] + task.attributes["subTaskFailedCount"]
                assert 0 <= ended <= task.attributes["subTaskCount"], key
                if task.status is S.PROCESSING:
                    found = list(self.memory.table.chunks("mbc", key.code))
                    done = [chunk for chunk in found if chunk.number in task.done_chunks]
                    assert ended == sum(chunk.succeeded + chunk.failed for chunk in done)
                    assert all(chunk.done_in(task.run) for chunk in done), "a chunk is counted that is not done"
                    elements = [c.range.first + n for c in found for n in range(c.range.count)]
                    assert elements == list(range(task.attributes["subTaskCount"])), "chunks overlap, or lack one"

    # ---------------------------------------------------------------------------------------- the end

    def teardown(self) -> None:
        try:
            self._calm_down()
        finally:  # what is disabled here would be so in every later test of the process
            self.numbered.stop()
            self.heartbeat.stop()
            logging.disable(logging.NOTSET)
            forget_task_types()

    def _calm_down(self) -> None:
        """What can happen happens, the sweeper comes every five minutes, and every task ends."""
        self._wake_all()
        self.every_write_was_right()
        for _ in range(CALM_DAYS * 288):
            steps = sum(1 for _ in itertools.takewhile(bool, (self.stack.step() for _ in range(ENDLESS))))
            assert steps < ENDLESS, "what happens makes more happen, and so on for ever"
            self.each_change_is_one_that_is_allowed()
            if all(self.seen[key].status.terminal for key in self.keys) and not self._anything_to_pass_on():
                break
            self.stack.clock.advance(300)
            self.stack.sweep()
        self.every_write_was_right()
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
        published = {(message["id"], message["version"]) for message in self.memory.topics.statuses}
        assert (str(key), task.version) in published, f"not published: {task.history}"
        if task.status is not S.COMPLETED:
            return
        if task.kind is TaskKind.TASK:
            assert self.effects[str(key)] == 1
            assert task.result.startswith(str(key))
            return
        began, count = self.watch.began_with(key, task.run), task.attributes["subTaskCount"]
        keys = [str(key.sub_task(index)) for index in range(count)]
        failed = task.attributes["subTaskFailedCount"]
        assert task.attributes["subTaskSucceedCount"] + failed == count
        assert tolerance(began.tolerated_failures)(failed, count), f"{failed} of {count} failed, which was too much"
        assert (task.result is not None) == began.fan_in, "a fan-in that was there did not run, or another one did"
        results = task.result if began.fan_in else keys
        completed = [sub_key for sub_key, result in zip(keys, results, strict=True) if result is not None]
        assert [result.split()[0] for result in results if result is not None] == completed
        assert sum(self.effects[sub_key] for sub_key in keys) >= count - failed
        assert all(self.effects[sub_key] == 1 for sub_key in completed if began.fan_in)
