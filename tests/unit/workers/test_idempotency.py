"""Idempotency keys: the same request sent twice, or at once, makes one task."""

import pytest
from serverless_tasks import Caller, InvalidInput, KeyReused, LostRace, TaskEntity
from serverless_tasks.testing import MemoryStack

ALICE = Caller("alice", request_id="1")


def create(stack: MemoryStack, value: object = 1, key: str = "key", **more: object) -> TaskEntity:
    arguments = {"tenant_code": "mbc", "task_type": "cat", "caller": ALICE, **more}
    return stack.service.create_task(input=value, idempotency_key=key, **arguments)


def tasks(stack: MemoryStack) -> int:
    return sum(1 for item in stack.memory.table.items.values() if item["kind"] in ("TASK", "SFN_TASK"))


def test_the_same_request_makes_the_same_task(stack):
    first = create(stack)
    again = create(stack, caller=Caller("alice", request_id="2"))

    assert again == first
    assert again.request_id == "1"  # which tells the API that it made nothing
    assert tasks(stack) == 1


def test_a_repeat_returns_the_task_as_it_is_now(stack):
    first = create(stack)
    stack.service.cancel_task(first.key)

    assert create(stack).status == "CANCELLED"


@pytest.mark.parametrize("more", [{"value": 2}, {"name": "other"}, {"task_type": "dog"}])
def test_another_content_under_the_same_key_is_refused(stack, more):
    create(stack)

    with pytest.raises(KeyReused, match="use a new key"):
        create(stack, **more)
    assert tasks(stack) == 1


@pytest.mark.parametrize("more", [{"caller": Caller("bob")}, {"tenant_code": "acme"}, {"key": "other"}])
def test_another_user_tenant_or_key_makes_another_task(stack, more):
    create(stack)
    create(stack, **more)

    assert tasks(stack) == 2


def test_the_two_routes_do_not_share_keys(stack):
    create(stack, value=[1])
    stack.service.create_step_function_task("mbc", "cat", [1], caller=ALICE, idempotency_key="key")

    assert tasks(stack) == 2


def test_a_key_is_valid_for_a_day(stack):
    create(stack)
    stack.clock.advance(86_399)
    create(stack)
    assert tasks(stack) == 1

    stack.clock.advance(1)
    create(stack, value="another content")
    assert tasks(stack) == 2


def test_requests_at_once_make_one_task(stack, monkeypatch):
    put_all, others = stack.memory.table.put_all, []

    def other_first(puts):
        if not others:
            others.append(None)
            others.append(create(stack))
        return put_all(puts)

    monkeypatch.setattr(stack.memory.table, "put_all", other_first)

    assert create(stack) == others[1]
    assert tasks(stack) == 1


def test_a_creation_that_always_meets_another_says_so(stack, monkeypatch):
    def lose(puts):
        raise LostRace("always")

    monkeypatch.setattr(stack.memory.table, "put_all", lose)
    with pytest.raises(LostRace, match="ask again"):
        create(stack)


@pytest.mark.parametrize("key", ["", "k" * 256, "ü", "a\nb"])
def test_a_bad_key_is_refused(stack, key):
    with pytest.raises(InvalidInput, match="Idempotency-Key: must be 1 to 255 printable ASCII characters"):
        create(stack, key=key)
    assert tasks(stack) == 0


def test_the_item_is_what_the_design_says(stack):
    task = create(stack)

    [item] = [item for item in stack.memory.table.items.values() if item["kind"] == "IDEMPOTENCY"]
    assert (item["pk"], len(item["sk"])) == ("IDEMPOTENCY#mbc", 64)
    assert (item["taskPk"], item["taskSk"], item["validUntil"]) == (task.pk, task.sk, "2026-01-02T00:00:00.000Z")
