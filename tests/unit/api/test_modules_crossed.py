"""How many modules a reader opens to follow the request that creates a task: those whose functions it enters."""

from tests.support.crossings import entered

MOST = 13
"""Of the API's folder and the layer. The number only falls."""


def test_a_creation_crosses_no_more_modules_than_a_reader_can_follow(api):
    api.create("cat", 1)  # a warm function, whose clients are made
    with entered(crossed := set()):
        api.create("cat", 1)
    assert {"api.app", "service.creation"} <= crossed
    assert len(crossed) <= MOST, sorted(crossed)
