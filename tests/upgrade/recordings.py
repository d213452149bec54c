"""The recordings of each version: a folder here, named after it. A folder that is added is played by all tests."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.upgrade.acts import Act, play
from tests.upgrade.outcomes import outcome
from tests.upgrade.states import States
from tests.upgrade.world import Json, world

HERE = Path(__file__).resolve().parent
DEFINITION = Path("statemachine", "fan_out.asl.json")
API = "api.json"
STACK = "stack.json"
NEWEST = (HERE.parents[1] / DEFINITION).read_text(encoding="utf-8")
"""The definition of the state machine as it is now."""
VERSIONS = sorted(path.parent for path in HERE.glob(f"*/{DEFINITION.name}"))


@dataclass(frozen=True)
class Recording:
    """What a version made of a scenario."""

    version: Path
    name: str

    @property
    def content(self) -> Json:
        """``settings`` and ``acts``; ``steps``, each with what it changed; and the ``end``."""
        found: Json = load(self.version / "scenarios" / f"{self.name}.json")
        return found

    @property
    def definition(self) -> str:
        """That of the state machine, in this version."""
        return (self.version / DEFINITION.name).read_text(encoding="utf-8")

    def __str__(self) -> str:
        return f"{self.version.name}-{self.name}"


RECORDINGS = [Recording(v, file.stem) for v in VERSIONS for file in sorted((v / "scenarios").glob("*.json"))]


def load(path: Path) -> Any:
    """What a file of a recording says."""
    return json.loads(path.read_text(encoding="utf-8"))


def record(definition: str, settings: Json, acts: list[Act]) -> Json:
    """Play a scenario from its beginning, and write down all that happens."""
    with world(definition, settings) as played:
        states = States(played)
        steps = [{"act": number, "did": did, **states.change()} for number, did in play(played, acts)]
        return {"settings": settings, "acts": acts, "steps": steps, "end": outcome(played)}


def written(steps: list[Json]) -> dict[str, Any]:
    """All that was written in these steps: the versions of each item, message and object, and what was sent to whom.

    Which step it was, and how the state machine got there, is the definition's business.
    """
    all_of_it: dict[str, Any] = {}
    for step in steps:
        for part in ("items", "objects", "queue", "started"):
            for key, value in step.get(part, {}).items():
                all_of_it.setdefault(part, {}).setdefault(key, []).append(value)
        for part in ("records", "deadLetters", "statuses", "alarms", "events", "stopped", "calls", "invocations"):
            all_of_it.setdefault(part, []).extend(step.get(part, ()))
    return all_of_it
