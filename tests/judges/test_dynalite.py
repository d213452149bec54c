"""Every request that the integration tests make of DynamoDB, made of dynalite, too: it answers as moto does.

What it cannot judge is in ``tests.support.mirror.UNJUDGED``.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from local.paths import ROOT
from tests.support.mirror import JUDGED

pytestmark = pytest.mark.slow

LEFT_OUT = {
    "test_crash_points.py": "thousands of stacks, of the same requests",
    "test_lost_answers.py": "a request is made twice of moto and heard once",
    "test_forking.py": "asks nothing of DynamoDB",
}
UNORDERED = {
    "test_bounds.py::test_many_at_once_are_as_many_as_there_are_places": "two servers, two orders of the threads",
    "test_foreign_items.py::test_a_list_goes_on_over_foreign_items": "no order of equals in an index is promised",
}
EXPLAINED: dict[str, str] = {}
"""What dynalite says otherwise than AWS, by operation and both answers."""
_START = """
const server = require('dynalite')({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
"""


@pytest.fixture
def port(judges):
    process = subprocess.Popen(
        ["node", "-e", _START], cwd=judges.parent.parent, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_dynalite_answers_as_moto_does(port, tmp_path):
    file = tmp_path / "answers.jsonl"
    ignored = [f"--ignore=tests/integration/{name}" for name in LEFT_OUT]
    ignored += [f"--deselect=tests/integration/{name}" for name in UNORDERED]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.mirror", "tests/integration", *ignored]
    env = {**os.environ, "MIRROR": f"{port},{file}", "PYTHONPATH": str(ROOT / "layers" / "serverless_tasks")}
    done = subprocess.run([*command, "-m", "not slow"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-4000:]
    answers = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    differences = Counter(_said(answer) for answer in answers if "asked" in answer)
    assert set(differences) <= set(EXPLAINED), differences
    seen = {answer["operation"] for answer in answers}
    assert seen >= {"PutItem", "UpdateItem", "GetItem", "Query", "BatchGetItem"}
    assert seen <= {*JUDGED}


def _said(answer):
    def short(told):
        return told if isinstance(told, str) else "an answer"

    return f"{answer['operation']}: moto {short(answer['moto'])}, dynalite {short(answer['dynalite'])}"
