"""A chunk whose task has ended: its worker begins no other sub-task a few seconds later, however long it has run."""

import pytest
from serverless_tasks import TaskType
from serverless_tasks.workers.user_code.runner import LOOK_SECONDS

from tests.support.crews import run_chunk
from tests.support.tasks import planned


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.usefixtures("event_loops")
@pytest.mark.parametrize("then", ["cancelled", "cancelled and retried"])
def test_a_cancelled_chunk_stops_within_seconds(stack, concurrency, then):
    cat = TaskType("cat", chunk_size=300, concurrency=concurrency)
    ran = []

    async def handle(event, context):
        ran.append(event.index)
        stack.clock.advance(1)
        if event.index == 200:  # by then it writes every 20 s
            stack.service.cancel_task(key)
            if then == "cancelled and retried":
                stack.service.retry_task(key)

    cat.sub_task(handle)
    key = planned(stack, list(range(300)))
    run_chunk(stack, key)

    assert 201 <= len(ran) <= 201 + LOOK_SECONDS + concurrency


def test_a_short_chunk_reads_its_task_once(stack, monkeypatch):
    TaskType("cat", chunk_size=3).sub_task(lambda event, context: stack.clock.advance(1))
    key, reads, get = planned(stack, [0, 1, 2]), [], stack.memory.table.get
    monkeypatch.setattr(stack.memory.table, "get", lambda task_key: reads.append(task_key) or get(task_key))

    run_chunk(stack, key)

    assert reads == [key]
