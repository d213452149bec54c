"""What the launcher wrote down for the functions, which statements hold for which, read anew when it changes."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.gate.dynamodb.tables import Table, partition_keys
from local.gate.needs import Place
from local.gate.policy import Statement
from local.gate.refusals import Caller

WAIT_SECONDS = 3.0
"""How long a call waits for the launcher, which writes when a deployment is done."""


_UNKNOWN: Mapping[str, Any] = {"role": "unknown", "place": "template.yaml", "statements": ()}


@dataclass(frozen=True)
class Rules:
    """What holds for one function. ``known``: the launcher wrote it down."""

    known: bool
    statements: tuple[Statement, ...]
    caller: Caller
    place: Place
    tables: Mapping[str, Table]

    @classmethod
    def of(cls, table: Mapping[str, Any], function: str) -> "Rules":
        """Read from the table that :mod:`local.gate.table` made. A function that is not in it may do nothing."""
        own = table["functions"].get(function, _UNKNOWN)
        tables = {name: Table.of(given) for name, given in table["tables"].items()}
        role = own["role"].rpartition("/")[2]
        statements = [*own["statements"], *table["resourceStatements"]] if own is not _UNKNOWN else []
        return cls(
            known=own is not _UNKNOWN,
            statements=tuple(Statement.of(each) for each in statements),
            caller=Caller(
                session=f"arn:aws:sts::{table['account']}:assumed-role/{role}/{function}",
                place=own["place"],
                names=table["names"],
            ),
            place=Place(table["account"], table["region"], partition_keys(tables)),
            tables=tables,
        )


class RulesFile:
    """The rules of one function as the file has them now."""

    def __init__(self, path: str, function: str) -> None:
        self._path = path
        self._function = function
        self._written = 0
        self._rules: Rules | None = None

    def current(self) -> Rules | None:
        """The rules, or None while the stack is being deployed for the first time.

        A function that a deployment adds may be called before the launcher has written it down, so it waits as well.
        """
        for _ in self._waiting():
            written = self._time()
            if written != self._written:
                self._written = written
                self._rules = self._read()
            if self._rules and self._rules.known:
                break
        return self._rules

    def _waiting(self) -> Iterator[None]:
        yield
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            time.sleep(0.05)
            yield

    def _time(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns  # noqa: PTH116 (at every call of a function)
        except FileNotFoundError:
            return 0

    def _read(self) -> Rules | None:
        try:
            with open(self._path, encoding="utf-8") as file:  # noqa: PTH123 (likewise: nothing more is imported)
                return Rules.of(json.load(file), self._function)
        except FileNotFoundError:
            return None
