"""Puts the numbers of results.json into docs/performance.md; the rest of the page is written by hand.

Between ``<!-- table: name -->`` and ``<!-- end -->`` stands a table; ``<!--=path|format-->…<!--/-->`` is a number
within a sentence, such as ``<!--=cpu.subTaskMicroseconds|.0f-->33<!--/-->``.
"""

import re
from pathlib import Path

from benchmarks import results
from benchmarks.results import Results
from benchmarks.tables import TABLES

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n\n).*?(\n?<!-- end -->)", re.DOTALL)
_NUMBER = re.compile(r"(<!--=([\w. ]+)\|([\w.,%]+)-->).*?(<!--/-->)")


def filled(text: str, found: Results) -> str:
    """The page with the numbers of these results."""
    text = _TABLE.sub(lambda match: f"{match[1]}{TABLES[match[2]](found).markdown()}\n<!-- end -->", text)
    return _NUMBER.sub(lambda match: f"{match[1]}{results.at(found, match[2]):{match[3]}}{match[4]}", text)


def update() -> None:
    """Rewrite the page, if it is there."""
    if PAGE.exists():
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results.load()), encoding="utf-8")
