"""What must be true of every write of the table: of what is overwritten in a step, no state tells."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serverless_tasks import TaskKey, TaskKind, TaskStatus
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.fan_out.chunks import KIND, Chunk
from serverless_tasks.core.times import to_iso
from serverless_tasks.testing import MemoryStack

S = TaskStatus
_COMPLETED = '"status":"COMPLETED"'


@dataclass(frozen=True)
class Code:
    """What a deployment says of the task type."""

    chunk_size: int = 2
    max_attempts: int = 3
    tolerated_failures: int | str = 0
    fan_in: bool = True
    lane: bool = True


class Watch:
    """Looks at every update; what is ``wrong`` is in words."""

    def __init__(self, stack: MemoryStack) -> None:
        self.code: Code | None = Code()
        """The deployment that runs, None without the type."""
        self.began: dict[tuple[str, str, int], Code] = {}
        """By key and run, the deployment that planned it or claimed it first."""
        self.by_hand = False
        """Whether a manual update is being made."""
        self.decimated: set[str] = set()
        """Codes of tasks of which DynamoDB has deleted chunks."""
        self.wrong: list[str] = []
        self._stack = stack
        self._table = stack.memory.table
        self._update = stack.memory.table.update
        stack.memory.table.update = self.update  # type: ignore[method-assign]

    def began_with(self, key: TaskKey, run: int) -> Code:
        """What decides this run."""
        return self.began[key.pk, key.sk, run]

    def update(self, update: Update) -> Any:
        before = self._table.items.get((update.pk, update.sk))
        item = self._update(update)
        if before is not None and item["kind"] == KIND:
            of_the_dead = any(clause.path == "holder" for clause in update.conditions)
            self._chunk(Chunk.from_item(before), Chunk.from_item(item), of_the_dead)
        elif before is not None and item.get("change") == "status" and not self.by_hand:
            self._task(before, item)
        return item

    def _chunk(self, old: Chunk, new: Chunk, of_the_dead: bool) -> None:
        what = f"{old.pk} {old.number}"
        if old.done_in(new.run) and not new.done_in(new.run):
            self.wrong.append(f"{what} was done and is begun again")
        if new.run == old.run and new.attempt > old.attempt and self._runs(old.lease_until) and not of_the_dead:
            self.wrong.append(f"{what} is claimed while its lease runs")
        pairs = itertools.zip_longest((old.outcomes or "").splitlines(), (new.outcomes or "").splitlines())
        if any(line != later for line, later in pairs if line and _COMPLETED in line):
            self.wrong.append(f"{what} lost a result")

    def _task(self, before: Mapping[str, Any], item: Mapping[str, Any]) -> None:
        what = f"{item['pk']} {item['sk']}"
        if item["status"] == S.PROCESSING:
            if before["status"] == S.PROCESSING and self._runs(before.get("leaseUntil")):
                self.wrong.append(f"{what} is claimed while its lease runs")
            if self.code is not None:
                self.began.setdefault((item["pk"], item["sk"], item["run"]), self.code)
        planned = item["kind"] == TaskKind.SFN_TASK and "subTaskCount" in item["attributes"]
        if item["status"] == S.FAILED and planned and item["code"] not in self.decimated:
            self._last_counts(what, item)

    def _last_counts(self, what: str, item: Mapping[str, Any]) -> None:
        chunks = list(self._table.chunks(item["tenantCode"], item["code"]))
        said = (
            sum(chunk.succeeded for chunk in chunks),
            sum(chunk.failed for chunk in chunks if chunk.run == item["run"]),
        )
        counters = (item["attributes"]["subTaskSucceedCount"], item["attributes"]["subTaskFailedCount"])
        if counters != said:
            self.wrong.append(f"{what} ends with counters {counters}, its chunks say {said}")

    def _runs(self, lease_until: str | None) -> bool:
        return lease_until is not None and lease_until > to_iso(self._stack.clock())
