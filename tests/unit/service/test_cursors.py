"""Cursors come back to the query that made them, and to no other."""

import base64
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.service.pages import decode_cursor, encode_cursor, invalid_cursor

PARTS = st.none() | st.booleans() | st.integers() | st.text()
QUERIES = st.lists(PARTS, min_size=1, max_size=5)
POSITIONS = st.lists(PARTS | st.lists(PARTS), max_size=5)
QUERY = ["mbc", TaskKind.TASK, "cat", TaskStatus.FAILED]


def forged(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@given(QUERIES, POSITIONS)
def test_position_comes_back(query, position):
    assert decode_cursor(query, encode_cursor(query, position)) == position


@given(QUERIES, QUERIES, POSITIONS)
def test_cursor_of_another_query_is_refused(query, other, position):
    assume(json.dumps(query) != json.dumps(other))
    with pytest.raises(InvalidInput, match=r"^cursor: is not a cursor of this query"):
        decode_cursor(other, encode_cursor(query, position))


@pytest.mark.parametrize("place", range(len(QUERY)))
def test_cursor_is_bound_to_every_part_of_the_query(place):
    other = [*QUERY[:place], None, *QUERY[place + 1 :]]
    with pytest.raises(InvalidInput):
        decode_cursor(other, encode_cursor(QUERY, [1]))


@given(QUERIES, POSITIONS)
def test_cursor_needs_no_escaping_in_a_url(query, position):
    cursor = encode_cursor(query, position)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text())
@example("\u732b")
@example("a")
@example("")
@example("AA=A")
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidInput, match=r"^cursor: "):
        decode_cursor(QUERY, text)


@given(st.binary())
@example(b"[]")
@example(b"{}")
@example(b"5")
@example(b"null")
@example(b'""')
@example(b'"abc"')
@example(b'{"a":1}')
@example(b"[[]]")
@example(b'[{"a":1},2]')
@example(b"\xff")
@example(b"[" * 100_000)
@example(b"1" * 5000)
def test_any_other_content_is_refused(content):
    with pytest.raises(InvalidInput, match=r"^cursor: "):
        decode_cursor(QUERY, forged(content))


def test_error_says_what_to_do():
    assert str(invalid_cursor()) == ("cursor: is not a cursor of this query; leave it out to begin at the first page")
