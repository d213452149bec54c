"""The sample events in ``events/``, by their name without ``.json``."""

import json
from typing import Any

from local.paths import ROOT
from tools.yours import product

DIRECTORY = ROOT / "events"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.json"))
FUNCTIONS = sorted(
    name for name, resource in product()["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"
)
"""Functions of the template."""


def load(name: str) -> Any:
    """The event."""
    return json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))


def function_of(name: str) -> str:
    """The function that the event is for, by its name in the template."""
    return f"{name.partition('-')[0].capitalize()}Function"


def image(name: str) -> dict[str, Any]:
    """The item in a stream record of the relay, as DynamoDB types it."""
    [record] = load(name)["Records"]
    new_image: dict[str, Any] = record["dynamodb"]["NewImage"]
    return new_image
