"""Marks: exact up to a million elements, and beyond in the same memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.chunks import CHUNK_BYTES, MAX_CHUNKS, chunk_size, cut
from serverless_tasks.core.marks import MARK_LIMIT, Marks


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


@given(st.integers(1, 10**7), st.integers(1, 1000), st.none() | st.integers(1, 20_000))
def test_chunks_begin_at_marks_and_are_a_thousand_at_most(count, concurrency, wanted):
    marks = Marks()
    marks.count = marks.end = count
    while marks.step * MARK_LIMIT < count:
        marks.step *= 2
    step = marks.step

    size = chunk_size(count, concurrency, wanted, marks)

    assert size % step == 0
    assert size - step < chunk_size(count, concurrency, wanted) <= size
    assert -(-count // size) <= MAX_CHUNKS


@pytest.mark.parametrize(
    ("count", "size_of_one", "wanted", "size"),
    [
        (100, CHUNK_BYTES // 10, None, 10),
        (100, CHUNK_BYTES // 10 + 1, None, 9),
        (100, CHUNK_BYTES // 100, None, 50),
        (100, 3_000_000, None, 22),
        (100, CHUNK_BYTES * 2, None, 1),
        (10_000, CHUNK_BYTES, None, 10),  # a thousand chunks, whatever it weighs
        (100, CHUNK_BYTES, 70, 70),  # the type says so
    ],
)
def test_a_chunk_of_a_heavy_input_has_64_mb(count, size_of_one, wanted, size):
    marks = Marks()
    marks.count, marks.end = count, count * size_of_one

    assert chunk_size(count, 1, wanted, marks) == size


def test_chunks_are_cut_at_coarse_marks():
    marks = marked(10, 3)

    assert marks.step == 4
    assert [(place.first, place.count, place.byte_start, place.byte_end) for place in cut(10, 4, marks)] == [
        (0, 4, 3, 43),
        (4, 4, 43, 83),
        (8, 2, 83, 103),
    ]
