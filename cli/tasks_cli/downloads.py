"""All outcomes of a fan-out, joined from their objects."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import requests

from tasks_cli.errors import Unreachable
from tasks_cli.transport import Nobody, Transport, reason

BLOCK = 1024 * 1024
TRIES = 5
"""For one object. A broken connection costs a try, and so does an expired link."""

Links = list[dict[str, Any]]
Write = Callable[[bytes], object]


def download(transport: Transport, links: Callable[[], Links], write: Write) -> tuple[int, int]:
    """Write every line in input order; return the number of lines, and of sub-tasks that the links count.

    ``links`` renews them when they expire. Raises :class:`Unreachable`; the written lines are then not all.
    """
    known, lines = links(), _Lines(write)
    for number in range(len(known)):
        offset = tries = 0
        while True:
            try:
                for block in _blocks(transport, known[number]["url"], offset):
                    lines.write(block)
                    offset += len(block)
                break
            except _LinkEnded:
                problem = "the bucket refuses a link that is new"
                known = _same(links(), known)
            except requests.RequestException as error:
                problem = f"the download breaks off ({reason(error)})"
            tries += 1
            if tries == TRIES:
                raise Unreachable(f"{problem}, {TRIES} times in a row; not all was written")
        lines.end()
    return lines.count, sum(link["count"] for link in known)


class _LinkEnded(Exception):
    """The bucket refuses a link: it has expired."""


class _Lines:
    """Counts lines, and ends the last line of an object if the object does not."""

    def __init__(self, write: Write) -> None:
        self._write, self._open, self.count = write, False, 0

    def write(self, block: bytes) -> None:
        self._write(block)
        self.count += block.count(b"\n")
        self._open = not block.endswith(b"\n")

    def end(self) -> None:
        if self._open:
            self.write(b"\n")


def _blocks(transport: Transport, url: str, offset: int) -> Iterator[bytes]:
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    with transport.send("GET", url, repeat=True, auth=Nobody(), headers=headers, stream=True) as response:
        if response.status_code == HTTPStatus.FORBIDDEN:
            raise _LinkEnded
        if response.status_code != (HTTPStatus.PARTIAL_CONTENT if offset else HTTPStatus.OK):
            raise Unreachable(f"the bucket answers {response.status_code} to a link of the results")
        for block in response.iter_content(BLOCK):
            if block:
                yield block


def _same(now: Links, before: Links) -> Links:
    """The new links, if they lead to the same ranges: a task that ended once may have been retried meanwhile."""
    if [(link["first"], link["count"]) for link in now] != [(link["first"], link["count"]) for link in before]:
        raise Unreachable("the results changed during the download; download them again")
    return now
