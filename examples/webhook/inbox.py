"""What is known of each task: its newest status, whatever came twice or out of order."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

StatusMessage = dict[str, Any]


class Inbox:
    """Keeps, by task, the run and version of the newest message that was acted upon."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("create table if not exists seen (id text primary key, run integer, version integer)")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def take(self, message: StatusMessage, act: Callable[[StatusMessage], None]) -> bool:
        """Act upon a message that is news; returns whether it was.

        What ``act`` raises undoes that it was seen: SNS sends it again. A crash after ``act`` and before the end of the
        transaction does, too, so ``act`` must stand being done twice.
        """
        news = (message["id"], message["run"], message["version"])
        with self._database:
            taken = self._database.execute(
                "insert into seen values (?, ?, ?) on conflict (id) do update set run = excluded.run, "
                "version = excluded.version where (excluded.run, excluded.version) > (seen.run, seen.version)",
                news,
            )
            if taken.rowcount != 1:
                return False
            act(message)
            return True
