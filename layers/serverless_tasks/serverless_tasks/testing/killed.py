"""A worker that dies."""

from __future__ import annotations

from serverless_tasks.workers.user_code.runner import Unwinding


class WorkerKilled(Unwinding):
    """Raise it in a handler to play a worker that dies there: no more of its code runs, nothing of it is written."""
