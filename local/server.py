"""Runs the local cloud until it is stopped, and starts and stops it in the background."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from local import isolation, settings
from local import stack as stack_file
from local.cloud import LocalCloud
from local.errors import LocalCloudError
from local.locking import held_until_exit, locked
from local.paths import ROOT, SOURCES
from local.stack import Stack

SIGN_IN_SECONDS = 45 * 60
"""Tokens last an hour."""
STOP_SECONDS = 30
_LOOK_SECONDS = 0.5

Say = Callable[[str], None]
_started: list[subprocess.Popen[bytes]] = []
"""Servers that outlive this process; dropping one would make Python warn that it still runs."""


def serve(directory: Path, say: Say, with_sam: bool = False, watch: bool = False) -> None:
    """Run the local cloud in this directory until a signal or Ctrl-C; watch: deploy again when a source changes."""
    if not held_until_exit(directory / "server.lock"):
        raise LocalCloudError("the local cloud is already up (`make local-down` stops it)")
    pid_file = directory / "server.pid"
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with LocalCloud(directory, with_sam=with_sam, say=say) as cloud:
            for line in welcome(cloud.stack):
                say(line)
            _run(cloud, say, watch)
    except KeyboardInterrupt:
        say("Stopped")
    finally:
        pid_file.unlink(missing_ok=True)


def start(directory: Path, say: Say, with_sam: bool = False) -> Stack:
    """Start the local cloud in the background and return its stack when it is ready."""
    if is_up(directory):
        say("The local cloud is already up")
        return _wait_until_ready(directory, None)
    directory.mkdir(parents=True, exist_ok=True)
    stack_file.remove(directory)  # of one that was killed; the new one says by this file that it is ready
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "serve", "--directory", str(directory), *["--with-sam"] * with_sam],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # lives on when the terminal goes
        )
    _started.append(process)
    return _wait_until_ready(directory, process)


def stop(directory: Path) -> bool:
    """Stop the local cloud of this directory; return whether there was one."""
    if not is_up(directory):
        stack_file.remove(directory)
        return False
    pid = _pid(directory)
    os.kill(pid, signal.SIGTERM)
    if not _ended(directory, STOP_SECONDS):
        os.kill(pid, signal.SIGKILL)  # the engine notices that its launcher is gone and ends by itself
        if not _ended(directory, STOP_SECONDS):
            raise LocalCloudError(f"process {pid} does not end")
    for process in _started:
        if process.pid == pid:
            process.wait()  # its lock is free an instant before it is gone
    stack_file.remove(directory)
    return True


def is_up(directory: Path) -> bool:
    """Whether a process serves this directory, by its lock: process ids are used again."""
    if not (directory / "server.lock").exists():
        return False
    with locked(directory / "server.lock", wait=False) as free:
        return not free


def welcome(stack: Stack) -> Iterator[str]:
    """Yield addresses, users, and commands to try."""
    if settings.runtime() != settings.NEWEST_RUNTIME:
        yield f"{settings.runtime()} stands in for {settings.NEWEST_RUNTIME} here"
    yield ""
    key = isolation.DUMMY_KEY
    yield f"AWS endpoint  {stack['endpointUrl']}  (key id and secret key: {key}, region: {stack['region']})"
    if not stack["users"]:
        return
    yield f"HTTP API      {stack['apiUrl']}"
    yield f"API docs      {stack['apiUrl']}/docs"
    if stack["consoleUrl"]:
        yield f"Console       {stack['consoleUrl']}"
    for user in stack["users"]:
        yield f"\n{user['username']} of tenant {user['tenant']}, password {user['password']}, ID token:"
        yield user["token"]
    yield "\nTry (a token lasts an hour; `token` below gives a new one):"
    yield f"  API='{stack['apiUrl']}'"
    yield f"  TOKEN=$({os.path.relpath(sys.executable)} -m local token {stack['users'][0]['username']})"
    for path, body in (
        ("/tasks", '{"taskType": "cat", "input": {"key": "value"}}'),
        ("/tasks/step-function-task", '{"taskType": "cat", "input": [{"key": "value1"}, {"key": "value2"}]}'),
    ):
        yield f"""  curl -s "$API{path}" -H "Authorization: Bearer $TOKEN" -d '{body}'"""
    yield """  curl -s "$API/tasks" -H "Authorization: Bearer $TOKEN" """.rstrip()


def _run(cloud: LocalCloud, say: Say, watch: bool) -> None:
    if watch:
        say("\nWatching the sources: a change is deployed when it is saved. Ctrl-C stops.")
    signed_in = time.monotonic()
    before = _changes()
    while True:
        time.sleep(_LOOK_SECONDS)
        if cloud.engine is None or not cloud.engine.is_running():
            raise LocalCloudError(f"the engine has ended; its output is in {cloud.directory / 'engine.log'}")
        if time.monotonic() - signed_in > SIGN_IN_SECONDS:
            cloud.sign_in()
            signed_in = time.monotonic()
        if watch and (now := _changes()) != before:
            before = now
            _deploy_again(cloud, say)


def _deploy_again(cloud: LocalCloud, say: Say) -> None:
    began = time.monotonic()
    try:
        cloud.deploy()
    except (LocalCloudError, BotoCoreError, ClientError) as error:  # half-written code is no reason to stop
        say(f"Not deployed: {error}")
    else:
        say(f"Deployed in {time.monotonic() - began:.1f} s")


def _changes() -> dict[Path, int]:
    """Return the time of the last change of every source file."""
    times = {}
    for source in SOURCES:
        path = ROOT / source
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                with contextlib.suppress(FileNotFoundError):
                    times[file] = file.stat().st_mtime_ns
    return times


def _wait_until_ready(directory: Path, process: subprocess.Popen[bytes] | None) -> Stack:
    """Wait for stack.json; process: the one that will write it, None if another start is under way."""
    while True:
        if stack := stack_file.read(directory):
            return stack
        running = process.poll() is None if process else is_up(directory)
        if not running:
            raise LocalCloudError((directory / "server.log").read_text(encoding="utf-8", errors="replace").rstrip())
        time.sleep(0.1)


def _pid(directory: Path) -> int:
    """Return the server's process id, which it writes right after it took its lock."""
    for _ in range(20):
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((directory / "server.pid").read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise LocalCloudError(f"{directory / 'server.pid'} does not say which process to stop")


def _ended(directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_up(directory):
            return True
        time.sleep(0.1)
    return False


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: stopping is under way
    raise KeyboardInterrupt
