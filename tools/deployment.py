"""What CloudFormation makes of ``template.yaml`` for given parameters, and what of that another deployment changes.

CloudFormation runs the transforms in the order in which the template names them. So ``AWS::LanguageExtensions`` puts
values of parameters in place of references to them before SAM hashes what a version of a function consists of
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html). The
first one is run here by SAM CLI's own resolver, the second by the library that AWS runs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions
from samcli.lib.telemetry.event import EventTracker

from local.deployment import with_defaults
from local.guard import transformed
from local.template import Resolver
from tools.yours import product

REGION = "us-east-1"
_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
Resources = Mapping[str, Mapping[str, Any]]
"""Resources of a deployed stack by logical id, as CloudFormation is handed them."""


@dataclass(frozen=True)
class Changes:
    """What an update does to resources, by logical id."""

    added: frozenset[str]
    removed: frozenset[str]
    replaced: frozenset[str]
    """Another one is made and the old one goes: a property changed that cannot be changed."""
    updated: frozenset[str]


@cache
def template() -> Mapping[str, Any]:
    """``template.yaml`` without what is a fork's, read once."""
    return product()


def defaults() -> dict[str, str]:
    """The parameters of the template, at their defaults."""
    return {name: str(given.get("Default", "")) for name, given in template()["Parameters"].items()}


def deployed(parameters: Mapping[str, str], source: Mapping[str, Any] | None = None) -> Resources:
    """The resources of a stack with these parameters, all others at their default, after both transforms.

    ``source``: another template than :func:`template`, with the same parameters.
    """
    values = {**_PSEUDO, **defaults(), **parameters}
    given = with_defaults(source or template(), values)
    expanded = expand_language_extensions(given, values, enabled=True).expanded_template
    EventTracker.clear_trackers()  # SAM CLI notes each use, and reports fifty of them to AWS, whatever its settings say
    processed = transformed(expanded, REGION)
    names = _Names(processed, values)
    return {
        name: names(resource)
        for name, resource in processed["Resources"].items()
        if "Condition" not in resource or names.condition(resource["Condition"])
    }


class _Names(Resolver):
    """Knows parameters by their values, and resources by their names in the template, whatever is asked for."""

    def __init__(self, processed: Mapping[str, Any], values: Mapping[str, str]) -> None:
        super().__init__(processed, {**values, **{name: name for name in processed["Resources"]}}, {})

    def _attribute(self, resource: str, attribute: str) -> str:
        return f"{resource}.{attribute}"


def changes(before: Resources, after: Resources) -> Changes:
    """What an update from one to the other does."""
    both = before.keys() & after.keys()
    changed = {name for name in both if _text(before[name]) != _text(after[name])}
    replaced = {name for name in changed if _is_replaced(before[name], after[name])}
    return Changes(
        added=frozenset(after.keys() - before.keys()),
        removed=frozenset(before.keys() - after.keys()),
        replaced=frozenset(replaced),
        updated=frozenset(changed - replaced),
    )


def _is_replaced(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a property differs that the type's schema says is set once (``createOnlyProperties``)."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, before["Type"]).schema
    fixed = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return before["Type"] != after["Type"] or any(_at(before, path) != _at(after, path) for path in fixed)


def _at(resource: Mapping[str, Any], path: str) -> str:
    """What stands at a path such as ``/properties/QueueName`` of a resource."""
    found: Any = resource.get("Properties", {})
    for name in path.split("/")[2:]:
        found = found.get(name) if isinstance(found, Mapping) else None
    return _text(found)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
