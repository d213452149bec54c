"""The AWS calls that the functions of a fork made, as the gate of its local cloud wrote them down."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import deployment
from local.cloud import Connection
from local.gate import table
from local.gate.dynamodb.tables import Table, partition_keys
from local.gate.needs import Place
from local.gate.policy import Request
from tests.support.calls import Call
from tests.support.fork import Fork
from tests.support.permissions import requests, short_names

_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""What differs from task to task: calls that are alike otherwise are one."""


class Recorded:
    """What each function of the template asked for so far."""

    def __init__(self, fork: Fork, cloud: Connection) -> None:
        present = deployment.resources(cloud.client, cloud.stack["stackName"])
        self._directory = fork.recorded_calls
        self.names = short_names({physical: name for name, (_, physical) in present.items()})
        self.table: dict[str, Any] = json.loads(table.path_in(cloud.directory).read_text(encoding="utf-8"))
        self.functions = {physical: given["name"] for physical, given in self.table["functions"].items()}
        tables = {name: Table.of(given) for name, given in self.table["tables"].items()}
        self._place = Place(self.table["account"], self.table["region"], partition_keys(tables))
        self._read: dict[Path, int] = {}
        self._seen: set[tuple[str, str]] = set()
        self.allowed: dict[str, list[Call]] = {name: [] for name in self.functions.values()}
        self.others: list[tuple[Call, str]] = []
        """Calls that were refused or not judged, and which of it."""

    def look(self) -> "Recorded":
        """Read what is new."""
        for file in self._directory.glob("*.jsonl"):
            for line in self._fresh(file):
                self._note(self.functions[file.stem], _CODE.sub("CODE", line))
        return self

    def statements(self, function: str) -> list[dict[str, Any]]:
        """What the role of a function says, as the gate has it."""
        return next(given["statements"] for given in self.table["functions"].values() if given["name"] == function)

    def requests(self, call: Call) -> list[Request]:
        """What IAM is asked by a call."""
        return requests(call, self._place)

    def _note(self, function: str, line: str) -> None:
        given = json.loads(line)
        call = Call(function, given["service"], given["operation"], given["params"])
        if given["verdict"] != "allowed":
            self.others.append((call, given["verdict"]))
        alike = (function, str(self.requests(call)))
        if given["verdict"] == "allowed" and alike not in self._seen:
            self._seen.add(alike)
            self.allowed[function].append(call)

    def _fresh(self, file: Path) -> Iterator[str]:
        with file.open("rb") as lines:
            lines.seek(self._read.get(file, 0))
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # being written
                self._read[file] = self._read.get(file, 0) + len(line)
                yield line.decode()
