"""README and docs, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*ROOT.glob("*.md"), *DOCS]
RUNS = "<!-- the stack runs -->"
"""Where a page has this comment, the stack works until nothing is left to do."""


@dataclass(frozen=True)
class Block:
    """A fenced block, or the comment above, which has no language."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the first line names."""
        named = re.match(r"# ((?:functions|tests)/\S+\.py)\n", self.text)
        return named[1] if named else None


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page in order, all of them or those of some languages."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(rf"^```(\w*)\n(.*?)^```$|^{RUNS}$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1] or "", match[2] or "", line))
    return [block for block in found if not languages or block.language in languages]


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table, f"{page} has no table under {heading!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(table: list[list[str]], column: int = 0) -> list[str]:
    """What stands in backquotes in a column."""
    return [name for row in table for name in re.findall(r"`([^`]+)`", row[column])]
