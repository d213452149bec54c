"""``results.json``: the last measurements, section by section; docs quote it and a test compares them."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "results.json"
SECTIONS = ("counts", "fits", "cost", "race", "cpu", "imports", "million")

Results = dict[str, Any]


def load(file: Path = FILE) -> Results:
    """The last measurements."""
    found: Results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def keep(section: str, found: Any, file: Path = FILE) -> None:
    """Replace one section; the others stay, each with the day on which it was measured."""
    if section not in SECTIONS:
        raise KeyError(section)
    known = load(file)
    known[section] = found
    known.setdefault("measured", {})[section] = {
        "day": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    ordered = {name: known[name] for name in ("measured", *SECTIONS) if name in known}
    file.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def at(results: Mapping[str, Any], path: str) -> Any:
    """A value by its path: ``million.rows.1.n``."""
    value: Any = results
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value
