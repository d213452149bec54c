"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
ORDINARY = 0o666
"""Before the user's umask."""


@contextmanager
def replacing(path: Path, mode: int) -> Iterator[BinaryIO]:
    """Write beside the file, and replace it at the end; after an error, the old file is still there.

    A path that is no regular file, such as ``/dev/null`` or a pipe, is written to directly.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as there:
            yield there
        return
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
