"""The newest change of each task: duplicates and older messages are skipped."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

StatusMessage = dict[str, Any]


class Inbox:
    """Keeps, by task, the run and version of the newest handled message."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("create table if not exists seen (id text primary key, run integer, version integer)")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def take(self, message: StatusMessage, act: Callable[[StatusMessage], None]) -> bool:
        """Act upon a newer message; return whether it was newer.

        If ``act`` raises, the message counts as unseen, and SNS sends it again. So does a crash after ``act`` and
        before the end of the transaction: ``act`` must cope with a second call.
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
