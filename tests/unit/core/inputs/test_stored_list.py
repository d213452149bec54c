"""A list that is read when it is asked for, and no more of it than is needed."""

import pytest
from serverless_tasks.core.inputs.stored_list import StoredList


class Source:
    """Three elements; ``log`` has what was read of them."""

    def __init__(self):
        self.log = []
        self.list = StoredList(3, self._read)

    def _read(self):
        for element in "abc":
            self.log.append(element)
            yield element


@pytest.fixture
def source():
    return Source()


def test_length_and_text_read_nothing(source):
    assert len(source.list) == 3
    assert repr(source.list) == "<3 elements, read when asked for>"
    assert bool(source.list)
    assert source.log == []


def test_iteration_reads_as_far_as_it_goes_and_each_time_anew(source):
    for wanted in ("a", "a"):
        assert next(iter(source.list)) == wanted
    assert source.log == ["a", "a"]
    assert list(source.list) == ["a", "b", "c"]
    assert list(source.list) == ["a", "b", "c"]
    assert source.log == list("aaabcabc")


def test_a_search_ends_where_it_finds(source):
    assert "b" in source.list
    assert source.log == ["a", "b"]


def test_an_index_reads_the_list_once_for_all(source):
    assert (source.list[1], source.list[-1], source.list[:2]) == ("b", "c", ["a", "b"])
    assert list(reversed(source.list)) == ["c", "b", "a"]
    assert (list(source.list), source.list.index("c")) == (["a", "b", "c"], 2)
    with pytest.raises(IndexError):
        source.list[3]
    assert source.log == ["a", "b", "c"]


def test_it_cannot_be_changed(source):
    with pytest.raises(TypeError):
        source.list[0] = "x"
