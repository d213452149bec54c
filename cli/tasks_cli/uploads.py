"""Putting a file to a link, part by part, with a bar."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tasks_cli.errors import BadInput
from tasks_cli.transport import Nobody, Transport

Json = dict[str, Any]


class Reading:
    """A file that reports its progress. It can be read again from its start, for a repeated PUT."""

    def __init__(self, file: BinaryIO, size: int, tell: Callable[[int], None]) -> None:
        self._file, self._size, self._tell = file, size, tell

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(64 * 1024), b"")

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        block = self._file.read(size)
        self._tell(self._file.tell())
        return block

    def tell(self) -> int:
        """The offset."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there."""
        return self._file.seek(offset, whence)


def put(transport: Transport, upload: Json, path: Path, console: Console) -> None:
    """Put the file, once. Raises :class:`BadInput` if the bucket refuses it."""
    size = path.stat().st_size
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        path.open("rb") as file,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task(f"Uploading {path.name}", total=size)
        data = Reading(file, size, lambda done: progress.update(bar, completed=done)) if size else b""
        response = transport.send(
            "PUT", upload["url"], repeat=True, auth=Nobody(), headers=upload["headers"], data=data
        )
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES and not _was_there_already(response):
        raise BadInput(f"{path}: the bucket refuses the upload ({response.status_code}); try again")


def _was_there_already(response: requests.Response) -> bool:
    """Whether a repeated PUT found the object of the first one, whose answer was lost: the link is this program's."""
    repeats = getattr(response.raw, "retries", None)
    return response.status_code == HTTPStatus.PRECONDITION_FAILED and bool(repeats and repeats.history)
