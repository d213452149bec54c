"""Functions that are called by an alias get a version for every change that they would see.

SAM makes one when code, layer or properties change, and does not see the values of what the properties refer to
(aws/serverless-application-model, issue 3820), unless another transform put them there before. Those have to be in the
version's description.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.guard import transformed
from tests.support.resources import TEMPLATE, properties

NO_CONFIGURATION = {
    *("Events", "Policies", "Layers", "VersionDescription"),
    *("DeploymentPreference", "ReservedConcurrentExecutions"),  # of the alias, and of the function whatever its version
}
NEVER_CHANGE = {"ApiLogs", "AWS::StackName"}
"""What is the same as long as the stack is: a log group is named after it."""
RESOURCES = TEMPLATE["Resources"]
WITH_VERSIONS = [name for name, given in RESOURCES.items() if "AutoPublishAlias" in given.get("Properties", {})]
each_function = pytest.mark.parametrize("name", WITH_VERSIONS)


def referred(node: Any) -> Iterator[str]:
    """Parameters and resources that a part of the template takes values from."""
    if isinstance(node, list):
        for item in node:
            yield from referred(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0]
            elif key == "Fn::Sub":
                text, own = value if isinstance(value, list) else (value, {})
                yield from set(re.findall(r"\$\{(\w+)", text)) - set(own)
                yield from referred(list(own.values()))
            else:
                yield from referred(value)
                yield from referred(TEMPLATE["Conditions"][value[0]]) if key == "Fn::If" else ()


def configuration(name: str) -> dict[str, Any]:
    common, own = TEMPLATE["Globals"]["Function"], properties(name)
    given = {**common, **own}
    given |= {part: [common[part], own.get(part, {})] for part in ("Environment", "LoggingConfig")}
    return {key: value for key, value in given.items() if key not in NO_CONFIGURATION}


def version_of(name: str, layer: str, description: str) -> str:
    """The version's logical id with that description of the layer, which stands for all that may change about it."""
    given = RESOURCES[layer]
    changed = {**given, "Properties": {**given["Properties"], "Description": description}}
    processed = transformed({**TEMPLATE, "Resources": {**RESOURCES, layer: changed}}, "us-east-1")
    [version] = [
        logical_id
        for logical_id, resource in processed["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version" and resource["Properties"]["FunctionName"] == {"Ref": name}
    ]
    return version


def test_the_api_has_versions():
    assert "ApiFunction" in WITH_VERSIONS


@each_function
def test_values_that_a_function_is_given_are_in_its_versions_description(name: str):
    given = set(referred(configuration(name))) - NEVER_CHANGE
    assert given == set(referred(properties(name)["VersionDescription"]))


@each_function
def test_a_description_has_at_most_256_characters(name: str):
    stack = 80 - len("-fan-out")  # the state machine's name has at most 80
    longest = {"TasksTable": f"{'s' * stack}-TasksTable-1234567890123", "PayloadBucket": "b" * 63}
    for parameter, given in TEMPLATE["Parameters"].items():
        allowed = given.get("AllowedValues") or [given.get("MaxValue", "")]
        longest[parameter] = max(map(str, allowed), key=len)
    [space, parts] = properties(name)["VersionDescription"]["Fn::Join"]
    assert space == " "
    values = [longest[part["Ref"]] if "Ref" in part else max(part["Fn::If"][1:], key=len) for part in parts]
    assert len(space.join(values)) <= 256


@each_function
def test_a_new_layer_is_a_new_version(name: str):
    layers = [
        layer["Ref"] for given in (TEMPLATE["Globals"]["Function"], properties(name)) for layer in given["Layers"]
    ]
    assert set(layers) == {"TasksLayer", "PydanticCoreLayer", "JsonSchemaLayer", "TaskTypesLayer"}
    for layer in layers:
        assert version_of(name, layer, "one") == version_of(name, layer, "one") != version_of(name, layer, "another")


@each_function
def test_the_version_before_goes(name: str):
    assert properties(name)["VersionDeletionPolicy"] == "Delete"
