"""Hooks of MkDocs: pages are written for GitHub; these make their links work in the site, too."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LINK_OUT = re.compile(r"\[(?P<text>[^\]\n]+)\]\(\.\./(?P<target>[^)\s]+)\)")
"""A link from a page to a file of the repository that is not in docs/."""
_FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Turn links out of docs/ into addresses of the repository, or into the file's path if it has none."""
    return turned(markdown, config.extra.get("repository"))


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """Mark the language of a page such as `x.ja.md`: browsers choose their glyphs by it."""
    language = Path(Path(page.file.src_uri).stem).suffix.lstrip(".")
    return output.replace('<html lang="en"', f'<html lang="{language}"', 1) if language else output


def turned(markdown: str, repository: str | None) -> str:
    """Return the page with its links out of docs/ turned; `repository` is an address such as GitHub's."""
    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK_OUT.sub(_target(repository), part) for part in parts)


def _target(repository: str | None) -> Callable[[re.Match[str]], str]:
    if not repository:
        return _named
    address = repository.rstrip("/") + "/blob/main/"
    return lambda link: f"[{link['text']}]({address}{link['target']})"


def _named(link: re.Match[str]) -> str:
    """The text, and the path unless the text says it."""
    path = link["target"].partition("#")[0]
    return link["text"] if path.rpartition("/")[2] in link["text"] else f"{link['text']} (`{path}`)"
