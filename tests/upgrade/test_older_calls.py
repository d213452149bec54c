"""Functions are updated one after the other: what the code of an older version calls meanwhile, today's roles allow."""

from datetime import timedelta

from serverless_tasks import TaskType
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Limits, Range

from tests.support.moto_stack import MotoStack


def test_an_older_plan_may_ask_for_the_chunk_that_another_one_left() -> None:
    """That of 882b28c asks by which limits the list was cut. The stack over moto checks the role."""
    TaskType("cat").sub_task(lambda event, context: None)
    with MotoStack() as stack:
        task = stack.service.create_step_function_task("mbc", "cat", [1, 2])
        table, expires_at = stack.clouds["plan"].table, int((stack.clock() + timedelta(days=30)).timestamp())
        with stack.invocation("plan"):
            table.put(chunks.create(task, Range(0, 0, 1), expires_at, Limits(1)))
            found = table.chunk("mbc", task.code, 0)

    assert found is not None
    assert found.limits == Limits(1)
