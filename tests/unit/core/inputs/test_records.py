"""Inputs in the bucket: a reader of the whole and one of a part see the same elements; a broken line is named."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from serverless_tasks import InvalidInput
from serverless_tasks.core.fan_out.chunks import Limits
from serverless_tasks.core.fan_out.cuts import cut
from serverless_tasks.core.inputs import records as module
from serverless_tasks.core.inputs.json_text import split_lines
from serverless_tasks.core.inputs.marks import Marks
from serverless_tasks.core.inputs.opening import HEADER_LIMIT, opened
from serverless_tasks.core.inputs.records import DELIMITERS, Header, decode, decoder, records
from serverless_tasks.core.inputs.uploads import LINE_LIMIT, Format

MARK = b"\xef\xbb\xbf"
ENDS = st.sampled_from([b"\n", b"\r\n"])
BLOCKS = st.integers(1, 40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
INCHES = 'a quote inside of a field is written twice, and the field in quotes: "5"" pipe" for 5" pipe'
OLD_MAC = "a carriage return alone ends no line; save it with newlines (LF or CRLF)"
WHOLE = "each line of JSON Lines is a whole value: no brackets around all of them, no commas between them"
CELL = st.text(st.sampled_from('ab,"\n\r;é猫 \ufeff'), max_size=5)


def blocks(body, size):
    return [body[place : place + size] for place in range(0, len(body), size)]


def read_whole(body, written, size=7):
    header, found = opened(blocks(body, size), written)
    read = decoder(header)
    return [decode(record.text, record.line, read) for record in found]


def read_in_parts(body, written, chunk, size, limit):
    """As a plan cuts it and as the chunk workers read it."""
    header, found = opened(blocks(body, size), written)
    marks = Marks(limit)
    for record in found:
        marks.add(record.start, min(record.end, len(body)))
    elements = []
    for place in cut(marks.count, Limits(chunk), marks):
        part = body[place.byte_start : place.byte_end]
        texts = [record.text for record in records(blocks(part, size), written, place.byte_start)]
        assert len(texts) == place.count
        elements += map(decoder(header), texts)
    return elements


def check(body, written, expected, chunk, size, limit):
    assert read_whole(body, written, size) == expected
    assert read_in_parts(body, written, chunk, size, limit) == expected


@st.composite
def written_json(draw):
    """Elements, and a file of them with blank lines, either end of line, perhaps a mark and no newline at the end."""
    elements = draw(st.lists(JSON, max_size=12))
    lines = []
    for element in elements:
        lines += draw(st.lists(st.sampled_from([b"", b" ", b"\t "]), max_size=2))
        lines.append(json.dumps(element, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    body = b"".join(line + draw(ENDS) for line in lines)
    if draw(st.booleans()):
        body = body.removesuffix(b"\n")
    return elements, draw(st.sampled_from([b"", MARK])) + body


@given(written_json(), st.integers(1, 5), BLOCKS, st.integers(1, 4))
def test_json_lines_in_ranges_are_exactly_the_elements(written, chunk, size, limit):
    elements, body = written
    check(body, Format.JSONL, elements, chunk, size, limit)


@st.composite
def written_csv(draw):
    """Rows, and a file of them as Python writes it or with every cell in quotes; with ``sep=`` where it is needed."""
    # A mark at the very beginning of a file is no part of a name.
    name = CELL.filter(lambda cell: cell and not cell.startswith("\ufeff"))
    names = draw(st.lists(name, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(CELL, min_size=len(names), max_size=len(names)), max_size=8))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    delimiter = draw(st.sampled_from(DELIMITERS))
    alone = len(names) == 1 or (delimiter != "," and "," in "".join(names))
    said = draw(st.booleans()) or (alone and (delimiter != "," or ";" in names[0]))
    body = f"sep={delimiter}{end}".encode() if said else b""
    for row in [names, *rows]:
        text = io.StringIO()
        csv.writer(text, lineterminator="", quoting=quoting, delimiter=delimiter).writerow(row)
        body += text.getvalue().encode() + end.encode() * draw(st.integers(1, 2))
    if draw(st.booleans()):
        body = body.removesuffix(end.encode())
    return [dict(zip(names, row, strict=True)) for row in rows], draw(st.sampled_from([b"", MARK])) + body


@given(written_csv(), st.integers(1, 5), BLOCKS, st.integers(1, 4))
@example(([{"a": "\ufeff"}], b"a\n\xef\xbb\xbf"), 1, 1, 1)
def test_csv_in_ranges_is_exactly_the_elements(written, chunk, size, limit):
    elements, body = written
    check(body, Format.CSV, elements, chunk, size, limit)


@given(st.binary(max_size=60).map(lambda body: body.replace(b"x", b"\n")), BLOCKS)
def test_lines_end_at_a_newline_and_nowhere_else(body, size):
    wanted = body.split(b"\n")
    assert list(split_lines(blocks(body, size))) == (wanted if wanted[-1] else wanted[:-1])


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n\n", MARK, MARK + b"\n"])
@pytest.mark.parametrize("written", Format)
def test_an_input_without_anything_is_an_empty_list(body, written):
    assert read_whole(body, written) == []


def test_a_csv_of_a_header_alone_is_an_empty_list():
    assert read_whole(b"key\n", Format.CSV) == []


def test_a_mark_further_down_is_no_mark():
    with pytest.raises(InvalidInput, match="line 2: is not JSON"):
        read_whole(b"1\n" + MARK + b"2\n", Format.JSONL)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
        (b"1 2", "is not JSON: Extra data at character 3"),
        (b"[", f"is not JSON: Expecting value at character 2; {WHOLE}"),
        (b'{"a": 1},\r', f"is not JSON: Extra data at character 9; {WHOLE}"),
        (
            b"1\r2",
            "is not JSON: Extra data at character 3; a carriage return alone ends no line; save it with newlines",
        ),
        (b"NaN", "is not JSON: NaN is not a JSON value"),
        (b"1e999", "is not JSON: the number 1e999 is too large"),
        (b"[" * 101 + b"]" * 101, "is nested deeper than 100 levels"),
        (b"[" * 300_000 + b"]" * 300_000, "is nested deeper than 100 levels"),
        (b'"\xff"', "is not UTF-8 at byte 2"),
        (b'"\xed\xa0\x80"', "is not UTF-8 at byte 2"),
        (b"\x0b", "is not JSON: Expecting value at character 1"),
    ],
)
def test_a_broken_line_is_named_by_its_number(line, reason):
    # GIVEN it is the third, one of the others being blank
    with pytest.raises(InvalidInput) as caught:
        read_whole(b"1\n \r\n" + line + b"\n4\n", Format.JSONL)

    assert str(caught.value).startswith(f"inputRef: line 3: {reason}")


def test_a_hundred_levels_are_accepted():
    assert read_whole(b"[" * 100 + b"]" * 100, Format.JSONL)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a,b\n1,2\n\n3\n", "line 4: has 1 fields, the header has 2"),
        (b"a,b\n1,2,3\n", "line 2: has 3 fields, the header has 2"),
        (b'a,b\n"1\n\n",2\n3\n', "line 5: has 1 fields, the header has 2"),
        (b'a\n"x"y\n', f"line 2: is not CSV: {INCHES}"),
        (b'size,what\n"5" pipe",x\n', f"line 2: a quote is not closed; {INCHES}"),
        (b'size,what\n5" pipe,x\n6" pipe,y\n', f"line 2: is not CSV: {INCHES}"),
        (b'size,what\n5" pipe,x\n7,y\n', f"line 2: a quote is not closed; {INCHES}"),
        (b'size,what\n"5""\n6,x"\n', f"line 2: has 1 fields, the header has 2; {INCHES}"),
        (b"a\nx\ry\n", f"line 2: is not CSV: {OLD_MAC}"),
        (b"a,b\r1,2\r3,4\r", f"line 1: is not CSV: {OLD_MAC}"),
        (b'"a","b"\r"1","2"\r', f"line 1: is not CSV: {OLD_MAC}"),
        (b"a,b\r" + b"1,2\r" * 2000, f"line 1: the header has 8004 bytes, 4096 are allowed; {OLD_MAC}"),
        (b"Price, EUR;Name\n1;2\n", "line 2: has 1 fields, the header has 2; if ';' stands between them, say so by a"),
        (b"sep=x\na\n", "line 1: sep=x is no delimiter; it may be a comma, a semicolon or a tab"),
        (b'a\nx"\ny\n', "line 2: a quote is not closed"),
        (b'a\n"x\n1\n2', "line 2: a quote is not closed"),
        (b"a\n\xff\n", "line 2: is not UTF-8 at byte 1"),
        (b"\n\na,\n1,2\n", "line 3: the header has an empty name"),
        (b"\r\r\n", "line 1: the header has no names"),
        (b"a,b,a\n", "line 1: the header has the name 'a' more than once"),
        (b"a" * (HEADER_LIMIT + 1) + b"\n", "line 1: the header has 4097 bytes, 4096 are allowed"),
    ],
)
def test_a_broken_record_is_named_by_its_first_line(body, reason):
    with pytest.raises(InvalidInput) as caught:
        read_whole(body, Format.CSV)

    assert str(caught.value).startswith(f"inputRef: {reason}")


@pytest.mark.parametrize(
    "body",
    [
        b"a;b c\n1;2,5\n",
        b"a\tb c\n1\t2,5\n",
        b"sep=;\na;b c\n1;2,5\n",
        b'\xef\xbb\xbf"sep=;"\r\n\r\na;b c\r\n1;2,5\r\n',
        b"sep=\t\na\tb c\n1\t2,5\n",
        b'sep=,\na,b c\n1,"2,5"\n',
        b'"a";"b c"\n"1";"2,5"\n',
    ],
)
def test_a_delimiter_is_found_in_the_header_or_said_before_it(body):
    assert read_whole(body, Format.CSV) == [{"a": "1", "b c": "2,5"}]


@pytest.mark.parametrize("name", ['"a;b"', '"a\tb"', "a b"])
def test_a_name_alone_is_no_delimiter(name):
    assert read_whole(f"{name}\n1;2\n".encode(), Format.CSV) == [{name.strip('"'): "1;2"}]


def test_a_comma_that_parts_the_header_comes_first():
    assert read_whole(b"a;x,b;y\n1,2\n", Format.CSV) == [{"a;x": "1", "b;y": "2"}]


def test_a_header_is_kept_with_its_delimiter_unless_that_is_a_comma():
    assert Header(["a", "b"], ";").kept == {"header": ["a", "b"], "delimiter": ";"}
    assert Header(["a;b"]).kept == {"header": ["a;b"]}
    for header in (Header(["a", "b"], ";"), Header(["a;b"])):
        assert Header.of({"key": "k", **header.kept}) == header
    assert Header.of({"key": "k"}) is None


@pytest.mark.parametrize("written", Format)
@pytest.mark.parametrize("size", [1, 3, 65_536])
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("\ufeffa,b\n".encode("utf-16-be"), "is UTF-16; save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "has NUL bytes, perhaps of UTF-16; save it as UTF-8"),
        (gzip.compress(b"a,b\n", mtime=0), "is compressed by gzip; send it uncompressed"),
        (b"PK\x03\x04rest", "is a ZIP archive, as an Excel workbook is"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_what_it_is(body, what, written, size):
    with pytest.raises(InvalidInput) as caught:
        read_whole(body, written, size)
    assert str(caught.value).startswith(f"inputRef: {what}")


def test_lines_are_counted_blank_ones_too(monkeypatch):
    monkeypatch.setattr(module, "LINES_LIMIT", 5)
    for body in (b"1\n" * 5, b"\n" * 5, b'"\n\n\n\n"'):
        list(records([body], Format.CSV))
    for body in (b"1\n" * 6, b"\n" * 6, b'"\n\n\n\n\n"'):
        with pytest.raises(
            InvalidInput, match="inputRef: has more than 5 lines, blank ones too; split it into several"
        ):
            list(records([body], Format.CSV))


def test_a_line_that_is_too_long_may_have_been_several():
    with pytest.raises(InvalidInput, match="line 1: has more than 10 bytes; a carriage return alone ends no line"):
        list(split_lines([b"1234\r" * 3], 10))


def test_a_header_may_have_4096_bytes():
    assert read_whole(b"a" * HEADER_LIMIT + b"\n1\n", Format.CSV) == [{"a" * HEADER_LIMIT: "1"}]


@pytest.mark.parametrize("size", [65_536, 10 * LINE_LIMIT])
@pytest.mark.parametrize("excess", [-1, 0, 1])
@pytest.mark.parametrize("written", Format)
def test_a_line_may_have_3_000_000_bytes(excess, written, size):
    # GIVEN a line of that many, the last one or not
    line = b'"' + b"x" * (LINE_LIMIT - 2 + excess) + b'"'
    for body in (b"1\n" + line, b"1\n" + line + b"\n", b"1\n" + line + b"\n2\n"):
        if excess > 0:
            with pytest.raises(InvalidInput, match="inputRef: line 2: has more than 3000000 bytes"):
                read_whole(body, written, size)
            continue
        text = line[1:-1].decode()
        found = read_whole(body, written, size)
        assert found[:2] == [1, text][: len(found)] if written is Format.JSONL else found[0] == {"1": text}


def test_a_record_of_many_lines_ends_at_the_limit_before_all_of_it_is_in_memory():
    # GIVEN a quote that is never closed, and much behind it
    read = 0

    def body():
        nonlocal read
        yield b'a\n"'
        while read < 10 * LINE_LIMIT:
            read += 1000
            yield b"x" * 999 + b"\n"

    with pytest.raises(InvalidInput, match="line 2: a record has more than 3000000 bytes; perhaps a quote is not"):
        list(records(body(), Format.CSV))
    assert read < LINE_LIMIT + 3000


def test_a_line_ends_at_the_limit_before_all_of_it_is_in_memory():
    def body():
        yield b"x" * LINE_LIMIT
        yield b"x"
        raise AssertionError("was read on")

    with pytest.raises(InvalidInput, match="line 1: has more than 3000000 bytes"):
        list(split_lines(body(), LINE_LIMIT))


def test_without_a_limit_a_line_is_as_long_as_it_is():
    [line] = records([b"x" * LINE_LIMIT, b"x" * LINE_LIMIT], Format.JSONL, limit=None)

    assert (line.line, line.start, line.end, len(line.text)) == (1, 0, 2 * LINE_LIMIT + 1, 2 * LINE_LIMIT)


def test_a_field_may_be_as_long_as_a_record():
    assert read_whole(b"a\n" + b"x" * 200_000, Format.CSV) == [{"a": "x" * 200_000}]
