"""The gate refuses the DynamoDB requests that the service refuses, and nothing else."""

from typing import Any

import pytest

from tests.support.expressions import Refused, check_request

KEY = {"pk": {"S": "TASK#mbc"}, "sk": {"S": "cat#1"}}


def update(expression: str, names: dict[str, str] | None = None, values: dict[str, Any] | None = None) -> None:
    given = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    check_request(
        "UpdateItem",
        {"Key": KEY, "UpdateExpression": expression} | {name: value for name, value in given.items() if value},
    )


def condition(expression: str, values: dict[str, Any] | None = None) -> None:
    given = {"ExpressionAttributeValues": values} if values else {}
    check_request("PutItem", {"Item": KEY, "ConditionExpression": expression, **given})


N = {"N": "1"}
SET = {"NS": ["1"]}
MAP = {"M": {}}


@pytest.mark.parametrize(
    ("expression", "names", "values"),
    [
        ("SET #a = :v", {"#a": "status"}, {":v": N}),
        ("set a = :v, #b.c = #b.c + :v", {"#b": "attributes"}, {":v": N}),
        ("SET a.b = :v, a.c = :v REMOVE a.d ADD e :s DELETE f :s", None, {":v": MAP, ":s": SET}),
        ("SET a = if_not_exists(a, :v) + :v, l = list_append(l, :l)", None, {":v": N, ":l": {"L": []}}),
        ("SET a[0] = :v, a[1] = :v", None, {":v": N}),
        ("REMOVE a", None, None),
        ("ADD a :v, b :s", None, {":v": N, ":s": SET}),
    ],
)
def test_correct_update_passes(expression, names, values):
    update(expression, names, values)


@pytest.mark.parametrize(
    ("expression", "names", "values", "problem"),
    [
        ("", None, None, "has 0 characters"),
        ("   ", None, None, "syntax error"),
        ("SET", None, None, "syntax error"),
        ("SET a = :v,", None, {":v": N}, "syntax error"),
        ("SET a = :v b = :v", None, {":v": N}, "syntax error"),
        ("SET a = :v!", None, {":v": N}, "syntax error"),
        ("SET a = :v SET b = :v", None, {":v": N}, "syntax error"),
        ("SET a = :v, a = :v", None, {":v": N}, "overlap"),
        ("SET a = :v REMOVE a", None, {":v": N}, "overlap"),
        ("SET a = :v REMOVE a.b", None, {":v": N}, "overlap"),
        ("SET a.b = :v ADD a :v", None, {":v": N}, "overlap"),
        ("SET a.b = :v, #x.c.d = :v, #x.c = :v", {"#x": "a"}, {":v": N}, "overlap"),
        ("REMOVE a[1], a[1]", None, None, "overlap"),
        ("ADD a.b :v", None, {":v": N}, "top-level"),
        ("DELETE a.b :s", None, {":s": SET}, "top-level"),
        ("ADD a :v", None, {":v": {"S": "1"}}, "number or a set"),
        ("SET a = a + :v", None, {":v": {"S": "1"}}, "only numbers"),
        ("SET a = :w", None, {":v": N}, "no defined value"),
        ("SET #a = :v", None, {":v": N}, "undefined name"),
        ("SET a = :v", {"#b": "b"}, {":v": N}, "unused"),
        ("SET a = :v", None, {":v": N, ":w": N}, "unused"),
        ("SET a = :v", None, {":v": {"NS": []}}, "a set must have elements"),
        ("SET a = :v", None, {":v": {"N": "nan"}}, "no number"),
        ("SET #a-b = :v", {"#a-b": "a"}, {":v": N}, "no placeholder"),
        ("SET status = :v", None, {":v": N}, "reserved word"),
        ("SET pk = :v", None, {":v": N}, "part of the key"),
        ("SET a = if_not_exists(:v, a)", None, {":v": N}, "must be an attribute"),
        ("SET a = if_not_exists(a)", None, None, "takes 2 operands"),
        ("REMOVE " + ", ".join(f"a{n}b" for n in range(999)), None, None, "characters"),
        ("SET " + ", ".join(f"a{n}=:v" for n in range(301)), None, {":v": N}, "more than 300"),
    ],
)
def test_wrong_update_is_refused(expression, names, values, problem):
    with pytest.raises(Refused, match=problem):
        update(expression, names, values)


@pytest.mark.parametrize(
    "expression",
    [
        "attribute_not_exists(pk)",
        "(attribute_not_exists(a) OR a <= :v) AND NOT contains(b, :v)",
        "(a = :v OR b = :v) AND (c = :v OR d = :v)",
        "((a = :v OR b = :v) AND c = :v) OR d = :v",
        "size(a) > :v AND a BETWEEN :v AND b AND c IN (:v, d)",
        "begins_with(a, :v) or attribute_type(a, :v)",
    ],
)
def test_correct_condition_passes(expression):
    condition(expression, {":v": N} if ":v" in expression else None)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a = :v AND", "syntax error"),
        ("a = :v b = :v", "syntax error"),
        ("a", "syntax error"),
        ("(a = :v", "syntax error"),
        ("((a = :v))", "redundant"),
        ("a = a AND b = :v", "distinct"),
        ("contains(a, a) AND b = :v", "distinct"),
        ("contains(:v, a)", "must be an attribute"),
        ("attribute_exists(a, :v)", "takes 1 operands"),
        ("name = :v", "reserved"),
        ("a IN (" + ", ".join(f"b{n}" for n in range(100)) + ", :v)", "more than 100"),
    ],
)
def test_wrong_condition_is_refused(expression, problem):
    with pytest.raises(Refused, match=problem):
        condition(expression, {":v": N})


def test_expression_of_another_operation_is_refused():
    with pytest.raises(Refused, match="takes no"):
        check_request("GetItem", {"Key": KEY, "ConditionExpression": "attribute_exists(pk)"})


@pytest.mark.parametrize("what", ["ExpressionAttributeNames", "ExpressionAttributeValues"])
def test_empty_substitutions_are_refused(what):
    with pytest.raises(Refused, match="must not be empty"):
        check_request("UpdateItem", {"Key": KEY, "UpdateExpression": "REMOVE a", what: {}})


def test_key_condition_is_checked_where_the_layer_queries():
    values = {":pk": {"S": "a"}, ":sk": {"S": "b"}}
    query = {"KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)", "ExpressionAttributeValues": values}
    check_request("Query", {**query, "ProjectionExpression": "pk, sk"})
    with pytest.raises(Refused, match="knows no"):
        check_request("Query", {**query, "KeyConditionExpression": "pk = :pk OR sk = :sk"})
    with pytest.raises(Refused, match="overlap"):
        check_request("Query", {**query, "ProjectionExpression": "pk, pk"})


def test_an_index_gives_no_more_than_it_projects():
    query = {"KeyConditionExpression": "tenantCode = :p", "ExpressionAttributeValues": {":p": {"S": "mbc"}}}
    check_request("Query", {**query, "IndexName": "by_tenant", "ProjectionExpression": "pk, sk, code"})
    with pytest.raises(Refused, match="does not project \\['dueAt'\\]"):
        check_request("Query", {**query, "IndexName": "by_tenant", "ProjectionExpression": "pk, sk, dueAt"})


def test_every_key_and_the_projection_of_a_batch_are_checked():
    batch = {"Keys": [KEY], "ProjectionExpression": "#a, b.c", "ExpressionAttributeNames": {"#a": "status"}}
    check_request("BatchGetItem", {"RequestItems": {"tasks": batch}})
    with pytest.raises(Refused, match="undefined"):
        check_request("BatchGetItem", {"RequestItems": {"tasks": {**batch, "ExpressionAttributeNames": {"#b": "b"}}}})
    with pytest.raises(Refused, match="pk must be"):
        check_request("BatchGetItem", {"RequestItems": {"tasks": {**batch, "Keys": [KEY, {**KEY, "pk": {"S": ""}}]}}})


@pytest.mark.parametrize("kind", ["Put", "Update", "Delete", "ConditionCheck"])
def test_every_request_of_a_transaction_is_checked(kind):
    target = {"Item": KEY} if kind == "Put" else {"Key": KEY}
    action = {"UpdateExpression": "REMOVE a"} if kind == "Update" else {}
    right = {kind: {**target, **action, "ConditionExpression": "attribute_exists(pk)"}}
    wrong = {kind: {**target, **action, "ConditionExpression": "attribute_exists(#pk)"}}
    check_request("TransactWriteItems", {"TransactItems": [right]})
    with pytest.raises(Refused, match="undefined"):
        check_request("TransactWriteItems", {"TransactItems": [right, wrong]})


def test_plain_values_are_checked_as_the_adapter_types_them():
    plain = {"Key": {"pk": "a", "sk": "b"}, "UpdateExpression": "SET a = :v"}
    check_request("UpdateItem", {**plain, "ExpressionAttributeValues": {":v": 1}})
    with pytest.raises(Refused, match="a set must have elements"):
        check_request("UpdateItem", {**plain, "ExpressionAttributeValues": {":v": frozenset()}})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"N": "1e126"}, "out of range"),
        ({"N": "1e-131"}, "out of range"),
        ({"N": "1" * 39}, "more than 38 digits"),
        ({"N": 1.5j}, "no number"),
        ({"N": "Infinity"}, "no number"),
        ({"NS": ["1", "1"]}, "each once"),
        ({"NS": ["a"]}, "no number"),
        ({"NULL": False}, "NULL"),
        ({"S": "\ud800"}, "UTF-8"),
        ({"M": {"": {"S": ""}}}, "empty attribute name"),
        ({"L": [{"L": [{"N": "x"}]}]}, "no number"),
        ({"S": "x" * 410_000}, "item size"),
    ],
)
def test_impossible_value_is_refused(value, problem):
    with pytest.raises(Refused, match=problem):
        check_request("PutItem", {"Item": {**KEY, "a": value}})


def test_values_nest_32_levels_and_no_more():
    value: dict[str, Any] = {"N": "1"}
    for _ in range(31):
        value = {"L": [value]}
    check_request("PutItem", {"Item": {**KEY, "a": value}})
    with pytest.raises(Refused, match="32"):
        check_request("PutItem", {"Item": {**KEY, "a": {"L": [value]}}})


@pytest.mark.parametrize("key", [{"pk": {"S": "x" * 2049}}, {"sk": {"S": "x" * 1025}}, {"sk": {"S": ""}}])
def test_impossible_key_is_refused(key):
    with pytest.raises(Refused, match="must be a text"):
        check_request("DeleteItem", {"Key": KEY | key})


def test_operation_without_expressions_passes():
    check_request("DescribeTable", {"TableName": "tasks"})
