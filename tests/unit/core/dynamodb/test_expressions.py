"""Updates and puts as DynamoDB gets them."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import (
    TEMPLATES,
    Clause,
    Put,
    Update,
    absent,
    absent_or_at_most,
    equals,
    exists,
    lacks,
    read,
)
from serverless_tasks.core.task.status import TaskStatus

from tests.support.expressions import check_request

NAMES = st.sampled_from([f"{letter}{number}" for letter in "abcd" for number in range(5)])
VALUES = st.integers(-(10**38) + 1, 10**38 - 1) | st.text() | st.booleans() | st.none()
CLAUSES = [equals("a", 1), exists("b"), absent("c"), absent_or_at_most("d", "x"), lacks("e", 2)]


def test_update_renders_all_its_parts():
    update = Update(
        "p",
        "s",
        conditions=(equals("status", "CREATED"), equals("run", 0)),
        set={"status": "QUEUED", "attributes.error": None},
        increment={"attributes.count": 2},
        count={"attempt": 1},
        add_to_set={"doneChunks": frozenset({3})},
        remove=("leaseUntil", "attributes.result"),
    )
    assert update.render() == {
        "Key": {"pk": "p", "sk": "s"},
        "UpdateExpression": (
            "SET #status = :v0, #attributes.#error = :v1, #attributes.#count = #attributes.#count + :v2 "
            "REMOVE #leaseUntil, #attributes.#result ADD #attempt :v3, #doneChunks :v4"
        ),
        "ConditionExpression": "#status = :v5 AND #run = :v6",
        "ExpressionAttributeNames": {
            "#status": "status",
            "#attributes": "attributes",
            "#error": "error",
            "#count": "count",
            "#leaseUntil": "leaseUntil",
            "#result": "result",
            "#attempt": "attempt",
            "#doneChunks": "doneChunks",
            "#run": "run",
        },
        "ExpressionAttributeValues": {
            ":v0": "QUEUED",
            ":v1": None,
            ":v2": 2,
            ":v3": 1,
            ":v4": frozenset({3}),
            ":v5": "CREATED",
            ":v6": 0,
        },
    }
    check_request("UpdateItem", update.render())


@pytest.mark.parametrize(
    ("part", "expression"),
    [
        ({"set": {"a": 1}}, "SET #a = :v0"),
        ({"set_once": {"a": 1}}, "SET #a = if_not_exists(#a, :v0)"),
        ({"increment": {"a": 1}}, "SET #a = #a + :v0"),
        ({"count": {"a": 1}}, "ADD #a :v0"),
        ({"add_to_set": {"a": frozenset({1})}}, "ADD #a :v0"),
        ({"remove": ("a",)}, "REMOVE #a"),
    ],
)
def test_part_that_is_empty_is_left_out(part, expression):
    rendered = Update("p", "s", conditions=(exists("pk"),), **part).render()
    assert rendered["UpdateExpression"] == expression
    check_request("UpdateItem", rendered)


@pytest.mark.parametrize(
    ("clause", "condition", "values"),
    [
        (equals("run", 0), "#run = :v0", {":v0": 0}),
        (exists("pk"), "attribute_exists(#pk)", None),
        (absent("finishedAt"), "attribute_not_exists(#finishedAt)", None),
        (absent_or_at_most("a.b", 5), "(attribute_not_exists(#a.#b) OR #a.#b <= :v0)", {":v0": 5}),
        (lacks("doneChunks", 3), "NOT contains(#doneChunks, :v0)", {":v0": 3}),
    ],
)
def test_clause_renders_as_its_operator(clause, condition, values):
    rendered = Put({"pk": "p", "sk": "s"}, conditions=(clause,)).render()
    assert rendered["ConditionExpression"] == condition
    assert rendered.get("ExpressionAttributeValues") == values
    assert rendered["ExpressionAttributeNames"] == {f"#{name}": name for name in clause.path.split(".")}
    check_request("PutItem", rendered)


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        (equals("run", 0), "run equals 0"),
        (exists("pk"), "pk exists"),
        (absent("a"), "a absent"),
        (absent_or_at_most("a", 5), "a absent or at most 5"),
        (lacks("a", 3), "a lacks 3"),
    ],
)
def test_clause_can_be_read(clause, said):
    assert str(clause) == said


def test_every_operator_is_tested_here():
    assert {clause.operator for clause in CLAUSES} == set(TEMPLATES)


def test_put_is_of_an_item_that_must_not_be_there():
    assert Put({"pk": "p", "sk": "s"}).render() == {
        "Item": {"pk": "p", "sk": "s"},
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def test_an_update_is_applied_to_a_copy():
    item = {"pk": "p", "sk": "s", "m": {"x": 1, "y": 2}, "kept": 0, "gone": 0, "n": 1, "numbers": frozenset({1})}
    before = copy.deepcopy(item)
    update = Update(
        "p",
        "s",
        (),
        set={"m.z": 3, "new": "n"},
        set_once={"kept": 1, "once": 1, "m.w": 4},
        increment={"m.x": 10},
        count={"n": 1, "c": 5},
        add_to_set={"numbers": frozenset({2}), "others": frozenset({3})},
        remove=("gone", "m.y"),
    )
    assert update.applied_to(item) == {
        "pk": "p",
        "sk": "s",
        "m": {"x": 11, "z": 3, "w": 4},
        "kept": 0,
        "n": 2,
        "c": 5,
        "new": "n",
        "once": 1,
        "numbers": frozenset({1, 2}),
        "others": frozenset({3}),
    }
    assert item == before


def test_an_update_of_nothing_makes_an_item():
    assert Update("p", "s", (), set={"a": 1}).applied_to({}) == {"pk": "p", "sk": "s", "a": 1}


@given(
    st.dictionaries(NAMES.map("s.{}".format), VALUES),
    st.dictionaries(NAMES.map("o.{}".format), VALUES),
    st.dictionaries(NAMES.map("i.{}".format), st.integers(0, 9)),
    st.dictionaries(NAMES.map("c{}".format), st.integers(0, 9), min_size=1),
    st.dictionaries(NAMES.map("d{}".format), st.frozensets(st.integers(0, 999), min_size=1)),
    st.lists(NAMES.map("r{}".format), unique=True).map(tuple),
    st.lists(st.sampled_from(CLAUSES), min_size=1).map(tuple),
)
def test_whatever_is_said_without_overlap_is_accepted(sets, once, increment, count, add_to_set, remove, conditions):
    update = Update("p", "s", conditions, sets, once, increment, count, add_to_set, remove)
    check_request("UpdateItem", update.render())


ITEM = {"a": 1, "m": {"b": [1, {}], "c": None}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", 1),
        ("m", ITEM["m"]),
        ("m.b", [1, {}]),
        ("m.c", None),
        ("x", None),
        ("m.x", None),
        ("a.b", None),
        ("x.y", None),
    ],
)
def test_value_at_a_path_is_read(path, value):
    assert read(ITEM, path) == value


@pytest.mark.parametrize(
    ("sets", "remove", "expected"),
    [
        ({"a": 1, "m.b": [1, {}]}, ("x", "m.x", "m.c"), True),
        ({}, (), True),
        ({"a": 2}, (), False),
        ({"a": 1, "m.b": []}, (), False),
        ({"a": 1}, ("x", "m.b"), False),
        ({"x": 1}, (), False),
    ],
)
def test_update_is_in_an_item_that_has_all_it_sets_and_nothing_it_removes(sets, remove, expected):
    update = Update("p", "s", conditions=(absent("a"),), set=sets, remove=remove, count={"n": 1})
    assert update.is_in(ITEM) is expected


@pytest.mark.parametrize(("path", "expected"), [("a", True), ("m.b", True), ("m.c", False), ("x", False)])
def test_what_an_update_sets_once_is_there_after_it_whichever_write_set_it(path, expected):
    assert Update("p", "s", conditions=(), set={"a": 1}, set_once={path: "mine"}).is_in(ITEM) is expected


def test_update_is_in_the_item_that_comes_back_from_the_table():
    sets = {"status": TaskStatus.CREATED, "history": [{"status": TaskStatus.CREATED}], "done": frozenset({1}), "p": 0.5}
    update = Update("p", "s", conditions=(), set=sets)
    assert update.is_in(decode_item(encode_item(sets)))


def test_clauses_are_values():
    assert equals("a", 1) == Clause("a", "equals", 1) != equals("a", 2)
