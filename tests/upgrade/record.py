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
from collections.abc import Iterable
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
WIDTH = 120
"""Characters of a line that holds several parts."""


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
    """Write it as JSON that a diff shows line by line."""
    path.write_text(_lines(content, DEPTH, "") + "\n", encoding="utf-8")


def _lines(value: Any, depth: int, indent: str) -> str:
    """One line for what fits into one; a part that is the only one goes on in the line of its whole."""
    in_one = json.dumps(value, ensure_ascii=False)
    if not depth or not value or not isinstance(value, (dict, list)) or len(indent + in_one) <= WIDTH:
        return in_one
    inner = indent if len(value) == 1 else f"{indent} "
    if isinstance(value, list):
        rows = [_lines(part, depth - 1, inner) for part in value]
    else:
        rows = _filled((f"{json.dumps(name)}: {_lines(part, depth - 1, inner)}" for name, part in value.items()), inner)
    first, last = "[]" if isinstance(value, list) else "{}"
    if len(value) == 1:
        return f"{first}{rows[0]}{last}"
    return f"{first}\n{inner}" + f",\n{inner}".join(rows) + f"\n{indent}{last}"


def _filled(parts: Iterable[str], indent: str) -> list[str]:
    """Short parts side by side, as many as a line takes."""
    rows: list[str] = []
    for part in parts:
        if rows and len(f"{indent}{rows[-1]}, {part}") <= WIDTH and "\n" not in rows[-1]:
            rows[-1] += f", {part}"
        else:
            rows.append(part)
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
