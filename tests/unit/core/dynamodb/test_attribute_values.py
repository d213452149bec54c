"""DynamoDB's typed JSON: there and back, and as boto3 does it where boto3 can."""

from collections import OrderedDict
from decimal import Decimal
from enum import IntEnum

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.dynamodb.attribute_values import decode, decode_item, encode, encode_item
from serverless_tasks.core.task.status import TaskStatus

WHOLE = st.integers(-(10**38) + 1, 10**38 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
SETS = st.frozensets(WHOLE, min_size=1)
SHARED = st.none() | st.booleans() | WHOLE | st.text() | SETS


def within(leaves):
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def sets_sorted(typed):
    match typed:
        case {"NS": numbers}:
            return {"NS": sorted(numbers)}
        case {"L": elements}:
            return {"L": [sets_sorted(element) for element in elements]}
        case {"M": members}:
            return {"M": {name: sets_sorted(member) for name, member in members.items()}}
        case _:
            return typed


class Colour(IntEnum):
    RED = 1


class Loud(float):
    def __repr__(self):
        return f"loud({float(self)})"


@given(within(SHARED | FLOATS))
def test_value_comes_back_as_it_was(value):
    assert decode(encode(value)) == value


@given(within(SHARED))
def test_typed_form_is_the_one_of_boto3(value):
    assert sets_sorted(encode(value)) == sets_sorted(TypeSerializer().serialize(value))


@given(within(SHARED))
def test_plain_form_is_the_one_of_boto3(value):
    typed = TypeSerializer().serialize(value)
    assert decode(typed) == TypeDeserializer().deserialize(typed)


@given(FLOATS)
def test_float_is_the_shortest_number_that_reads_back(number):
    [(kind, text)] = encode(number).items()
    assert kind == "N"
    assert Decimal(text) == Decimal(repr(number))


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("", {"S": ""}),
        (TaskStatus.CREATED, {"S": "CREATED"}),
        (True, {"BOOL": True}),
        (False, {"BOOL": False}),
        (0, {"N": "0"}),
        (-7, {"N": "-7"}),
        (0.5, {"N": "0.5"}),
        (Colour.RED, {"N": "1"}),
        (Loud(0.5), {"N": "0.5"}),
        (None, {"NULL": True}),
        ([], {"L": []}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        ({}, {"M": {}}),
        (OrderedDict(a=1), {"M": {"a": {"N": "1"}}}),
        ({3}, {"NS": ["3"]}),
        (frozenset({10, 9}), {"NS": ["10", "9"]}),
    ],
)
def test_each_type_has_its_letter(value, typed):
    assert encode(value) == typed
    assert encode_item({"x": value, "y": "z"}) == {"x": typed, "y": {"S": "z"}}


def test_enum_becomes_a_plain_string():
    assert type(encode(TaskStatus.CREATED)["S"]) is str


@pytest.mark.parametrize("value", [b"x", object(), Decimal(1), 1j])
def test_other_types_are_refused_by_name(value):
    with pytest.raises(TypeError, match=f"no DynamoDB type for {type(value).__name__}"):
        encode(value)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ({"S": "a"}, "a"),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"N": "12"}, 12),
        ({"N": "-0.25"}, -0.25),
        ({"N": "1E+3"}, 1000.0),
        ({"L": [{"N": "1"}, {"L": []}]}, [1, []]),
        ({"M": {"a": {"M": {}}}}, {"a": {}}),
        ({"NS": ["1", "2.5"]}, {1, 2.5}),
    ],
)
def test_each_letter_has_its_type(typed, value):
    decoded = decode(typed)
    assert decoded == value
    assert isinstance(decoded, frozenset if "NS" in typed else type(value))
    assert decode_item({"x": typed, "y": {"S": "z"}}) == {"x": value, "y": "z"}


@pytest.mark.parametrize("typed", [{"B": b"x"}, {"SS": ["a"]}, {"BS": [b"a"]}, {"X": 1}])
def test_letters_that_our_items_never_hold_are_refused(typed):
    with pytest.raises(ValueError, match=f"unexpected DynamoDB type {next(iter(typed))}"):
        decode(typed)


@pytest.mark.parametrize("typed", [{}, {"S": "a", "N": "1"}])
def test_what_has_not_one_type_is_refused(typed):
    with pytest.raises(ValueError, match="unpack"):
        decode(typed)
