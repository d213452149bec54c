"""Cuts: how a list becomes chunks, by elements and by bytes."""

from array import array
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.fan_out import cuts
from serverless_tasks.core.fan_out.chunks import CHUNK_BYTES, MAX_CHUNKS, Limits, Range
from serverless_tasks.core.fan_out.cuts import CHUNK_BYTES_LIMIT, chunk_size, cut, limits_for
from serverless_tasks.core.inputs.marks import Marks

COUNTS = st.integers(0, 10**7)
MB = 1_000_000


def marked(*parts, limit=1000):
    """Of so many elements of so many bytes, one part after the other."""
    marks, end = Marks(limit), 0
    for count, length in parts:
        for _ in range(count):
            marks.add(end, end := end + length)
    return marks


@pytest.mark.parametrize(
    ("count", "concurrency", "wanted", "size"),
    [
        (0, 20, None, 1),
        (1, 20, None, 1),
        (40, 20, None, 1),
        (41, 20, None, 2),
        (100, 20, None, 3),
        (3364, 20, None, 85),
        (40_000, 20, None, 1000),
        (40_001, 20, None, 1000),
        (1_000_000, 20, None, 1000),
        (1_000_001, 20, None, 1001),
        (10**7, 20, None, 10_000),
        (100, 1, None, 50),
        (0, 20, 7, 7),
        (100, 20, 1, 1),
        (100, 20, 500, 500),
        (1000, 20, 1, 1),
        (1001, 20, 1, 2),
        (10**7, 20, 500, 10_000),
    ],
)
def test_chunk_size_is_that_of_the_design(count, concurrency, wanted, size):
    assert chunk_size(count, concurrency, wanted) == size


@given(COUNTS, st.integers(1, 1000), st.none() | st.integers(1, 10_000))
@example(10**7, 1000, 1)
@example(0, 1, None)
def test_list_is_cut_into_at_most_a_thousand_chunks_without_gap_or_overlap(count, concurrency, wanted):
    size = chunk_size(count, concurrency, wanted)
    ranges = list(cut(count, Limits(size)))
    assert len(ranges) <= MAX_CHUNKS == 1000
    assert [place.number for place in ranges] == list(range(len(ranges)))
    assert [place.first for place in ranges] == [number * size for number in range(len(ranges))]
    assert [place.count for place in ranges[:-1]] == [size] * (len(ranges) - 1)
    assert sum(place.count for place in ranges) == count
    assert all(0 < place.count <= size for place in ranges)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 20))
def test_byte_ranges_hold_exactly_the_lines_of_their_elements(lengths, size):
    marks = Marks()
    for number, length in enumerate(lengths):
        marks.add(sum(lengths[:number]), sum(lengths[:number]) + length)
    ranges = list(cut(len(lengths), Limits(size), marks))
    assert [replace(place, byte_start=None, byte_end=None) for place in ranges] == list(cut(len(lengths), Limits(size)))
    for place in ranges:
        assert place.byte_start == sum(lengths[: place.first])
        assert place.byte_end - place.byte_start == sum(lengths[place.first : place.first + place.count])


def test_ranges_of_an_inline_input_have_no_bytes():
    assert list(cut(3, Limits(2))) == [Range(0, 0, 2), Range(1, 2, 1)]


def test_chunks_are_cut_at_coarse_marks():
    marks = Marks(3)
    for index in range(10):
        marks.add(3 + 10 * index, 13 + 10 * index)

    assert marks.step == 4
    assert [(place.first, place.count, place.byte_start, place.byte_end) for place in cut(10, Limits(3), marks)] == [
        (0, 4, 3, 43),
        (4, 4, 43, 83),
        (8, 2, 83, 103),
    ]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 50)), min_size=1, max_size=6),
    st.integers(1, 50),
    st.none() | st.integers(1, 100),
    st.integers(1, 20),
    st.integers(3, 300),
)
def test_every_element_is_in_one_chunk_and_the_bounds_hold(parts, concurrency, wanted, most, limit):
    marks = marked(*parts, limit=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "MAX_CHUNKS", most)
        patch.setattr(cuts, "CHUNK_BYTES", 100)
        limits = limits_for(marks.count, concurrency, wanted, marks)
        size = chunk_size(marks.count, concurrency, wanted)

    places = list(cut(marks.count, limits, marks))
    assert [place.number for place in places] == list(range(len(places)))
    assert [place.first for place in places] == [sum(p.count for p in places[:number]) for number in range(len(places))]
    assert sum(place.count for place in places) == marks.count
    assert [place.byte_start for place in places] == [0, *(place.byte_end for place in places[:-1])]
    assert places[-1].byte_end == marks.end
    assert len(places) <= most
    assert all(place.count < limits.count + marks.step for place in places)
    assert all(place.bytes <= limits.bytes or place.count <= marks.step for place in places)
    if limits != Limits(size, 100):  # they grew no more than they had to
        assert len(list(cut(marks.count, Limits(size, 100), marks))) > most


@pytest.mark.parametrize(
    ("parts", "wanted", "counts"),
    [
        ([(100, CHUNK_BYTES // 10)], None, [10] * 10),
        ([(100, CHUNK_BYTES // 10 + 1)], None, [9] * 11 + [1]),
        ([(100, CHUNK_BYTES // 100)], None, [50, 50]),
        ([(100, 3 * MB)], None, [22, 22, 22, 22, 12]),
        ([(3, CHUNK_BYTES * 2)], None, [1, 1, 1]),
        ([(100, CHUNK_BYTES // 10)], 70, [10] * 10),  # whatever the type says
        ([(30, 3 * MB), (970, 1)], None, [22, 500, 478]),  # which on average have 90 KB
    ],
)
def test_a_chunk_of_a_heavy_input_has_64_mb(parts, wanted, counts):
    marks = marked(*parts)

    limits = limits_for(marks.count, 1, wanted, marks)

    assert limits.bytes == CHUNK_BYTES
    assert [place.count for place in cut(marks.count, limits, marks)] == counts


@pytest.mark.parametrize(("number", "step"), [(10**6, 1), (10**7, 16)])
def test_the_longest_lists_are_a_thousand_chunks_wherever_they_are_heavy(number, step):
    # 300 lines of 3 MB in the middle of others of 100 bytes
    marks = Marks()
    marks.count, marks.step = number, step
    heavy, light = 3 * MB * step, 100 * step
    lengths = [heavy if 5000 <= place < 5300 else light for place in range(-(-number // step))]
    marks._starts = array("Q", [0])
    for length in lengths[:-1]:
        marks._starts.append(marks._starts[-1] + length)
    marks.end = marks._starts[-1] + lengths[-1]

    places = list(cut(number, limits_for(number, 20, None, marks), marks))

    assert 500 < len(places) <= MAX_CHUNKS
    assert max(place.bytes for place in places) < 2 * CHUNK_BYTES


def test_what_cannot_be_cut_is_refused_when_it_is_too_large():
    limits_for(2, 1, None, marked((1, 5), (1, CHUNK_BYTES_LIMIT)))

    with pytest.raises(InvalidInput) as caught:
        limits_for(2, 1, None, marked((1, 5), (1, CHUNK_BYTES_LIMIT + 1)))

    assert str(caught.value) == (
        "inputRef: sub-tasks 1 to 1 have 268435457 bytes in one piece, 268435456 are allowed; "
        "store what is large, and let elements give its key"
    )
