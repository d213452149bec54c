"""Payloads as JSON text: what is accepted comes back as it was, the rest is refused naming the field."""

import json
import math
import sys
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput, InvalidResult, PermanentError
from serverless_tasks.core.inputs.json_text import (
    CHECKPOINT_LIMIT,
    INLINE_LIMIT,
    MAX_DEPTH,
    depth,
    escaped_size,
    fits_inline,
    from_json_text,
    result_text,
    size,
    to_json_text,
)
from serverless_tasks.core.task.status import TaskStatus

ONE_SURROGATE = st.sampled_from(["\ud800", "a\udfff", "\ude00!"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**50), 10**50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | ONE_SURROGATE
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def nested(levels, inside=0):
    value = inside
    for _ in range(levels):
        value = [value]
    return value


def circle():
    value = []
    value.append(value)
    return value


class Colour(IntEnum):
    RED = 1


@given(VALUES)
def test_value_comes_back_as_it_was(value):
    text = to_json_text(value, "input")
    text.encode()
    assert from_json_text(text) == value
    assert from_json_text(text.encode()) == value
    assert json.loads(text) == value


@given(VALUES)
def test_text_stands_on_one_line(value):
    assert "\n" not in to_json_text(value, "input")
    assert "\r" not in to_json_text(value, "input")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True], "b": {}}, '{"a":[1,null,true],"b":{}}'),
        ("\u732b\u2028\u0085", '"\u732b\u2028\x85"'),
        ("a\n\"b\\'", '"a\\n\\"b\\\\\'"'),
        ("\ud800\u732b", '"\\ud800\\u732b"'),
        ({"\udfff": 1}, '{"\\udfff":1}'),
        ((1, (2,)), "[1,[2]]"),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
        (TaskStatus.CREATED, '"CREATED"'),
        (Colour.RED, "1"),
        ({True: 1, None: 2, 3: 4}, '{"true":1,"null":2,"3":4}'),
        (1e308, "1e+308"),
        ("", '""'),
    ],
)
def test_text_is_compact_and_unescaped_where_that_is_utf8(value, text):
    assert to_json_text(value, "input") == text


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        [{"a": 1e400}],
        {math.nan: 1},
        {math.inf: 1},
        {1, 2},
        frozenset(),
        b"x",
        bytearray(b"x"),
        Decimal(1),
        datetime(2026, 1, 1, tzinfo=UTC),
        object(),
        {(1, 2): 3},
        {b"x": 1},
        range(3),
        pytest.param(10**4300, id="4301 digits"),
        circle(),
        {"a": circle()},
    ],
)
def test_what_is_no_json_is_refused_naming_the_field(value):
    with pytest.raises(InvalidInput, match=r"^state: is not JSON: ") as caught:
        to_json_text(value, "state")
    assert caught.value.field == "state"
    with pytest.raises(InvalidResult, match=r"^result: is not JSON: "):
        result_text(value)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({1, 2}, "a value of type set is none of JSON, at result"),
        (
            {"items": [0, {"when": datetime(2026, 1, 1, tzinfo=UTC)}]},
            "a value of type datetime is none of JSON, at result.items[1].when",
        ),
        ([{"a b": (1, Decimal("1"))}], 'a value of type Decimal is none of JSON, at result[0]["a b"][1]'),
        ({"a": [math.nan]}, "nan is not a JSON value, at result.a[0]"),
        ({"a": {(1, 2): 3}}, "a key of type tuple is none of JSON, at result.a"),
        ({1: "a", "1": "b"}, "the keys 1 and '1' are the same in JSON, at result"),
        ([{"a": {None: 1, "null": 2}}], "the keys None and 'null' are the same in JSON, at result[0].a"),
        ({True: 1, "true": 2}, "the keys True and 'true' are the same in JSON, at result"),
        ({1.5: 1, "1.5": 2}, "the keys 1.5 and '1.5' are the same in JSON, at result"),
        ({"x" * 300: {1}}, f"a value of type set is none of JSON, at result.{'x' * 193}"),
        ({10**4300: {1}}, "a value of type set is none of JSON, at result"),
    ],
)
def test_what_is_no_json_in_a_result_is_named_by_its_place(value, wrong):
    with pytest.raises(InvalidResult) as caught:
        result_text(value)
    assert str(caught.value).startswith(f"result: is not JSON: {wrong}")


@pytest.mark.parametrize(
    "value", [{1: "a", 2: "b"}, {None: 1, "none": 2}, [{"a": {1.5: 1, "1": 2}}], {True: 1, "1": 2}]
)
def test_keys_that_are_no_text_become_one_where_they_stay_apart(value):
    assert result_text(value) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "-Infinity",
        "[Infinity]",
        "1e400",
        "-1e400",
        "1" * 4301,
        "-" + "1" * 4301,
        '"\n"',
        "1 2",
        b"\xff",
        b'"\xff"',
    ],
)
def test_text_that_is_no_json_is_refused_naming_the_field(text):
    with pytest.raises(InvalidInput, match=r"^input: is not JSON: ") as caught:
        from_json_text(text, "input")
    assert caught.value.field == "input"
    assert len(str(caught.value)) < 200


def test_field_of_unreadable_text_is_the_payload_where_nothing_else_is_said():
    with pytest.raises(InvalidInput, match=r"^payload: "):
        from_json_text("{")


@pytest.mark.parametrize(
    "number", [10**4300 - 1, -(10**4300) + 1, 0, -1], ids=["longest", "longest negative", "zero", "minus one"]
)
def test_whole_number_of_4300_digits_comes_back(number):
    assert from_json_text(to_json_text(number, "input")) == number


@pytest.fixture
def no_limit_of_digits():
    """As an environment variable of Python may have it: https://docs.python.org/3/library/stdtypes.html."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("no_limit_of_digits")
def test_digits_are_limited_also_where_python_does_not():
    assert from_json_text("1" * 4300) == int("1" * 4300)
    assert from_json_text("-" + "1" * 4300) == -int("1" * 4300)
    with pytest.raises(InvalidInput, match="has more than 4300 digits"):
        from_json_text("1" * 4301)


@pytest.mark.parametrize("levels", [1, 99, 100])
@pytest.mark.parametrize("inside", [0, "[[[[", {}])
def test_hundred_levels_are_accepted(levels, inside):
    value = nested(levels - (inside == {}), inside)
    assert from_json_text(to_json_text(value, "input")) == value
    assert from_json_text(result_text(value)) == value


@pytest.mark.parametrize("levels", [101, 102, 1_000, 100_000])
def test_more_levels_are_refused_both_ways(levels):
    value = nested(levels)
    with pytest.raises(InvalidInput, match=r"^input: is nested deeper than 100 levels$"):
        to_json_text(value, "input")
    with pytest.raises(InvalidInput, match=r"^input: is nested deeper than 100 levels$"):
        from_json_text("[" * levels + "]" * levels, "input")
    with pytest.raises(InvalidResult, match="nested deeper"):
        result_text(value)


@pytest.mark.parametrize("wrap", [lambda inner: {"a": inner}, lambda inner: [{"a": inner}], lambda inner: (inner,)])
def test_levels_of_every_kind_count(wrap):
    value, step = {}, depth(wrap(0))
    while depth(value) + step <= 100:
        value = wrap(value)
    assert to_json_text(value, "input")
    with pytest.raises(InvalidInput, match="nested deeper than 100 levels"):
        to_json_text(wrap(wrap(value)), "input")


def test_levels_can_be_given():
    text = to_json_text(nested(102), "outcome", 102)
    assert from_json_text(text, "outcome", 102) == nested(102)
    with pytest.raises(InvalidInput, match="101 levels"):
        to_json_text(nested(102), "outcome", 101)
    with pytest.raises(InvalidInput, match="101 levels"):
        from_json_text(text, "outcome", 101)


def test_many_brackets_side_by_side_are_not_deep():
    wide = [[] for _ in range(200)]
    assert from_json_text(to_json_text(wide, "input")) == wide


@pytest.mark.parametrize(
    ("value", "levels"),
    [(1, 0), ("[[", 0), ([], 1), ({}, 1), ([1, [2], 3], 2), ({"a": [{}]}, 3), (([],), 2), ([[], [[[]]], []], 4)],
)
def test_depth_counts_lists_and_objects(value, levels):
    assert depth(value) == levels


def test_depth_of_any_nesting_is_counted_without_recursion():
    assert depth(nested(100_000)) == 100_000


def test_result_that_is_no_json_is_permanent_and_names_the_result():
    assert result_text({"fed": 1}) == '{"fed":1}'
    assert issubclass(InvalidResult, PermanentError)


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("abc", 3), ("\u00e4", 2), ("\u732b", 3), ("\U0001f431", 4)])
def test_size_is_in_bytes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x" * 4096, True), ("x" * 4097, False), ("\u00e4" * 2048, True), ("\u00e4" * 2048 + "x", False)],
)
def test_up_to_4096_bytes_stay_in_the_item(text, expected):
    assert fits_inline(text) is expected
    assert (INLINE_LIMIT, MAX_DEPTH, CHECKPOINT_LIMIT) == (4096, 100, 2**20)


@given(VALUES)
def test_the_escaped_size_is_that_of_ascii(value):
    text = json.dumps(value, ensure_ascii=False)
    assert escaped_size(text) == len(json.dumps(value))
