"""Tables on the console."""

import re
import sys

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.results import load
from benchmarks.tables import OF_SECTION, TABLES

WIDTH = 170
console = Console(width=None if sys.stdout.isatty() else WIDTH)


def say(line: str) -> None:
    """One line of progress."""
    console.print(line, style="dim", highlight=False)


def show(section: str) -> None:
    """Every table of a section of results.json."""
    found = load()
    for name in OF_SECTION[section]:
        table = TABLES[name](found)
        shown = RichTable(title=table.title, title_justify="left")
        for number, head in enumerate(table.head):
            shown.add_column(head, justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*(re.sub(r"\*\*(.+?)\*\*", r"[bold]\1[/bold]", cell).replace("`", "") for cell in row))
        console.print(shown)
