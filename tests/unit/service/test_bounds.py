"""Bounds: which calls count, what a full window refuses, and who wins the last place."""

from dataclasses import replace

import pytest
from serverless_tasks import BoundReached, Caller, InvalidInput, KeyReused, TaskStatus, TransitionRefused
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.inputs import uploads
from serverless_tasks.testing import MemoryStack

ALICE, BOB = Caller("alice"), Caller("bob")
USER, TENANT = "UserTasksPerMinute", "TenantTasksPerMinute"


def stack_of(**bounds):
    """In memory, with these bounds; half a minute is left of the first window."""
    stack = MemoryStack(**bounds)
    stack.clock.advance(30)
    return stack


def counts(stack):
    """What each window has counted, by what and whom; a user is ``1``."""
    found = [(*key, item["used"]) for key, item in stack.memory.table.items.items() if item["kind"] == "BOUND"]
    return {f"{sk.split('#')[0]} {pk.split('#')[1]} {sk.count('#') - 1}": used for pk, sk, used in found}


def create(stack, caller=ALICE, **more):
    return stack.service.create_task(more.pop("tenant", "mbc"), "cat", more.pop("input", 1), caller=caller, **more)


def refused(stack, caller=ALICE, **more):
    """The bound that refuses a creation."""
    with pytest.raises(BoundReached) as caught:
        create(stack, caller, **more)
    return caught.value.bound


def test_without_a_bound_nothing_is_counted():
    stack = stack_of()
    create(stack)
    stack.service.create_upload("mbc", caller=ALICE)
    assert counts(stack) == {}


def test_the_environment_of_an_older_template_sets_no_bound():
    settings = Settings.from_environment({"TABLE_NAME": "tasks", "RETENTION_DAYS": "30", "USER_TASKS_PER_MINUTE": ""})
    assert not settings.bounded


def test_one_user_is_bound_and_others_are_not():
    stack = stack_of(user_tasks_per_minute=2)
    create(stack)
    stack.service.create_step_function_task("mbc", "cat", [1] * 500, caller=ALICE)
    assert refused(stack) == USER
    create(stack, BOB)
    create(stack, tenant="acme")
    create(stack, Caller())


def test_a_tenant_is_bound_whoever_creates():
    stack = stack_of(tenant_tasks_per_minute=3)
    for caller in (ALICE, BOB, Caller()):
        create(stack, caller)
    assert refused(stack, BOB) == TENANT
    create(stack, tenant="acme")


def test_a_refused_task_is_not_there_and_neither_is_its_input():
    stack = stack_of(user_tasks_per_minute=1)
    create(stack)
    refused(stack, input="x" * 5000)
    assert (stack.memory.payloads.objects, len(stack.memory.table.stream)) == ({}, 1)


def test_the_window_turns():
    stack = stack_of(user_tasks_per_minute=1)
    create(stack)
    with pytest.raises(BoundReached) as caught:
        create(stack)
    assert caught.value.retry_after == 30
    stack.clock.advance(29)
    refused(stack)
    stack.clock.advance(1)
    create(stack)


def test_a_user_who_has_no_more_takes_nothing_from_the_tenant():
    stack = stack_of(user_tasks_per_minute=1, tenant_tasks_per_minute=2)
    create(stack)
    for _ in range(5):
        assert refused(stack) == USER
    create(stack, BOB)
    assert refused(stack, Caller("carol")) == TENANT


def test_another_limit_holds_within_the_same_window():
    """A deployment in the middle of a minute."""
    stack = stack_of(user_tasks_per_minute=3)
    create(stack)
    stack.memory.settings = replace(stack.memory.settings, user_tasks_per_minute=1)
    refused(stack)
    stack.memory.settings = replace(stack.memory.settings, user_tasks_per_minute=2)
    create(stack)
    refused(stack)


def test_a_request_that_is_sent_again_counts_once():
    stack = stack_of(user_tasks_per_minute=2)
    first = create(stack, idempotency_key="once")
    create(stack)
    assert create(stack, idempotency_key="once").key == first.key
    with pytest.raises(KeyReused):
        create(stack, input=2, idempotency_key="once")
    assert counts(stack) == {"TASKS mbc 1": 2}


def test_two_requests_with_one_key_at_once_make_one_task_and_may_count_twice():
    stack = stack_of(user_tasks_per_minute=9)
    made = []
    put_all = stack.memory.table.put_all

    def first(puts):
        stack.memory.table.put_all = put_all
        made.append(create(stack, idempotency_key="once"))
        return put_all(puts)

    stack.memory.table.put_all = first
    made.append(create(stack, idempotency_key="once"))
    assert made[0].key == made[1].key
    assert counts(stack) == {"TASKS mbc 1": 2}


@pytest.mark.parametrize("bounds", [{"user_tasks_per_minute": 3}, {"tenant_tasks_per_minute": 3}])
def test_one_of_two_gets_the_last_place(bounds):
    """Two requests, one of which does all that it does just before each write of the other."""
    stack = stack_of(**bounds)
    create(stack)
    create(stack)
    update = stack.memory.table.update

    def second(written):
        stack.memory.table.update = update
        create(stack)
        return update(written)

    stack.memory.table.update = second
    refused(stack)
    tasks = [item for item in stack.memory.table.items.values() if item["kind"] == "TASK"]
    assert (len(tasks), list(counts(stack).values())) == (3, [3])


def of_upload(stack, ref):
    return stack.service.create_step_function_task("mbc", "cat", input_ref=ref, caller=ALICE)


def test_what_cannot_be_created_is_not_counted_but_an_upload_that_is_no_input_is(monkeypatch):
    stack = stack_of(user_tasks_per_minute=2)
    for data in (float("nan"), {1}):
        with pytest.raises(InvalidInput):
            create(stack, input=data)
    assert counts(stack) == {}
    missing, large = (stack.service.create_upload("mbc") for _ in range(2))
    stack.upload(large, b"1\n2\n")
    monkeypatch.setattr(uploads, "UPLOAD_LIMIT", 3)
    for upload in (missing, large):
        with pytest.raises(InvalidInput):
            of_upload(stack, upload.input_ref)
    assert counts(stack) == {"TASKS mbc 1": 2}
    with pytest.raises(BoundReached):  # before the bucket is asked
        of_upload(stack, missing.input_ref)


def test_a_retry_counts_as_a_new_task_for_who_asks_for_it():
    stack = stack_of(user_tasks_per_minute=2)
    key = create(stack).key
    with pytest.raises(TransitionRefused):
        stack.service.retry_task(key, "alice")
    stack.service.cancel_task(key, "alice")
    stack.service.retry_task(key, "alice")
    stack.service.cancel_task(key, "alice")
    with pytest.raises(BoundReached):
        stack.service.retry_task(key, "alice")
    assert stack.task(key).status is TaskStatus.CANCELLED
    assert stack.service.retry_task(key, "carol").run == 2


def test_a_retry_that_lost_a_race_counts_once():
    stack = stack_of(tenant_tasks_per_minute=9)
    key = create(stack).key
    stack.service.cancel_task(key)
    update_task = stack.memory.table.update_task

    def second(update, before):
        stack.memory.table.update_task = update_task
        task = stack.memory.table.items[key.pk, key.sk]
        stack.memory.table.items[key.pk, key.sk] = {**task, "version": task["version"] + 1}
        return update_task(update, before)

    stack.memory.table.update_task = second
    stack.service.retry_task(key)
    assert counts(stack) == {"TASKS mbc 0": 2}


def test_uploads_have_bounds_of_their_own():
    stack = stack_of(user_uploads_per_hour=1, tenant_uploads_per_hour=2)
    stack.service.create_upload("mbc", caller=ALICE)
    with pytest.raises(BoundReached, match=r"UserUploadsPerHour.*try again in 3570 s"):
        stack.service.create_upload("mbc", caller=ALICE)
    stack.service.create_upload("mbc", "csv", BOB)
    with pytest.raises(BoundReached, match="TenantUploadsPerHour"):
        stack.service.create_upload("mbc")
    create(stack)
    stack.clock.advance(3570)
    stack.service.create_upload("mbc", caller=ALICE)


def test_the_relay_is_not_woken():
    stack = stack_of(user_tasks_per_minute=1, user_uploads_per_hour=1)
    stack.service.create_upload("mbc", caller=ALICE)
    assert (len(counts(stack)), stack.memory.table.stream) == (1, [])
