"""Decides by IAM policies whether a request is allowed. Pure.

Rules: IAM User Guide, "Policy evaluation logic" (within one account) and "IAM JSON policy elements: Condition
operators". No organization, no session policy, no permissions boundary.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

ALWAYS_ALLOWED = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Calls that need no permission, and that no policy can forbid (their API references)."""
CONDITION_KEYS = {
    *("aws:principalaccount", "aws:principalarn", "aws:requestedregion", "aws:resourceaccount", "aws:securetransport"),
    *("dynamodb:leadingkeys", "s3:delimiter", "s3:max-keys", "s3:prefix"),
}
"""Condition keys that :mod:`local.gate.needs` finds in a request. What AWS does not find there is absent there, too."""


@dataclass(frozen=True)
class Request:
    """An action on a resource, as one call may ask for several.

    ``resource``: an ARN; ``*`` for an action that takes none; None where it is not known, so that any will do.
    ``context``: values by condition key in lower case; a key that the request does not have is absent.
    """

    action: str
    resource: str | None
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy document."""

    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Operator, key and values."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Statement":
        """The statement as it stands in a document. Raises ValueError for an operator or a key unknown here."""
        return cls(
            allows=document["Effect"] == "Allow",
            actions=_texts(document.get("Action")),
            not_actions=_texts(document.get("NotAction")),
            resources=_texts(document.get("Resource")),
            not_resources=_texts(document.get("NotResource")),
            conditions=tuple(_conditions(document.get("Condition", {}))),
        )

    def applies(self, request: Request) -> bool:
        """Whether it says something about the request."""
        return (
            _one_of(self.actions, self.not_actions, request.action, ignore_case=True)
            and (request.resource is None or _one_of(self.resources, self.not_resources, request.resource))
            and all(_holds(*condition, request.context) for condition in self.conditions)
        )


def decide(statements: Iterable[Statement], request: Request) -> bool | None:
    """True: allowed. False: a statement denies it. None: no statement allows it, which AWS refuses, too."""
    if request.action in ALWAYS_ALLOWED:
        return True
    verdicts = {statement.allows for statement in statements if statement.applies(request)}
    return None if not verdicts else False not in verdicts


@lru_cache(maxsize=4096)
def matches(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """Whether the value fits a pattern with ``*`` and ``?``."""
    if ignore_case:
        pattern, value = pattern.lower(), value.lower()
    if "*" not in pattern and "?" not in pattern:
        return pattern == value
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _one_of(named: tuple[str, ...], excepted: tuple[str, ...], value: str, ignore_case: bool = False) -> bool:
    if named:
        return any(matches(pattern, value, ignore_case) for pattern in named)
    return not any(matches(pattern, value, ignore_case) for pattern in excepted)


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, expected: compare(float(value), float(expected))


def _like(value: str, expected: str) -> bool:
    return matches(expected, value)


def _same(value: str, expected: str) -> bool:
    return value == expected


def _same_word(value: str, expected: str) -> bool:
    return value.lower() == expected.lower()


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": _same,
    "stringequalsignorecase": _same_word,
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
    "bool": _same_word,
    "numericequals": _number(lambda value, expected: value == expected),
    "numericlessthan": _number(lambda value, expected: value < expected),
    "numericlessthanequals": _number(lambda value, expected: value <= expected),
    "numericgreaterthan": _number(lambda value, expected: value > expected),
    "numericgreaterthanequals": _number(lambda value, expected: value >= expected),
}
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
}


def _holds(operator: str, key: str, expected: tuple[str, ...], context: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a condition holds for the values of its key, or for there being none."""
    values = context.get(key, ())
    quantifier, _, name = operator.rpartition(":")
    name, if_exists = name.removesuffix("ifexists"), name.endswith("ifexists")
    if name == "null":
        return (not values) == (expected[0].lower() == "true")
    if not values:
        return if_exists or quantifier == "forallvalues" or (not quantifier and name in _NEGATED)
    if name in _NEGATED:
        one = _OPERATORS[_NEGATED[name]]
        found = [not any(one(value, each) for each in expected) for value in values]
    else:
        one = _OPERATORS[name]
        found = [any(one(value, each) for each in expected) for value in values]
    return any(found) if quantifier == "foranyvalue" else all(found)


def _conditions(given: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for operator, tests in given.items():
        known = operator.lower().removeprefix("forallvalues:").removeprefix("foranyvalue:").removesuffix("ifexists")
        if known != "null" and known not in _OPERATORS and known not in _NEGATED:
            raise ValueError(f"the condition operator {operator}")
        for key, values in tests.items():
            if key.lower() not in CONDITION_KEYS:
                raise ValueError(f"the condition key {key}")
            yield operator.lower(), key.lower(), tuple(str(value) for value in _list(values))


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None else tuple(_list(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
