"""A stack is rolled back: what the newest code has written is what an older version would have.

Of the same acts, at the same times, come the same items, objects, messages, records and answers to the state machine.
So the older version can go on with them, as with its own. What is new is reviewed, in ``comparing.ADDITIONS``.
"""

from fnmatch import fnmatchcase

import pytest

from tests.upgrade.comparing import ADDITIONS, BY_DEFINITION, additions, differences
from tests.upgrade.recordings import NEWEST, RECORDINGS, VERSIONS, Recording, record, written


def newly_written(recording: Recording) -> dict:
    """What the newest code writes of the same acts."""
    by_definition = any(fnmatchcase(recording.name, pattern) for pattern in BY_DEFINITION)
    old, definition = recording.content, recording.definition if by_definition else NEWEST
    return written(record(definition, old["settings"], old["acts"])["steps"])


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_what_is_written_is_what_the_older_version_wrote(recording: Recording) -> None:
    old = recording.content
    assert list(differences(written(old["steps"]), newly_written(recording)))[:10] == []


def test_there_are_recordings() -> None:
    assert "0.1.0-882b28c" in [version.name for version in VERSIONS]
    assert len(RECORDINGS) >= 33


def test_every_reviewed_addition_is_one() -> None:
    unused = set(ADDITIONS)
    for recording in RECORDINGS if unused else ():
        old = recording.content
        for where in additions(written(old["steps"]), newly_written(recording)):
            unused -= {pattern for pattern in unused if fnmatchcase(where, pattern)}
    assert unused == set()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"a": 1, "b": "[1]"}, []),
        ({"a": 1, "b": "[ 1 ]"}, []),
        ({"a": 1, "b": "[2]"}, ["/b/0 is 2, not 1"]),
        ({"a": True, "b": "[1]"}, ["/a is True, not 1"]),
        ({"b": "[1]"}, ["/a is gone: 1"]),
        ({"a": 1, "b": "[1]", "c": 2}, ["/c is new"]),
        ({"a": [1], "b": "[1, 1]"}, ["/a is [1], not 1", "/b has 2 entries, not 1"]),
    ],
)
def test_a_difference_is_named(found: dict, told: list[str]) -> None:
    assert list(differences({"a": 1, "b": "[1]"}, found)) == told
