"""The reviewed list of grants (``reviewed_grants.toml``): what no recorded call needs, and why it stays."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.support.grants import Grant

LIST = Path(__file__).with_name("reviewed_grants.toml")


@dataclass(frozen=True)
class Reviewed:
    """An entry: AWS's own business (``service``), or needed by an error that a test elsewhere provokes (``error``)."""

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    test: str = ""
    """Of an error: ``path::name`` of the test that provokes it."""
    keys: tuple[str, ...] | None = None
    """The partitions of the grant, where the role has the action in others, too."""

    def names(self, role: str, grant: Grant) -> bool:
        """Whether it is about this grant."""
        same = role in self.roles and grant.action in self.actions and self.keys in (None, grant.keys)
        return same and any(fnmatchcase(grant.resource, pattern) for pattern in self.resources)


def reviewed(kind: str) -> list[Reviewed]:
    """The entries of a kind, ``service`` or ``error``."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get(kind, [])
    return [Reviewed(**{n: tuple(v) if isinstance(v, list) else v for n, v in entry.items()}) for entry in entries]
