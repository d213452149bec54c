"""The tables of docs/security.md: what each role grants, written anew by ``python -m tests.support.grant_tables``."""

from collections.abc import Iterator
from itertools import groupby

from tests.support.grants import Grant, grants
from tests.support.resources import ROOT
from tests.support.reviewed import reviewed

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- the grants -->\n", "<!-- end of the grants -->\n"


def tables() -> str:
    """A table for each role, in the order of the template."""
    return "\n".join("".join(_table(role, granted)) for role, granted in grants().items())


def parts() -> tuple[str, str, str]:
    """The page before, in and behind the tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    inside, _, behind = rest.partition(END)
    return before + BEGIN, inside, END + behind


def _table(role: str, granted: frozenset[Grant]) -> Iterator[str]:
    yield f"**{role}**\n\n| resource | partitions, prefixes | actions | used by |\n|---|---|---|---|\n"

    def place(grant: Grant) -> tuple[str, tuple[str, ...], str]:
        return grant.resource, grant.keys, _used_by(role, grant)

    for (resource, keys, used_by), same in groupby(sorted(granted, key=place), key=place):
        partitions = ", ".join(f"not `{key[1:]}`" if key.startswith("!") else f"`{key}`" for key in keys)
        actions = ", ".join(sorted(f"`{grant.action}`" for grant in same))
        yield f"| `{resource}` | {partitions} | {actions} | {used_by} |\n"


def _used_by(role: str, grant: Grant) -> str:
    for kind, name in (("service", "AWS itself"), ("error", "errors only")):
        if any(entry.names(role, grant) for entry in reviewed(kind)):
            return name
    return "code"


if __name__ == "__main__":
    before, _, behind = parts()
    PAGE.write_text(f"{before}\n{tables()}\n{behind}", encoding="utf-8")
