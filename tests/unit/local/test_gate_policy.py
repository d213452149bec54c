"""The gate's IAM: what statements say about requests, by the rules of the IAM User Guide."""

import pytest

from local.gate.policy import Request, Statement, decide

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/tasks"


def statement(effect="Allow", action="dynamodb:GetItem", resource=TABLE, **more):
    return Statement.of({"Effect": effect, "Action": action, "Resource": resource, **more})


def request(*keys, action="dynamodb:GetItem", resource=TABLE, **context):
    return Request(action, resource, {"dynamodb:leadingkeys": keys, **context} if keys else context)


def conditional(operator, key, *values):
    return statement(Condition={operator: {key: list(values)}})


def test_what_nothing_allows_is_refused_and_what_is_denied_is_refused_whatever_allows_it():
    assert decide([], request()) is None
    assert decide([statement()], request()) is True
    assert decide([statement(), statement("Deny")], request()) is False
    assert decide([statement("Deny", "sts:*", "*")], request(action="sts:GetCallerIdentity")) is True


@pytest.mark.parametrize(
    ("pattern", "action", "fits"),
    [
        ("dynamodb:GetItem", "dynamodb:GetItem", True),
        ("dynamodb:getitem", "dynamodb:GetItem", True),
        ("dynamodb:*Item", "dynamodb:UpdateItem", True),
        ("dynamodb:?etItem", "dynamodb:GetItem", True),
        ("dynamodb:Get", "dynamodb:GetItem", False),
        ("*", "s3:GetObject", True),
    ],
)
def test_actions_may_have_wildcards_and_any_case(pattern, action, fits):
    assert (decide([statement(action=pattern)], request(action=action)) is True) is fits


@pytest.mark.parametrize(
    ("pattern", "resource", "fits"),
    [
        (f"{TABLE}/index/*", f"{TABLE}/index/by_tenant", True),
        (TABLE, f"{TABLE}/index/by_tenant", False),
        (TABLE.upper(), TABLE, False),
        ("*", TABLE, True),
        ("arn:aws:s3:::bucket/[ab]", "arn:aws:s3:::bucket/a", False),
        (TABLE, "*", False),
        (TABLE, None, True),
    ],
)
def test_resources_may_have_wildcards_and_differ_by_case(pattern, resource, fits):
    assert (decide([statement(resource=pattern)], request(resource=resource)) is True) is fits


def test_what_is_excepted_does_not_apply():
    everything = statement(action="*", resource="*")
    denial = Statement.of({"Effect": "Deny", "NotAction": "dynamodb:GetItem", "NotResource": TABLE})
    assert decide([everything, denial], request()) is True
    assert decide([everything, denial], request(action="dynamodb:Scan")) is True
    assert decide([everything, denial], request(action="dynamodb:Scan", resource=f"{TABLE}2")) is False


@pytest.mark.parametrize(
    ("operator", "values", "keys", "holds"),
    [
        ("ForAllValues:StringLike", ["TASK#*"], ["TASK#a", "TASK#b"], True),
        ("ForAllValues:StringLike", ["TASK#*"], ["TASK#a", "SUB_TASK#b"], False),
        ("ForAllValues:StringLike", ["TASK#*", "SUB_TASK#*"], ["TASK#a", "SUB_TASK#b"], True),
        ("ForAllValues:StringLike", ["TASK#*"], [], True),
        ("ForAnyValue:StringLike", ["TASK#*"], ["TASK#a", "SUB_TASK#b"], True),
        ("ForAnyValue:StringLike", ["TASK#*"], [], False),
        ("ForAllValues:StringNotLike", ["TASK#*"], ["SUB_TASK#b"], True),
        ("ForAllValues:StringNotLike", ["TASK#*"], ["TASK#a", "SUB_TASK#b"], False),
        ("StringEquals", ["a"], ["a"], True),
        ("StringEquals", ["a"], [], False),
        ("StringEqualsIfExists", ["a"], [], True),
        ("StringEqualsIfExists", ["a"], ["b"], False),
        ("StringNotEquals", ["a"], [], True),
        ("StringEqualsIgnoreCase", ["A"], ["a"], True),
        ("Null", ["true"], [], True),
        ("Null", ["true"], ["a"], False),
    ],
)
def test_conditions(operator, values, keys, holds):
    found = decide([conditional(operator, "dynamodb:LeadingKeys", *values)], request(*keys))
    assert (found is True) is holds


@pytest.mark.parametrize(
    ("operator", "key", "value", "given", "holds"),
    [
        ("Bool", "aws:SecureTransport", "false", "true", False),
        ("Bool", "aws:SecureTransport", "true", "true", True),
        ("NumericLessThanEquals", "s3:max-keys", "10", "10", True),
        ("NumericGreaterThan", "s3:max-keys", "10", "10", False),
        ("NumericNotEquals", "s3:max-keys", "10", "10", False),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
    ],
)
def test_conditions_on_other_keys(operator, key, value, given, holds):
    found = decide([conditional(operator, key, value)], request(**{key.lower(): (given,)}))
    assert (found is True) is holds


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, "the condition operator DateLessThan"),
        ({"StringEquals": {"aws:SourceIp": "1.2.3.4"}}, "the condition key aws:SourceIp"),
    ],
)
def test_a_condition_that_is_not_understood_is_never_guessed(condition, problem):
    with pytest.raises(ValueError, match=problem):
        statement(Condition=condition)
