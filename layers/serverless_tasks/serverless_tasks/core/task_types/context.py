"""The second argument of every handler: facts of its attempt, and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from serverless_tasks.core.errors import InvalidInput


class TaskContext:
    """The second argument of every handler.

    Attributes
    ----------
    attempt:
        1 for the first, 2 for the second, …
    run:
        0, and one more after each explicit retry.
    idempotency_key:
        The same for every attempt and run of this task or sub-task: key effects outside by it, and they happen once.
    state:
        What the last :meth:`checkpoint` of this run saved, or None.
    """

    def __init__(
        self,
        *,
        attempt: int = 1,
        run: int = 0,
        idempotency_key: str = "",
        state: Any = None,
        remaining_time: Callable[[], float] = lambda: 900.0,
        is_cancelled: Callable[[], bool] = lambda: False,
        save: Callable[[Any, float | None], None] | None = None,
    ) -> None:
        self.attempt = attempt
        self.run = run
        self.idempotency_key = idempotency_key
        self.state = state
        self._remaining_time = remaining_time
        self._is_cancelled = is_cancelled
        self._save = save

    @property
    def remaining_time(self) -> float:
        """Seconds that this attempt may still run in this invocation."""
        return max(0.0, self._remaining_time())

    @property
    def cancelled(self) -> bool:
        """Whether the task was ended or taken over meanwhile: stop then, nothing that you return is kept."""
        return self._is_cancelled()

    def checkpoint(self, state: Any, progress: float | None = None) -> None:
        """Save where the handler is; the next attempt finds ``state`` in :attr:`state`.

        When the invocation's time is nearly up this call does not return: the attempt goes on in another invocation,
        which begins the handler anew with that state.

        Parameters
        ----------
        state:
            Anything that is JSON.
        progress:
            0 to 1, shown with the task. What is below or above is taken as 0 or 1: sums of floats end a little above.

        Raises
        ------
        InvalidInput
            When state is not JSON or has more than 1 MB, or progress is no number; the task is unharmed.
        """
        known = None if progress is None else check_progress(progress)
        if self._save is None:
            raise InvalidInput("checkpoint", "sub-tasks have none: give each less to do, or make it a task of its own")
        self._save(state, known)
        self.state = state


def check_progress(progress: Any) -> float:
    """Progress as it is kept, 0 to 1. Raises :class:`InvalidInput` where it is no number."""
    if isinstance(progress, Real) and progress == progress:  # NaN is not equal to itself
        nearest: Any = min(max(progress, 0), 1)
        return float(nearest)
    raise InvalidInput("progress", f"must be a number from 0 to 1, not {progress!r}")
