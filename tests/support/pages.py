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
