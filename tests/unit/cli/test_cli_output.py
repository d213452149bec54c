"""What is written is UTF-8 and JSON, whatever the system takes a file or a pipe for."""

import io
import json
import sys

import pytest
from tasks_cli import main, output

from tests.support.fake_api import task

HALF = "\ud83d"
"""Of a surrogate pair: valid in JSON, and no UTF-8."""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("value", ["ねこ 🐈", HALF], ids=["letters", "half a pair"])
def test_every_text_can_be_written_to_a_pipe_of_any_system(monkeypatch, encoding, value):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(main, "app", lambda **_: output.print_json_line(value))
    main.main()
    assert json.loads(written.getvalue().decode("utf-8")) == value


@pytest.mark.usefixtures("signed_in")
def test_half_a_pair_is_a_result_too(api, tasks, home):
    done = task("COMPLETED", attributes={"result": HALF})
    api.says("GET", f"/tasks/cat/{done['code']}", done)
    assert tasks("results", f"cat/{done['code']}", "-o", "result").exit_code == 0
    assert json.loads((home / "result").read_bytes()) == HALF
