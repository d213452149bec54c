"""The AWS calls that the functions of a fork made, as they wrote them down (``tests/support/recorder``)."""

import json
from collections.abc import Iterator
from pathlib import Path

from local import deployment
from local.cloud import Connection
from tests.support.calls import Call
from tests.support.fork import Fork
from tests.support.grants import Need
from tests.support.permissions import needs


class Recorded:
    """What each function of the template needed so far."""

    def __init__(self, fork: Fork, cloud: Connection) -> None:
        present = deployment.resources(cloud.client, cloud.stack["stackName"])
        self._directory = fork.recorded_calls
        self._names = {physical: name for name, (_, physical) in present.items()}
        self._read: dict[Path, int] = {}
        self.needed: dict[str, set[Need]] = {
            name: set() for name, (kind, _) in present.items() if kind == "AWS::Lambda::Function"
        }

    def look(self) -> dict[str, set[Need]]:
        """What was needed until now, read anew."""
        for file in self._directory.glob("*.jsonl"):
            name = self._names[file.stem]
            for call in self._fresh(file, name):
                self.needed[name] |= set(needs(call, self._names))
        return self.needed

    def _fresh(self, file: Path, name: str) -> Iterator[Call]:
        with file.open("rb") as lines:
            lines.seek(self._read.get(file, 0))
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # being written
                self._read[file] = self._read.get(file, 0) + len(line)
                call = json.loads(line)
                yield Call(name, call["service"], call["operation"], call["params"])
