"""What each role may do once SAM has transformed ``template.yaml``, in names of the template.

A resource is called as in the template (``TasksTable``, ``TasksTable/index/by_tenant``, ``PayloadBucket/payloads/*``),
so that what moto, the local cloud and the template say can be compared.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.gate.table import MANAGED, of_aws
from local.template import Resolver
from tests.support.clients import nobodys_account
from tools.yours import product

_PSEUDO = {
    "AWS::AccountId": "account",
    "AWS::Partition": "aws",
    "AWS::Region": "region",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_MACHINE = "arn:aws:states:region:account:{}:stack-fan-out"
_SHORTER = {_MACHINE.format("stateMachine"): "FanOutStateMachine", _MACHINE.format("execution"): "executions"}
_OPERATORS = {
    ("ForAllValues:StringLike", "dynamodb:LeadingKeys"): "",
    ("ForAllValues:StringNotLike", "dynamodb:LeadingKeys"): "!",
    ("StringLike", "s3:prefix"): "",
}
"""Conditions that are understood, by operator and key, with the mark of their patterns."""
_PATHS = {"CodeUri", "ContentUri", "DefinitionUri"}


@dataclass(frozen=True, order=True)
class Grant:
    """An action that a role may do to a resource.

    ``keys``: patterns of the DynamoDB partitions, or of the bucket's prefixes, in which it may, or, where they begin
    with ``!``, may not.
    """

    action: str
    resource: str
    keys: tuple[str, ...] = ()

    def covers(self, need: "Need") -> bool:
        """Whether it allows this."""
        return self.action == need.action and fnmatchcase(need.resource, self.resource) and self._open(need.keys)

    def _open(self, keys: Iterable[str]) -> bool:
        allowed = [pattern for pattern in self.keys if pattern[0] != "!"]
        closed = [pattern[1:] for pattern in self.keys if pattern[0] == "!"]
        return all(
            (not allowed or any(fnmatchcase(key, pattern) for pattern in allowed))
            and not any(fnmatchcase(key, pattern) for pattern in closed)
            for key in keys
        )


@dataclass(frozen=True, order=True)
class Need:
    """What a call needs: an action on a resource, and in which partitions."""

    action: str
    resource: str
    keys: tuple[str, ...] = ()


@cache
def grants(**parameters: str) -> Mapping[str, frozenset[Grant]]:
    """What every role grants, by the function or state machine that has it. What is denied is taken off.

    ``parameters``: those of the template that are not left at their default.
    """
    template = _transformed(parameters)
    resolve = _Names(template, parameters)
    roles = {name: item for name, item in template["Resources"].items() if item["Type"] == "AWS::IAM::Role"}
    return {name.removesuffix("Role"): frozenset(_of_role(role, template, resolve)) for name, role in roles.items()}


def _of_role(role: Mapping[str, Any], template: Mapping[str, Any], resolve: "_Names") -> Iterator[Grant]:
    statements = [*_attached(role, template, resolve)]
    for policy in role["Properties"].get("Policies", ()):
        statements += resolve(policy["PolicyDocument"])["Statement"]
    return granted(statements)


def granted(statements: Iterable[Mapping[str, Any]]) -> Iterator[Grant]:
    """What statements grant together, their resources named as in the template."""
    statements = list(statements)
    denials = [statement for statement in statements if statement["Effect"] == "Deny"]
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in _list(statement["Action"]):
                for resource in _list(statement["Resource"]):
                    yield _narrowed(Grant(action, _short(resource), _keys(statement)), denials)


def _attached(role: Mapping[str, Any], template: Mapping[str, Any], resolve: "_Names") -> Iterator[dict[str, Any]]:
    for arn in filter(None, resolve(role["Properties"].get("ManagedPolicyArns", []))):
        name = arn.rpartition("/")[2]
        if name in MANAGED:
            yield from of_aws(name)
        else:
            yield from resolve(template["Resources"][name]["Properties"]["PolicyDocument"])["Statement"]


def _narrowed(grant: Grant, denials: list[Mapping[str, Any]]) -> Grant:
    """The grant without what a statement denies, of which there is one form here: everything but one resource."""
    for denial in denials:
        if grant.action in _list(denial["Action"]):
            [left] = _list(denial["NotResource"])
            assert fnmatchcase(_short(left), grant.resource), f"{grant} is denied wholly"
            grant = replace(grant, resource=_short(left))
    return grant


def _keys(statement: Mapping[str, Any]) -> tuple[str, ...]:
    if "Condition" not in statement:
        return ()
    [(operator, condition)] = statement["Condition"].items()
    [(name, keys)] = condition.items()
    mark = _OPERATORS[operator, name]
    return tuple(f"{mark}{key}" for key in _list(keys))


def _transformed(parameters: Mapping[str, str]) -> dict[str, Any]:
    template = product()
    for resource in template["Resources"].values():
        given = resource.get("Properties", {})
        given.update(dict.fromkeys(_PATHS & given.keys(), "s3://bucket/key"))
    managed = {name: f"arn:aws:iam::aws:policy/{name}" for name in MANAGED}
    with nobodys_account():
        done = Translator(managed, Parser()).translate(template, {**_parameters(template), **parameters})
    return dict(json.loads(json.dumps(done)))


def _parameters(template: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(given.get("Default", "")) for name, given in template["Parameters"].items()}


class _Names(Resolver):
    """Knows a resource by its name in the template, whichever attribute is asked for."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        names = {name: name for name in template["Resources"]}
        super().__init__(template, {**_PSEUDO, **_parameters(template), **parameters, **names}, names)

    def _attribute(self, resource: str, attribute: str) -> str:
        return {"Arn": resource, "StreamArn": f"{resource}/stream", "Name": "stack-fan-out"}[attribute]


def _short(resource: str) -> str:
    for long, short in _SHORTER.items():
        resource = re.sub(f"{re.escape(long)}(?=$|[:/])", short, resource)
    return resource


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
