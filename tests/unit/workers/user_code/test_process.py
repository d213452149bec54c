"""What user code does to its process ends with its call: the framework and the next task find it as it was."""

import contextlib
import decimal
import gc
import io
import locale
import logging
import logging.config
import os
import random
import signal
import socket
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from serverless_tasks import TaskType
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.user_code import process
from serverless_tasks.workers.user_code.runner import Returned, run_within


def deaf():
    """All that keeps lines out of a log."""
    logging.disable(logging.CRITICAL)
    logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL", "handlers": []}})
    ours = logging.getLogger(logger.name)
    ours.setLevel("CRITICAL")
    for handler in ours.handlers:
        handler.setLevel("CRITICAL")
        handler.setFormatter(logging.Formatter("%(message)s"))
        handler.addFilter(lambda record: False)
    ours.handlers.clear()
    ours.addFilter(lambda record: False)
    ours.disabled = True


def exact():
    decimal.getcontext().prec = 2
    decimal.getcontext().traps[decimal.Inexact] = True


CHANGES = {
    "folder": lambda: os.chdir("/"),
    "environment": lambda: (os.environ.update(OWN="1", PATH="/nowhere"), os.environ.pop("HOME", None)),
    "signals": lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGINT)],
    "blocked signals": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]),
    "streams": lambda: [setattr(sys, name, None) for name in ("stdin", "stdout", "stderr")],
    "logging": deaf,
    "keys of the log": lambda: logger.append_keys(own=1),
    "warnings": lambda: warnings.simplefilter("ignore"),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "arithmetic": exact,
    "collection": gc.disable,
    "recursion limit": lambda: sys.setrecursionlimit(200),
    "switches of threads": lambda: sys.setswitchinterval(1),
    "timeout of sockets": lambda: socket.setdefaulttimeout(0.001),
}


@pytest.fixture
def plain_locale():
    """The locale that the test changes."""
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C")
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.mark.usefixtures("plain_locale")
@pytest.mark.parametrize("change", CHANGES)
def test_what_user_code_changes_of_its_process_is_put_back(change):
    before = [read() for read, _ in process.STATES]
    changed = []

    def run():
        CHANGES[change]()
        changed.append([read() for read, _ in process.STATES] != before)

    assert run_within(60, run) == Returned("null")
    assert changed == [True]
    assert [read() for read, _ in process.STATES] == before


def test_each_state_has_a_change_that_shows_it():
    assert len(CHANGES) == len(process.STATES)


def test_in_a_thread_nothing_is_put_back_since_its_neighbours_share_the_process():
    limit = sys.getrecursionlimit()
    try:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(run_within, 60, lambda: sys.setrecursionlimit(limit + 1)).result()
        assert sys.getrecursionlimit() == limit + 1
    finally:
        sys.setrecursionlimit(limit)


def test_a_signal_that_is_not_pythons_own_is_left_alone():
    before = process._signals()
    process._set_signals([None] * len(before))
    assert process._signals() == before


def test_a_folder_that_is_gone_cannot_be_put_back_and_harms_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)

    run_within(60, lambda: (os.chdir("/"), gone.rmdir(), gc.disable()))

    assert gc.isenabled()
    os.chdir(tmp_path)
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    run_within(60, lambda: os.chdir("/"))  # it was gone before the call: there is none to go back to


def test_the_framework_logs_on_after_user_code_that_turns_logging_off(stack):
    cat = TaskType("cat")
    cat.task(lambda event, context: deaf())
    heard = []
    watch = logging.Handler()
    watch.emit = heard.append
    logging.getLogger(logger.name).addHandler(watch)
    try:
        stack.run(stack.service.create_task("mbc", "cat", 1).key)
    finally:
        logging.getLogger(logger.name).removeHandler(watch)
    assert "task is COMPLETED" in [record.getMessage() for record in heard]


def test_a_seed_that_user_code_sets_is_not_the_one_of_our_waits():
    from serverless_tasks.adapters.clock import chance

    def after_the_seed():
        random.seed(1)
        return [chance() for _ in range(3)]

    assert after_the_seed() != after_the_seed()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("harm", ["close", "move"])
def test_descriptors_that_user_code_closes_or_moves_are_put_back(harm, number):
    before = os.fstat(number)

    def handler():
        other = os.open(os.devnull, os.O_RDWR)
        os.dup2(other, number)
        os.close(other)
        if harm == "close":
            os.close(number)

    assert run_within(60, handler) == Returned("null")
    assert os.path.samestat(os.fstat(number), before)


def test_a_descriptor_that_the_runtime_moves_between_calls_stays_so(tmp_path):
    run_within(60, lambda: None)
    before = os.dup(2)
    try:
        with (tmp_path / "log").open("wb") as log:
            os.dup2(log.fileno(), 2)
            run_within(60, lambda: os.close(2))
            assert os.path.samestat(os.fstat(2), os.fstat(log.fileno()))
    finally:
        os.dup2(before, 2)
        os.close(before)


def test_a_closed_stream_is_opened_anew_and_the_log_goes_there(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "stream", sys.stdout)

    run_within(60, lambda: sys.stdout.close())

    assert (sys.stdout.fileno(), sys.stdout.closed) == (1, False)
    assert handler.stream is sys.stdout


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (SystemExit(), 0, ""),
        (SystemExit(7), 7, ""),
        (SystemExit("no"), 1, ""),
        (ValueError("of the child"), 1, "ValueError: of the child\n"),
    ],
)
def test_a_forked_child_ends_as_a_program_does_and_never_goes_on_as_a_second_worker(
    error, code, said, monkeypatch, capsys
):
    def handler():
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout = sys.stderr = io.StringIO()  # pytest's would be written twice
        if error:
            raise error
        return None

    assert run_within(60, handler) == Returned(str(code))

    ends = []
    monkeypatch.setattr(process.os, "_exit", ends.append)
    monkeypatch.setattr(process.os, "getpid", iter(range(9)).__next__)
    with contextlib.suppress(BaseException), process.in_one_process():
        if error:
            raise error
    assert ends == [code]
    assert capsys.readouterr().err.endswith(said)


def test_a_child_that_a_module_forks_never_goes_on_as_a_second_worker(tmp_path):
    (tmp_path / "task_types").mkdir()
    (tmp_path / "task_types" / "__init__.py").touch()
    (tmp_path / "task_types" / "forks.py").write_text("import os\nif os.fork(): os.wait()\n")
    code = """
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.workers.user_code.loading import load_user_code
load_user_code(Settings())
print("loaded", flush=True)
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "loaded\n", done.stderr
