"""Plan: cuts the input of a Step Functions task into chunks, once, and names the due chunks in each round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import POOL_SIZE, UNREAD, Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import InvalidInput, LostRace, PermanentError, WorkerLost
from serverless_tasks.core.fan_out import chunks, cuts, rounds
from serverless_tasks.core.fan_out.chunks import Chunk, Limits, Range
from serverless_tasks.core.fan_out.lane import most_chunks
from serverless_tasks.core.fan_out.lifetimes import Lifetime
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types import failures
from serverless_tasks.core.task_types.task_type import Policy, policy_of
from serverless_tasks.core.times import Clock
from serverless_tasks.core.usage.amounts import LANE, PLAN
from serverless_tasks.store.chunks import count_chunk
from serverless_tasks.store.inputs import Measured, measure
from serverless_tasks.store.transitions import Transitions
from serverless_tasks.workers.user_code.routing import HandlerRouter, no_handler

TRIES = 5
"""How often a lost race is looked at again; the relay's late STARTED is the usual one, and it comes once."""
SPARE_SECONDS = 60.0
"""Left of the invocation when an input has been read: for the chunks, a thousand at most."""
STOP: dict[str, Any] = {"next": "stop"}
GIVEN_UP = {
    "stalled": "chunk workers cannot start, cannot read the bucket or cannot write; their log says why",
    "exhausted": f"{rounds.MAX_ROUNDS} rounds are all that an execution has room for; retry it, and it goes on",
}
"""Steps that end the task, and why."""


class Planner:
    """What the state machine's Plan state calls."""

    def __init__(self, cloud: Cloud, router: HandlerRouter, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._transitions = Transitions(cloud, clock)

    def handle(self, call: Mapping[str, Any], remaining: Callable[[], float]) -> Mapping[str, Any]:
        """``{"input": {"pk", "sk", "run", "plan"?}, "executionArn", "inline"?, "lane"?}`` to the next step.

        See :mod:`rounds`. ``inline``: chunks that this machine runs in an inline map; ``lane``: whether it is the fast
        lane. ``remaining``: seconds that the invocation may still run.
        """
        state, in_lane = call["input"], call.get("lane", False)
        self._cloud.meter.note(LANE if in_lane else PLAN, TaskKey(state["pk"], state["sk"]).code)
        step = self._step(state, call["executionArn"], remaining, in_lane=in_lane)
        if in_lane:
            return rounds.for_lane(step, self._cloud.settings.fan_out_concurrency)
        return rounds.inline(step, state.get("plan"), call.get("inline", 0))

    def _step(
        self, state: Mapping[str, Any], execution_arn: str, remaining: Callable[[], float], *, in_lane: bool
    ) -> Mapping[str, Any]:
        for _ in range(TRIES):
            task = self._cloud.table.get(TaskKey(state["pk"], state["sk"]))
            if task is not None and in_lane and _is_of_another(task, execution_arn):
                logger.info("another execution has the task, this lane ends", extra=task_keys(task))
                return STOP
            if task is None or task.run != state["run"] or task.status.terminal or task.status is TaskStatus.FINISHED:
                return _if_finished(task, state["run"])
            if in_lane and not policy_of(task.type).lane:
                return rounds.HAND_OVER
            try:
                return self._next(task, state.get("plan"), execution_arn, remaining, in_lane=in_lane)
            except LostRace:
                logger.info("lost a race, looking again", extra=task_keys(task))
        raise LostRace("every write of the plan lost its race")

    def _next(
        self,
        task: TaskEntity,
        previous: rounds.Plan | None,
        execution_arn: str,
        remaining: Callable[[], float],
        *,
        in_lane: bool,
    ) -> Mapping[str, Any]:
        if task.status is not TaskStatus.PROCESSING:
            return self._begin(task, execution_arn, previous, remaining, in_lane=in_lane)
        found = list(self._cloud.table.chunks(task.tenant_code, task.code))
        for chunk in found:
            if chunk.run == task.run and chunk.done_in(task.run) and chunk.number not in task.done_chunks:
                # Its worker died between its last write and the count.
                count_chunk(self._cloud.table, task, chunk, self._clock())
        beside_lane = self._cloud.settings.fan_out_concurrency if _is_of_another(task, execution_arn) else None
        return self._go_on(task, found, previous, beside_lane)

    def _go_on(
        self, task: TaskEntity, found: list[Chunk], previous: rounds.Plan | None, beside_lane: int | None = None
    ) -> Mapping[str, Any]:
        self._keep(found)
        longest_backoff = policy_of(task.type).backoff.cap
        step = rounds.next_step(found, task.run, self._clock(), previous, longest_backoff, beside_lane)
        if step["next"] != "finish" and self._router.lacks_sub_task_handler(task):
            return self._fail(task, no_handler(task.type))
        if step["next"] in GIVEN_UP:
            return self._fail(task, WorkerLost(GIVEN_UP[step["next"]]))
        logger.info("plan: %s", step["next"], extra={**task_keys(task), "chunks": len(step.get("chunks", ()))})
        return step

    def _keep(self, found: list[Chunk]) -> None:
        """Let those chunks live longer that might expire before their task has ended, and been kept."""
        now, lifetime = self._clock(), self._lifetime(len(found))

        def keep(chunk: Chunk) -> None:
            with suppress(LostRace):  # another plan does the same
                self._cloud.table.update(chunks.keep(chunk, lifetime.expires_at(now)))

        if ending := lifetime.ending(found, now):
            with ThreadPoolExecutor(POOL_SIZE) as pool:
                list(pool.map(keep, ending))

    def _lifetime(self, count: int) -> Lifetime:
        settings = self._cloud.settings
        return Lifetime(settings.retention_days, count, settings.fan_out_concurrency)

    def _begin(
        self,
        task: TaskEntity,
        execution_arn: str,
        previous: rounds.Plan | None,
        remaining: Callable[[], float],
        *,
        in_lane: bool,
    ) -> Mapping[str, Any]:
        if self._router.lacks_sub_task_handler(task):
            return self._fail(task, no_handler(task.type))
        known = list(self._cloud.table.chunks(task.tenant_code, task.code)) if task.run else []
        if known and chunks.are_all(known, task.attributes.get("subTaskCount", 0)):
            # The input need not be read again.
            found = Measured(task.attributes["subTaskCount"])
            return self._go_on(self._enter(task, execution_arn, known, found, known[0].limits), known, None)
        try:
            found = measure(self._cloud.payloads, task, lambda: remaining() - SPARE_SECONDS)
        except (PermanentError, InvalidInput) as error:
            return self._fail(task, error)
        except UNREAD as error:
            return self._read_later(task, previous, error)
        try:
            if in_lane and self._is_long(task, found, known):
                return rounds.HAND_OVER
            numbers, limits = self._write_chunks(task, found, known)
        except (PermanentError, InvalidInput) as error:
            return self._fail(task, error)
        if numbers is None:
            known = list(self._cloud.table.chunks(task.tenant_code, task.code))
            return self._go_on(self._enter(task, execution_arn, known, found, limits), known, None)
        self._enter(task, execution_arn, [], found, limits)
        return {"next": "run" if numbers else "finish", "chunks": numbers, "claims": 0, "stalled": 0}

    def _read_later(self, task: TaskEntity, previous: rounds.Plan | None, error: Exception) -> Mapping[str, Any]:
        """Wait until the bucket gives the input. Where it stays closed, raise: the state machine gives up then."""
        unread = int(previous.get("unread", 0)) if previous else 0
        if unread >= failures.MAX_FUTILE_CLAIMS:
            raise error
        logger.exception("the bucket could not be read, the plan is made later", extra=task_keys(task))
        seconds = failures.unread_wait(unread)
        return {"next": "wait", "seconds": seconds, "unread": unread + 1, "claims": 0, "stalled": 0}

    def _enter(
        self, task: TaskEntity, arn: str, known: list[Chunk], found: Measured, limits: Limits | None
    ) -> TaskEntity:
        counts, done = chunks.recount(known, task.run)
        counts = {"subTaskCount": found.count, **counts}
        policy = Policy.of_code(task.type).to_item(task.kind)
        cut = limits.to_item() if limits else None
        header = found.header and found.header.kept
        update = transitions.planned(task, self._clock(), arn, counts, done, header, policy=policy, cut=cut)
        task = self._transitions.write(task, update)
        logger.info("planned %d sub-tasks", found.count, extra=task_keys(task))
        return task

    def _write_chunks(
        self, task: TaskEntity, found: Measured, known: list[Chunk]
    ) -> tuple[list[int] | None, Limits | None]:
        """Write the chunks that are not there yet; returns their numbers if none was, else None, and their limits.

        Chunk 0 goes first and settles the limits: a plan that died half-way may have cut by others than ours.
        """
        if found.count == 0:
            return [], None
        limits = self._limits(task, found, known)
        ranges = list(cuts.cut(found.count, limits, found.marks))
        expires_at = self._lifetime(len(ranges)).expires_at(self._clock())
        fresh = not known and self._write_chunk(task, ranges[0], limits, expires_at)
        if not fresh:
            known = known or list(self._cloud.table.chunks(task.tenant_code, task.code))
            limits = self._limits(task, found, known)
            ranges = list(cuts.cut(found.count, limits, found.marks))
        there = {0} if fresh else {chunk.number for chunk in known}
        missing = [range_ for range_ in ranges if range_.number not in there]
        with ThreadPoolExecutor(POOL_SIZE) as pool:
            written = list(pool.map(lambda range_: self._write_chunk(task, range_, limits, expires_at), missing))
        whole = len(ranges) == 1  # a list that is not cut can only be lost as a whole, and is then cut anew
        return (list(range(len(ranges))) if fresh and all(written) else None), None if whole else limits

    def _is_long(self, task: TaskEntity, found: Measured, known: list[Chunk]) -> bool:
        """Whether its chunks are more than a lane takes; the relay, which sent it here, knows no type's chunk size."""
        ranges = cuts.cut(found.count, self._limits(task, found, known), found.marks) if found.count else ()
        return sum(1 for _ in ranges) > most_chunks(self._cloud.settings.fan_out_concurrency)

    def _limits(self, task: TaskEntity, found: Measured, known: list[Chunk]) -> Limits:
        """By which the list was cut, in whichever run; else by which this deployment cuts it."""
        begun_with = Limits.from_item(task.cut) if task.cut else None
        if known:
            return cuts.limits_of(known, found.count, found.marks, begun_with)
        wanted, concurrency = policy_of(task.type).chunk_size, self._cloud.settings.fan_out_concurrency
        return begun_with or cuts.limits_for(found.count, concurrency, wanted, found.marks)

    def _write_chunk(self, task: TaskEntity, range_: Range, limits: Limits, expires_at: int) -> bool:
        try:
            self._cloud.table.put(chunks.create(task, range_, expires_at, None if range_.number else limits))
        except LostRace:
            return False
        return True

    def _fail(self, task: TaskEntity, error: Exception) -> Mapping[str, Any]:
        self._transitions.fail(task, error)
        return STOP


def _is_of_another(task: TaskEntity, execution_arn: str) -> bool:
    """Whether the plan of another execution made the task PROCESSING: of a lane, as all others have one name."""
    planned = task.status in (TaskStatus.PROCESSING, TaskStatus.FINISHED)
    return planned and task.execution_arn is not None and task.execution_arn != execution_arn


def _if_finished(task: TaskEntity | None, run: int) -> Mapping[str, Any]:
    """A fan-in that was cut short goes on; everything else that is not to be planned stops the execution."""
    if task is not None and task.run == run and task.status is TaskStatus.FINISHED:
        return {"next": "finish", "claims": 0, "stalled": 0}
    return STOP
