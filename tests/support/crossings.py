"""Which modules a call enters: those that a reader opens to follow it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import serverless_tasks

LAYER = Path(serverless_tasks.__path__[0])
API = Path(__file__).parents[2] / "functions" / "api"
VOCABULARY = {
    "adapters.log": "the one logger, and the keys of its lines",
    "adapters.meter": "counts what each request used, beside the work",
    "adapters.settings": "the environment, read once",
    "core.dynamodb": "how writes and items are spelled",
    "core.errors": "names",
    "core.inputs.json_text": "JSON as text, and its limits",
    "core.task.entity": "the task, which everything is about",
    "core.task.keys": "its key",
    "core.task.status": "its statuses",
    "core.times": "times as text",
    "core.usage.amounts": "sums of what was used",
    "workers.user_code.deadlines": "a time that ends user code, whatever it is",
    "workers.user_code.process": "what user code changes of its process, put back",
}
"""Modules that do not count, by name or folder: read once, known everywhere after that."""


@contextmanager
def entered(modules: set[str]) -> Iterator[None]:
    """Note the modules of the layer and the API whose functions the block enters, in whichever thread."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_name != "<module>" and (name := _name(path)):
            modules.add(name)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _name(path: Path) -> str | None:
    """The module as a reader calls it, if it counts."""
    if path.is_relative_to(API):
        return f"api.{path.stem}"
    if not path.is_relative_to(LAYER):
        return None
    name = ".".join(path.relative_to(LAYER).with_suffix("").parts)
    known = any(f"{name}.".startswith(f"{word}.") for word in (*VOCABULARY, "testing"))
    return None if known else name
