"""A stack is deployed over after any of its steps: the newest code goes on with all that an older version has left.

Its items, objects, messages and stream records are there, its executions go on by their own definition, and what is
begun from now on by the newest one.
"""

import pytest

from tests.upgrade.acts import play
from tests.upgrade.outcomes import outcome
from tests.upgrade.recordings import NEWEST, RECORDINGS, Recording
from tests.upgrade.states import state_after, take_up
from tests.upgrade.world import filled_in, world


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_what_is_under_way_ends_as_it_would_have(recording: Recording, subtests: pytest.Subtests) -> None:
    content = recording.content
    acts, steps = content["acts"], content["steps"]
    for number, step in enumerate(steps):
        with (
            subtests.test(f"after step {number}, {step['did']}"),
            world(NEWEST, content["settings"]) as upgraded,
        ):
            # GIVEN what the older version has left after this step
            take_up(upgraded, state_after(steps[: number + 1]), filled_in(recording.definition))

            # WHEN everything else happens to the newest code
            for _ in play(upgraded, acts, begun=step["act"]):
                pass

            # THEN every task, sub-task, call and message is there, once, and nothing is left undone
            assert outcome(upgraded) == content["end"]
