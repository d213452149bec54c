"""Workers that stand still between two of their calls, while others go on, and go on later where they stood."""

from collections.abc import Callable
from threading import Semaphore, Thread, current_thread
from typing import Any


class Paused:
    """An action in a thread of its own. Of all threads one runs at a time, so that a schedule is the same each time."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self._calls = 0
        self._go_on = Semaphore(0)
        self._stands = Semaphore(0)
        self._thread = Thread(target=self._run, daemon=True)
        self.error: BaseException | None = None
        self.ended = False

    def begin(self, calls: int) -> None:
        """Let it run up to so many calls, and stand before that one."""
        self._calls = calls
        self._thread.start()
        self._stands.acquire()

    def go_on(self) -> None:
        """Let it run to its end. Raises what it raises."""
        if not self.ended:
            self._go_on.release()
            self._stands.acquire()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def is_here(self) -> bool:
        """Whether this is its thread."""
        return current_thread() is self._thread

    def before_a_call(self) -> None:
        """Stand still if this is the call to stand before."""
        self._calls -= 1
        if self._calls == 0:
            self._stands.release()
            self._go_on.acquire()

    def _run(self) -> None:
        try:
            self._action()
        except BaseException as error:  # for the thread that lets it go on
            self.error = error
        finally:
            self.ended = True
            self._stands.release()
