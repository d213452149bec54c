"""Links to all outcomes, with the real adapters: what a link leads to, and that the API's function may make it."""

import json

from serverless_tasks import ResultLink, TaskEntity, TaskType

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack


def lines(stack: MotoStack, link: ResultLink) -> list[int]:
    """The indexes of the lines behind the link, which is what it was told of itself."""
    key = link.url.partition("?")[0].partition(".com/")[2]
    answer = driver_client("s3").get_object(Bucket=stack.resources.name("PayloadBucket"), Key=key)
    assert answer["ContentType"] == "application/x-ndjson"
    found = [json.loads(line)["index"] for line in answer["Body"].read().splitlines()]
    assert found == list(range(link.first, link.first + link.count))
    return found


def ended(stack: MotoStack, sizes: list[int]) -> TaskEntity:
    TaskType("cat", chunk_size=2).sub_task(lambda event, context: "r" * event.input)
    return stack.run(stack.service.create_step_function_task("mbc", "cat", sizes).key)


def test_links_lead_to_every_outcome_and_their_function_may_make_them(stack: MotoStack) -> None:
    # GIVEN small outcomes, which are in items, around large ones, and one that has an object of its own
    task = ended(stack, [1, 2, 5000, 5000, 300_000, 1, 3, 4, 5])

    # WHEN the links are asked for; the stack refuses calls that ApiFunction's policy does not grant
    made = len(stack.calls.made)
    with stack.calls.of("api"):
        links = stack.service.result_links(task)

    # THEN they hold every sub-task once, in order
    assert [index for link in links.items for index in lines(stack, link)] == list(range(9))
    # AND what it takes is a query, a look for what is there, a write for each range of items and one for their list
    calls = [(call.service, call.operation) for call in stack.calls.made[made:]]
    assert sorted(calls) == [("dynamodb", "Query"), ("s3", "HeadObject"), *[("s3", "PutObject")] * 3]

    # AND the second time nothing is written
    made = len(stack.calls.made)
    with stack.calls.of("api"):
        assert [lines(stack, link) for link in stack.service.result_links(task).items]
    assert [call.operation for call in stack.calls.made[made:]][:2] == ["Query", "HeadObject"]
    assert "PutObject" not in [call.operation for call in stack.calls.made[made:]]
