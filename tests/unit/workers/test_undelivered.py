"""The end of a task while a sink is down: it is published later, once, and shows nowhere else."""

import pytest
from serverless_tasks import TaskEntity, TaskKey, TaskQuery, TaskStatus, TaskType
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers import sweeper

TOPICS = ["status_topic", "alarm_topic"]


class TopicDown(Exception):
    """SNS does not answer."""


def refuse(tasks: list[TaskEntity]) -> dict[TaskKey, Exception]:
    return {task.key: TopicDown() for task in tasks}


def failed(stack: MemoryStack) -> TaskEntity:
    return stack.run(stack.service.create_task("mbc", "nobody", 1).key)


def published(stack: MemoryStack) -> tuple[int, int]:
    """How often a status and an alarm were published."""
    return len(stack.memory.topics.statuses), len(stack.memory.topics.alarms)


def listed(stack: MemoryStack) -> list[TaskEntity]:
    return list(stack.service.list_tasks(TaskQuery("mbc", status=TaskStatus.FAILED)).items)


def sweep_for(stack: MemoryStack, hours: float) -> int:
    """Sweeps in every fifth minute; returns at how many something was looked at."""
    looks = 0
    for _ in range(round(hours * 12)):
        stack.clock.advance(300)
        looks += stack.sweep()
    return looks


@pytest.mark.parametrize("down", [TOPICS[:1], TOPICS[1:], TOPICS])
def test_each_topic_gets_it_once_when_it_is_back_and_the_task_stays_as_it_ended(stack, down):
    with pytest.MonkeyPatch.context() as patch:
        for topic in down:
            patch.setattr(getattr(stack.memory, topic), "publish", refuse)
        ended = failed(stack)
        sweep_for(stack, 24)
        assert [task.key for task in listed(stack)] == [ended.key]
        assert published(stack) == ("status_topic" not in down, "alarm_topic" not in down)

    sweep_for(stack, 24)

    assert published(stack) == (1, 1)
    assert stack.memory.topics.statuses[0]["content"]["status"] == "FAILED"
    assert stack.task(ended.key) == ended
    assert sweep_for(stack, 48) == 0


def test_an_event_bus_that_was_down_gets_it_alone_when_it_is_back():
    stack = MemoryStack(event_bus_name="ours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.event_bus, "publish", refuse)
        ended = failed(stack)
        sweep_for(stack, 24)
        assert (published(stack), stack.memory.event_bus.published) == ((1, 1), [])

    sweep_for(stack, 24)

    assert [event["id"] for event in stack.memory.event_bus.published] == [ended.id]
    assert published(stack) == (1, 1)
    assert sweep_for(stack, 48) == 0


def test_an_end_for_an_event_bus_that_the_stack_no_longer_names_is_forgotten(monkeypatch):
    # GIVEN an end that the bus did not take, and a deployment without a bus after that
    stack = MemoryStack(event_bus_name="ours")
    monkeypatch.setattr(stack.memory.event_bus, "publish", refuse)
    failed(stack)
    stack.memory.settings = Settings()
    stack.clock.advance(60)

    assert (stack.sweep(), sweep_for(stack, 24)) == (1, 0)


def test_one_topic_that_is_back_before_the_other_gets_it_alone(stack):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        with pytest.MonkeyPatch.context() as both:
            both.setattr(stack.memory.status_topic, "publish", refuse)
            failed(stack)
        sweep_for(stack, 24)
        assert published(stack) == (1, 0)

    sweep_for(stack, 24)

    assert published(stack) == (1, 1)


def test_it_is_tried_ever_more_seldom_but_each_hour(stack, monkeypatch):
    tries = []
    monkeypatch.setattr(stack.memory.alarm_topic, "publish", lambda tasks: tries.append(stack.clock()) or refuse(tasks))
    failed(stack)

    began = stack.clock()
    for _ in range(24 * 60):
        stack.clock.advance(60)
        stack.sweep()

    waits = [(at - began).total_seconds() / 60 for at in tries]
    assert waits[:9] == [0, 1, 2, 4, 8, 16, 32, 64, 124]
    assert len(tries) == 30


def test_an_end_of_every_kind_is_published(stack, monkeypatch):
    TaskType("cat").task(lambda event, context: "done")
    publish = stack.memory.status_topic.publish
    monkeypatch.setattr(stack.memory.status_topic, "publish", refuse)
    stack.run(stack.service.create_task("mbc", "cat", 1).key)
    stack.run(stack.service.cancel_task(stack.service.create_task("mbc", "cat", 1).key).key)
    monkeypatch.setattr(stack.memory.status_topic, "publish", publish)

    sweep_for(stack, 1)

    statuses = {message["content"]["status"] for message in stack.memory.topics.statuses}
    assert (statuses, published(stack)) == ({"COMPLETED", "CANCELLED"}, (2, 0))


@pytest.mark.parametrize("gone", [True, False])
def test_the_end_of_a_task_that_was_retried_or_deleted_is_no_news(stack, monkeypatch, gone):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        ended = failed(stack)
    if gone:
        del stack.memory.table.items[ended.pk, ended.sk]
    else:
        stack.service.retry_task(ended.key)
        stack.memory.table.stream.clear()
    stack.clock.advance(60)

    assert stack.sweep() == 1
    stack.clock.advance(60)
    assert stack.sweep() == 0
    assert published(stack) == (1, 0)


def test_each_end_of_a_task_is_published(stack):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        ended = failed(stack)
        stack.service.retry_task(ended.key)
        stack.run(ended.key)

    sweep_for(stack, 1)

    assert published(stack) == (2, 1)


def test_a_record_that_comes_twice_is_remembered_once(stack, monkeypatch):
    publish = stack.memory.alarm_topic.publish
    monkeypatch.setattr(stack.memory.alarm_topic, "publish", refuse)
    handle = stack.relay.handle
    monkeypatch.setattr(stack.relay, "handle", lambda records: handle(records) + handle(records))
    failed(stack)
    monkeypatch.setattr(stack.memory.alarm_topic, "publish", publish)

    sweep_for(stack, 1)

    assert len(stack.memory.topics.alarms) == 1


def test_two_sweepers_at_once_publish_once(stack, before_next_write):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        failed(stack)
    stack.clock.advance(60)
    before_next_write(stack.sweep)
    stack.sweep()

    assert published(stack) == (1, 1)


def test_an_index_that_lags_publishes_nothing_twice(stack):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        failed(stack)
    [item] = [item for item in stack.memory.table.items.values() if item["kind"] == "UNTOLD"]
    stack.clock.advance(60)
    stack.sweep()

    with pytest.MonkeyPatch.context() as patch:
        keys = [TaskKey(item["pk"], item["sk"]), TaskKey("UNTOLD#x", "y")]
        patch.setattr(stack.memory.table, "due", lambda shard, *_: keys if shard == "UNTOLD#0" else [])
        stack.sweep()

    assert published(stack) == (1, 1)


def test_what_is_stuck_comes_before_the_ends_of_a_topic_that_is_down(stack, monkeypatch):
    monkeypatch.setattr(sweeper, "TASKS_PER_SHARD", 1)
    monkeypatch.setattr(stack.memory.alarm_topic, "publish", refuse)
    for _ in range(40):
        failed(stack)
    TaskType("cat").task(lambda event, context: "done")
    lost = stack.service.create_task("mbc", "cat", 1).key
    stack.memory.table.stream.clear()
    stack.clock.advance(300)
    left = iter([100.0])

    assert stack.sweeper.handle(lambda: next(left, 5.0)) == 1

    assert stack.run(lost).status is TaskStatus.COMPLETED


@pytest.mark.parametrize("of_both", [False, True])
def test_a_topic_that_is_down_is_asked_three_times_in_a_run_and_holds_up_no_other(stack, of_both):
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", lambda tasks: asked.extend(tasks) or refuse(tasks))
        if of_both:
            patch.setattr(stack.memory.status_topic, "publish", refuse)
        for _ in range(8):
            failed(stack)
    asked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", lambda tasks: asked.extend(tasks) or refuse(tasks))
        stack.clock.advance(300)
        assert stack.sweep() == 8
        assert (len(asked), published(stack)) == (3, (8, 0))
        assert stack.sweep() == 0  # those that were not tried are put off, too

    sweep_for(stack, 2)

    assert published(stack) == (8, 8)


def test_a_topic_that_refuses_some_is_asked_for_all(stack):
    publish, asked = stack.memory.alarm_topic.publish, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse)
        for _ in range(9):
            failed(stack)

    def refuse_two_of_three(tasks):
        asked.extend(tasks)
        return publish(tasks) if len(asked) % 3 == 0 else refuse(tasks)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.alarm_topic, "publish", refuse_two_of_three)
        stack.clock.advance(300)
        stack.sweep()

    assert (len(asked), published(stack)) == (9, (9, 3))


def test_a_foreign_item_is_put_off(stack):
    foreign = {"pk": "FOREIGN", "sk": "1", "attention": "UNTOLD#0", "dueAt": "2025-01-01T00:00:00.000Z"}
    stack.memory.table.items["FOREIGN", "1"] = foreign

    assert (stack.sweep(), stack.sweep()) == (1, 0)
