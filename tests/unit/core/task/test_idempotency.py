"""Idempotency keys: the same request is the same, every other one is another."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import Put, absent_or_at_most
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.idempotency import Intent, remembered
from serverless_tasks.core.task.keys import TaskKey

from tests.support.examples import AT, NOW, a_task

INTENT = Intent("mbc", "ann", "TASK", "key 1", ("cat", None, '{"a":1}'))
OLD_FINGERPRINT = hashlib.sha256(b'["cat", null, "{\\"a\\":1}"]').hexdigest()
"""As the code of before made it, of the text."""
DAY = timedelta(hours=24)
MILLISECOND = timedelta(milliseconds=1)


def test_key_of_the_item_is_the_tenant_and_a_hash():
    key = INTENT.item_key
    assert key.pk == "IDEMPOTENCY#mbc"
    assert len(key.sk) == 64
    assert set(key.sk) <= set("0123456789abcdef")
    assert INTENT.item_key == replace(INTENT).item_key


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant_code": "abc"},
        {"user": "bob"},
        {"route": "SFN_TASK"},
        {"key": "key 2"},
        {"user": "an", "route": "nTASK"},
        {"route": "TASKkey", "key": " 1"},
    ],
)
def test_another_tenant_user_route_or_key_is_another_intent(changes):
    assert replace(INTENT, **changes).item_key != INTENT.item_key


def test_content_changes_the_fingerprint_and_not_the_key():
    other = replace(INTENT, content=("cat", None, '{"a":2}'))
    assert other.item_key == INTENT.item_key
    assert other.fingerprint != INTENT.fingerprint == replace(INTENT, content=["cat", None, '{"a":1}']).fingerprint


@pytest.mark.parametrize("content", [("cat", "None", '{"a":1}'), ("catNone", '{"a":1}'), ("cat", "", '{"a":1}')])
def test_every_part_of_the_content_counts(content):
    assert replace(INTENT, content=content).fingerprint != INTENT.fingerprint


def of(text):
    return replace(INTENT, content=("cat", None, text))


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ('{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'),
        ("[2,20,0,-1]", "[2.0,2e1,-0.0,-10e-1]"),
        ("100000000000000000000000", "1e+23"),
        ('"\u00e4"', '"\\u00e4"'),
    ],
)
def test_same_meaning_is_the_same_content(one, same):
    assert of(one).fingerprint == of(same).fingerprint
    assert of(one).is_of(of(same).remember(a_task(), NOW, 0).item)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740993", "9007199254740992"),
        ("100000000000000000000001", "1e+23"),
        ("0.1", "0.2"),
        ("2", '"2"'),
        ("1", "true"),
        ("0", "null"),
        ("[1,2]", "[2,1]"),
        ('{"a":1}', '[["a",1]]'),
        ("1e+308", "1.0000000000000002e+308"),
    ],
)
def test_another_meaning_is_another_content(one, other):
    assert not of(one).is_of(of(other).remember(a_task(), NOW, 0).item)


def test_an_item_of_older_code_is_compared_by_the_text():
    old = {name: value for name, value in stored().items() if name != "fingerprintV2"}
    assert INTENT.is_of(old)
    assert not of('{"a":2}').is_of(old)
    assert not of('{"a":1.0}').is_of(old)


@pytest.mark.parametrize("key", ["k", " ", "~", "x" * 255, "a-b_c/d#e"])
def test_printable_ascii_is_a_key(key):
    assert replace(INTENT, key=key).key == key


@pytest.mark.parametrize("key", ["", "x" * 256, "a\n", "\t", "\x7f", "\x1f", "\u00e4", "\u732b"])
def test_any_other_key_is_refused_naming_the_header(key):
    with pytest.raises(InvalidInput, match=r"^Idempotency-Key: must be 1 to 255 printable ASCII characters$"):
        replace(INTENT, key=key)


def test_item_stands_for_the_task_for_24_hours_and_is_written_unless_one_is_valid():
    task, key = a_task(), INTENT.item_key
    assert INTENT.remember(task, NOW, 1_800_000_000) == Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "kind": "IDEMPOTENCY",
            "change": "data",
            "taskPk": task.pk,
            "taskSk": task.sk,
            "fingerprint": OLD_FINGERPRINT,
            "fingerprintV2": INTENT.fingerprint,
            "validUntil": "2026-11-23T09:39:36.123Z",
            "expiresAt": 1_800_000_000,
        },
        conditions=(absent_or_at_most("validUntil", AT),),
    )


def stored():
    return decode_item(encode_item(INTENT.remember(a_task(), NOW, 1_800_000_000).item))


@pytest.mark.parametrize("passed", [timedelta(), DAY - MILLISECOND])
def test_valid_item_gives_the_task(passed):
    assert remembered(stored(), NOW + passed) == a_task().key
    assert isinstance(remembered(stored(), NOW), TaskKey)


@pytest.mark.parametrize("passed", [DAY, DAY + MILLISECOND])
def test_item_that_is_over_gives_nothing_and_may_be_overwritten(passed):
    assert remembered(stored(), NOW + passed) is None
    [condition] = INTENT.remember(a_task(), NOW + passed, 0).conditions
    assert stored()["validUntil"] <= condition.value


@pytest.mark.parametrize("item", [None, {}, {"kind": "CHUNK"}, a_task().to_item()])
def test_no_item_and_an_item_of_another_kind_give_nothing(item):
    assert remembered(item, NOW) is None
