"""Reads a CloudFormation template and computes its values in a deployed stack."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalCloudError


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of the intrinsic functions."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(path: Path) -> dict[str, Any]:
    """Return the template with intrinsic functions in their long form."""
    return load_text(path.read_text(encoding="utf-8"))


def load_text(text: str) -> dict[str, Any]:
    """Return the template of a file's text, likewise."""
    template: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    return template


class Resolver:
    """Computes Ref, Fn::GetAtt (Arn), Fn::Sub, Fn::Join, Fn::Split, Fn::If and conditions for a deployed stack.

    It knows the functions of the generated HTTP API definition; any other raises LocalCloudError, which names it.
    """

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str], arns: Mapping[str, str]) -> None:
        """values: parameters, pseudo parameters and physical ids by name; arns: by logical id."""
        self._conditions = template.get("Conditions", {})
        self._values = values
        self._arns = arns

    def __call__(self, node: Any) -> Any:
        """Return the node with every function replaced by its value, without the entries of AWS::NoValue."""
        if isinstance(node, list):
            return [self(item) for item in node if item != {"Ref": "AWS::NoValue"}]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return None if argument == "AWS::NoValue" else self._value(argument)
            if name.startswith("Fn::"):
                return self._call(name.removeprefix("Fn::"), argument)
        resolved = {key: self(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not None or node[key] is None}

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        return self._truth(self._conditions[name])

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "GetAtt":
                return self._attribute(*argument)
            case "Sub":
                text, extra = argument if isinstance(argument, list) else (argument, {})
                return re.sub(r"\$\{([^!}]+)}", lambda found: self._named(found[1], extra), text)
            case "Join":
                return argument[0].join(self(argument[1]))
            case "Split":
                return self(argument[1]).split(argument[0])
            case "If":
                return self(argument[1] if self.condition(argument[0]) else argument[2])
        raise LocalCloudError(f"Fn::{function} is not understood here: {argument!r}")

    def _value(self, name: str) -> Any:
        if name not in self._values:
            raise LocalCloudError(f"{name} is no parameter and no resource that is deployed")
        return self._values[name]

    def _named(self, name: str, extra: Mapping[str, Any]) -> str:
        if name in extra:
            return str(self(extra[name]))
        return self._attribute(*name.split(".", 1)) if "." in name else self._value(name)

    def _attribute(self, resource: str, attribute: str) -> str:
        if attribute != "Arn" or resource not in self._arns:
            raise LocalCloudError(f"attribute {attribute} of {resource} is not understood here, only ARNs of functions")
        return self._arns[resource]

    def _truth(self, node: Any) -> bool:
        (function, argument), *_ = node.items()
        match function:
            case "Condition":
                return self.condition(argument)
            case "Fn::Equals":
                return bool(self(argument[0]) == self(argument[1]))
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(self._truth(item) for item in argument)
            case "Fn::Or":
                return any(self._truth(item) for item in argument)
        raise LocalCloudError(f"condition {function} is not understood here")
