"""A function's process talks to the engine where user code, and what it starts, cannot reach."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.gate import engine_workers, table

ENGINE = """
import sys, json
answers = sys.stdout
sys.stdout = sys.stderr
while line := sys.stdin.readline():
    exec(json.loads(line)["code"], {"__name__": "handler"})
    answers.write(json.dumps({"status": "ok"}) + "\\n")
    answers.flush()
"""
"""As the engine's own script reads messages and answers them."""


def _worker(tmp_path: Path, *codes: str, script: str = "_worker.py") -> subprocess.CompletedProcess[bytes]:
    """The answers and the log of a process that runs these, one with each message, and one more in the end."""
    program = tmp_path / script
    program.write_text(ENGINE)
    messages = "".join(json.dumps({"code": code}) + "\n" for code in [*codes, "print('the last')"])
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "PYTHONPATH": table.environment(tmp_path)["PYTHONPATH"],
    }
    return subprocess.run(
        [sys.executable, program], input=messages.encode(), env=environment, capture_output=True, timeout=60, check=True
    )


HARM = {
    "a process that prints": "import subprocess; subprocess.run(['echo', 'of a process'])",
    "bytes": "import os; os.write(1, b'\\xff of a process\\n')",
    "a process that reads": "import subprocess; print(subprocess.run(['cat']).returncode, 'of a process')",
    "input": "try: input()\nexcept EOFError: print('of a process')",
    "breakpoint": "import bdb\ntry: breakpoint()\nexcept bdb.BdbQuit: print('of a process')",
    "a read of all": "import sys; print(repr(sys.stdin.read()), sys.stdin.readlines(), 'of a process')",
    "a read of the descriptor": "import os; print(os.read(0, 1000), 'of a process')",
    "a closed input": "import sys; sys.stdin.close(); print('of a process')",
    "an own standard output": "import sys; sys.__stdout__.write('of a process\\n'); sys.__stdout__.flush()",
    "many lines": "import sys\nfor _ in range(100_000): sys.stderr.write('of a process\\n')",
    "a fork that runs on": "import os; os.fork(); print('of a process')",
}


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[bytes]:
    """One process to which all of it was done, one after the other."""
    codes = [code.replace("of a process", f"of {name}") for name, code in HARM.items()]
    return _worker(tmp_path_factory.mktemp("worker"), *codes)


def test_user_code_answers_no_message_and_reads_none(harmed):
    assert harmed.stdout == b'{"status": "ok"}\n' * (len(HARM) + 1)
    assert b"the last\n" in harmed.stderr


@pytest.mark.parametrize("harm", HARM)
def test_what_user_code_prints_in_whatever_way_is_in_the_log(harm, harmed):
    assert f"of {harm}\n".encode() in harmed.stderr


def test_a_python_that_user_code_starts_keeps_its_streams(tmp_path):
    code = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(6 * 7)'], text=True))"
    assert b"42\n" in _worker(tmp_path, code).stderr


def test_lines_of_a_handler_say_their_task_and_those_of_the_logger_do_so_themselves(tmp_path):
    keys = {"taskType": "cat", "taskId": "TASK#mbc#cat#01J"}
    of_the_layer = f"""
import sys, types
log = types.SimpleNamespace(logger=types.SimpleNamespace(get_current_keys=lambda: {keys!r}))
sys.modules["serverless_tasks.adapters.log"] = log
"""
    code = "print('one', end=' '); print('line'); print('two\\nthree\\n'); print('{\"level\":\"INFO\"}')"
    done = _worker(tmp_path, "print('before')", of_the_layer, code)
    marked = "cat/01J: one line\ncat/01J: two\ncat/01J: three\n\n"
    assert done.stderr.decode() == f'before\n{marked}{{"level":"INFO"}}\ncat/01J: the last\n'


class Process:
    """A function's process, as the engine holds it."""

    def __init__(self, *, in_use: bool, alive: bool = True) -> None:
        self.in_use = in_use
        self._proc = SimpleNamespace(poll=lambda: None if alive else 1, stderr=None)
        self._lock = self
        self.waits = 0

    def __enter__(self) -> None:
        self.waits += 1
        self.in_use = self.waits < 3  # an invocation ends

    def __exit__(self, *_: object) -> None: ...


def test_a_deployment_lets_running_invocations_finish(monkeypatch):
    monkeypatch.setattr(engine_workers.time, "sleep", lambda seconds: None)
    began = []
    monkeypatch.setattr(
        engine_workers.threading,
        "Thread",
        lambda target, args, daemon: began.append((target, args)) or SimpleNamespace(start=int),
    )
    killed = []
    idle, busy, dead = Process(in_use=False), Process(in_use=True), Process(in_use=True, alive=False)

    engine_workers.patient(killed.append)([idle, busy, dead])
    assert killed == [[idle]]
    for wait, args in began:
        wait(*args)
    assert killed == [[idle], [busy], [dead]]
    assert (busy.waits, dead.waits) == (3, 0)


def test_bytes_that_are_no_text_do_not_end_the_reading_of_a_log(tmp_path):
    (tmp_path / "log").write_bytes(b"\xff\nnext\n")
    worker = SimpleNamespace(_proc=SimpleNamespace(stderr=(tmp_path / "log").open(encoding="utf-8")))
    read = []
    engine_workers.lenient(lambda worker: read.extend(worker._proc.stderr))(worker)
    worker._proc.stderr.close()
    assert read == ["\\xff\n", "next\n"]
