"""Task types of a deployment, and what tests ask its API for."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field


class Box(BaseModel):
    """A recursive one, with alternatives."""

    size: int | None = None
    inside: list["Box"] = []
    day: str = Field(default="2026-01-01", json_schema_extra={"format": "date"})
    at: str = Field(default="2026-01-01T10:00:00Z", json_schema_extra={"format": "date-time"})


class Named(BaseModel, extra="forbid"):
    name: str


SCHEMAS = {"box": Box.model_json_schema(), "named": Named.model_json_schema()}
BOTH = ["TASK", "SFN_TASK"]
TYPES = [
    {"taskType": "named", "kinds": ["TASK"], "inputSchemas": {"TASK": SCHEMAS["named"]}},
    {"taskType": "box", "kinds": BOTH, "inputSchemas": dict.fromkeys(BOTH, SCHEMAS["box"]), "description": "Boxes."},
    {"taskType": "cat", "kinds": BOTH, "inputSchemas": {}},
    {"taskType": "list-only", "kinds": ["SFN_TASK"], "inputSchemas": {}},
]

Deploy = Callable[..., None]


def refused(answer: Any) -> dict[str, str]:
    """What is wrong, by field."""
    assert answer.status == 400, answer.text
    return {detail["field"]: detail["message"] for detail in answer.body["details"]}


def one(api, task_type: str, value: Any):
    return api.post("/tasks", {"taskType": task_type, "input": value})


def many(api, task_type: str, values: list[Any]):
    return api.post("/tasks/step-function-task", {"taskType": task_type, "input": values})
