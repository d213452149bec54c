"""Clients of an older version ask the newest API: all that they were answered is there, whichever version wrote it.

Their cursors, keys and paths are those that the older version gave them. The rest of the stack is over moto: what goes
to queue, topics, bus and state machine is as it went there.
"""

from pathlib import Path

import pytest

from tests.upgrade.api_story import ended, play_story
from tests.upgrade.api_world import api_world
from tests.upgrade.comparing import differences, losses
from tests.upgrade.recordings import API, DEFINITION, VERSIONS, load

KEPT = [
    pytest.param(version, number, id=f"{version.name}-{number}")
    for version in VERSIONS
    for number, entry in enumerate(load(version / API)["entries"])
    if "state" in entry
]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_what_was_answered_and_sent_is_still(version: Path) -> None:
    recorded = load(version / API)
    with api_world() as world:
        found, end = list(play_story(world, recorded["entries"])), ended(world)
    assert losses(recorded["entries"], found)[:10] == []
    assert list(differences(recorded["end"], end))[:10] == []


@pytest.mark.parametrize(("version", "number"), KEPT)
def test_what_an_older_version_has_left_is_answered_as_it_would_have(version: Path, number: int) -> None:
    recorded = load(version / API)
    entries, end = recorded["entries"], recorded["end"]
    with api_world() as world:
        # GIVEN a table, bucket, queue, stream and executions as the older version has left them
        world.take_up(entries[number], (version / DEFINITION.name).read_text(encoding="utf-8"))

        # WHEN clients go on with what they had been answered, and the stack runs
        found = list(play_story(world, entries[number + 1 :]))

        # THEN every answer has all that the older version's had, and in the end everything is there, once
        assert losses(entries[number + 1 :], found)[:10] == []
        assert list(differences(end["state"], world.state()))[:10] == []
        assert sorted(world.calls_of_handlers) == end["calls"]
