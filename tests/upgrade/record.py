"""Records what this version makes of the scenarios, for the tests of all later ones: once, at its release.

    PYTHONPATH=.:layers/serverless_tasks:functions/api:functions/worker .venv/bin/python -m tests.upgrade.record 0.2.0

writes the folder ``tests/upgrade/0.2.0``; read it before it is committed. Put a ``stack.json`` of ``make local-up``
beside it, with no token in it. The code that is recorded is the one that Python finds. For an older commit, do it in a
checkout of that, whose ``.venv`` is ready, with another one at the end of ``PYTHONPATH``, whose ``tests/upgrade`` knows
the older stack in memory. 0.1.0-882b28c was recorded by that of 170eefa.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import serverless_tasks

from tests.upgrade.api_story import record_story
from tests.upgrade.recordings import API, DEFINITION, HERE, record
from tests.upgrade.scenarios import SCENARIOS

CODE = Path(serverless_tasks.__path__[0]).parents[2]
"""The checkout whose layer is recorded."""
DEPTH = 4
"""Levels of a file that have lines of their own: each item, message and call is one line."""


def main(name: str) -> None:
    """Write the folder of this name anew."""
    logging.disable()
    folder = HERE / name
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    definition = (CODE / DEFINITION).read_text(encoding="utf-8")
    (folder / DEFINITION.name).write_text(definition, encoding="utf-8")
    for scenario, (settings, acts) in SCENARIOS.items():
        save(folder / "scenarios" / f"{scenario}.json", record(definition, settings, acts))
    save(folder / API, record_story())


def save(path: Path, content: Any) -> None:
    """Write it as JSON that people can read."""
    path.write_text(_lines(content, DEPTH, "") + "\n", encoding="utf-8")


def _lines(value: Any, depth: int, indent: str) -> str:
    if not depth or not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    inner = f"{indent} "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {_lines(part, depth - 1, inner)}" for name, part in value.items()]
    else:
        parts = [_lines(part, depth - 1, inner) for part in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{last}"


if __name__ == "__main__":
    main(*sys.argv[1:])
