"""Marks: exact up to a million elements, and beyond in the same memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.inputs.marks import Marks


def marked(count: int, limit: int) -> Marks:
    """Of elements of 10 bytes, the first at 3."""
    marks = Marks(limit)
    for index in range(count):
        marks.add(3 + 10 * index, 13 + 10 * index)
    return marks


@given(st.integers(0, 200), st.integers(1, 20))
def test_every_mark_is_where_its_element_is(count, limit):
    marks = marked(count, limit)

    assert marks.count == count
    assert count <= marks.step * limit
    assert marks.step == 1 or count > marks.step // 2 * limit  # no coarser than it must be
    assert [marks.at(index) for index in range(0, count, marks.step)] == list(range(3, 3 + 10 * count, 10 * marks.step))
    assert marks.at(count) == (3 + 10 * count if count else 0)


def test_between_marks_there_is_no_answer():
    marks = marked(7, 4)

    assert marks.step == 2
    with pytest.raises(ValueError, match="element 3 has no mark, only every 2th has"):
        marks.at(3)
    assert marks.at(7) == 73


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 10), st.data())
def test_a_reach_is_the_furthest_mark_within_both_limits(lengths, limit, data):
    marks, end = Marks(limit), 0
    for length in lengths:
        marks.add(end, end := end + length)
    places = [*range(0, len(lengths), marks.step), len(lengths)]
    here = data.draw(st.integers(0, len(places) - 2))
    count, size = data.draw(st.integers(1, 50)), data.draw(st.integers(0, 200))

    steps = -(-count // marks.step)
    within = [
        place for place in places[here + 1 : here + 1 + steps] if marks.at(place) - marks.at(places[here]) <= size
    ]
    assert marks.reach(places[here], count, size) == max(within, default=places[here + 1])
