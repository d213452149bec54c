"""Schedules in which workers of one chunk meet, and nothing else happens: what only they can do wrong, they do at once.

All rules are among those of ``schedules`` as well, where it takes a thousand schedules until they meet in this way.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.model.schedules import BEHAVIOUR, Schedules

BEFORE_ITS_WRITES = st.sampled_from([4, 7])
"""Calls of a worker, the last of which writes outcomes (``upheaval.MAX_PAUSED`` counts them)."""
BEFORE_ITS_TAKE_OVER = 4
_RULE = "hypothesis_stateful_rule"


class Rivals(Schedules):
    """A planned fan-out, whose workers stand still while others come for their chunks."""

    @initialize(behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=3))
    def begin(self, behaviours: list[dict[str, Any]]) -> None:  # type: ignore[override]
        """Instead of a single task."""
        self._planned(behaviours)

    @rule(behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=3))
    def another(self, behaviours: list[dict[str, Any]]) -> None:
        """Of the first one all chunks may have ended."""
        self._planned(behaviours)

    @precondition(lambda self: self._running())
    @rule(data=st.data(), calls=BEFORE_ITS_WRITES, seconds=st.sampled_from([2000, 0]))
    def a_worker_is_late(self, data: st.DataObject, calls: int, seconds: int) -> None:
        """It goes on after another one has come for its chunk, whose lease may have been over."""
        Schedules.a_chunk_worker_stands_still(self, data, calls, seconds)
        self._wake_all()

    @precondition(lambda self: self._running())
    @rule(data=st.data(), calls=BEFORE_ITS_WRITES)
    def a_worker_of_the_run_before_is_faster(self, data: st.DataObject, calls: int) -> None:
        """It writes before that of the next run takes over what it saw."""
        Schedules.two_runs_meet(self, data, calls, BEFORE_ITS_TAKE_OVER)
        self._wake_all()


for _name in [name for name in dir(Schedules) if hasattr(getattr(Schedules, name), _RULE)]:
    setattr(Rivals, _name, None)
