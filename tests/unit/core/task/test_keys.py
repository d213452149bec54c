"""Keys of the table, and what may stand in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.keys import (
    CODE_PATTERN,
    NAME_PATTERN,
    SHARDS,
    TaskKey,
    check_name,
    chunk_sk,
    chunks_pk,
    failed_attention,
    is_code,
    is_name,
    is_title,
    open_attention,
    task_code_of,
    undelivered_attention,
)
from serverless_tasks.core.task.status import TaskKind
from ulid import ULID

from tests.support.examples import CODE

NAMES = st.from_regex(NAME_PATTERN, fullmatch=True)
CODES = st.from_regex(CODE_PATTERN, fullmatch=True)
GOOD_NAMES = ["a", "Z", "0", "a_b.c-D9", "x" * 64]
BAD_NAMES = ["", "x" * 65, "_a", ".a", "-a", "a#b", "a b", "a/b", "a\n", "\u00e4", "\u0661", None, 5, b"a", ["a"]]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_name_that_can_stand_in_a_key_is_returned(name):
    assert check_name("taskType", name) == name
    assert is_name(name) is True


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_cannot_is_refused_naming_the_field(name):
    assert is_name(name) is False
    with pytest.raises(InvalidInput, match=r"^taskType: must be 1 to 64") as caught:
        check_name("taskType", name)
    assert caught.value.field == "taskType"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (CODE, True),
        (CODE[:-1], False),
        (CODE + "A", False),
        (CODE + "\n", False),
        (CODE.lower(), False),
        *((CODE[:-1] + letter, False) for letter in "ILOU#"),
        *((CODE[:-1] + letter, True) for letter in "09AHJKMNPTVZ"),
        (None, False),
        (26, False),
    ],
)
def test_code_is_a_ulid(code, expected):
    assert is_code(code) is expected


def test_codes_of_the_library_are_codes():
    assert is_code(str(ULID()))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Feed the cats", True),
        ("x", True),
        ("x" * 256, True),
        ("\u732b\u3000\u98df\u4e8b", True),
        ("\U0001f469\u200d\U0001f4bb", True),
        ("", False),
        ("x" * 257, False),
        ("a\nb", False),
        ("a\n", False),
        ("a\tb", False),
        ("\x00", False),
        ("\x1f", False),
        ("\x7f", False),
        ("\x85", False),
        ("\x9f", False),
        ("\xa0", True),
        ("\u2028", False),
        ("\u2029", False),
        ("\ud83d", False),
        ("a\udfff", False),
        (None, False),
        (7, False),
    ],
)
def test_title_is_text_on_one_line(title, expected):
    assert is_title(title) is expected


@given(st.sampled_from(TaskKind), NAMES, NAMES, CODES)
def test_parts_of_a_key_come_back(kind, tenant, task_type, code):
    key = TaskKey.of(kind, tenant, task_type, code)
    assert (key.pk, key.sk) == (f"{kind}#{tenant}", f"{task_type}#{code}")
    assert (key.kind, key.tenant_code, key.task_type, key.code, key.index) == (kind, tenant, task_type, code, None)
    assert key.parent == key
    assert str(key) == f"{kind}#{tenant}#{task_type}#{code}"


@given(NAMES, NAMES, CODES, st.integers(0, 10**7))
def test_parts_of_a_sub_tasks_key_come_back(tenant, task_type, code, index):
    parent = TaskKey.of(TaskKind.SFN_TASK, tenant, task_type, code)
    key = parent.sub_task(index)
    assert (key.pk, key.sk) == (parent.pk, f"{parent.sk}#{index}")
    assert (key.index, key.parent) == (index, parent)
    assert (key.kind, key.tenant_code, key.task_type, key.code) == (TaskKind.SFN_TASK, tenant, task_type, code)


def test_key_of_something_else_has_no_kind():
    with pytest.raises(ValueError, match="SUB_TASK"):
        _ = TaskKey("SUB_TASK#mbc#01", "000000").kind


@pytest.mark.parametrize(
    ("pk", "sk", "code"),
    [
        ("TASK#mbc", f"cat#{CODE}", CODE),
        ("SFN_TASK#mbc", f"cat#{CODE}", CODE),
        (f"SUB_TASK#mbc#{CODE}", "000007", CODE),
        ("IDEMPOTENCY#mbc", "abc", None),
        ("TASKS#mbc", f"cat#{CODE}", None),
        ("", "", None),
    ],
)
def test_every_item_of_a_task_leads_to_its_code(pk, sk, code):
    assert task_code_of(pk, sk) == code


def test_chunks_stand_under_their_parents_code():
    assert chunks_pk("mbc", CODE) == f"SUB_TASK#mbc#{CODE}"


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_chunk_keys_have_six_digits_and_sort_as_numbers(one, other):
    assert len(chunk_sk(one)) == 6
    assert int(chunk_sk(one)) == one
    assert (chunk_sk(one) < chunk_sk(other)) is (one < other)


def test_open_tasks_spread_over_all_shards_and_stay_where_they_are():
    shards = {open_attention(f"{number:026d}") for number in range(200)}
    assert shards == {f"OPEN#{number}" for number in range(8)}
    assert SHARDS == 8
    assert open_attention(CODE) == open_attention(CODE) == "OPEN#6"
    assert {undelivered_attention(f"{number:026d}") for number in range(200)} == {
        f"UNTOLD#{number}" for number in range(8)
    }


def test_failed_tasks_stand_under_their_tenant():
    assert failed_attention("mbc") == "FAILED#mbc"
