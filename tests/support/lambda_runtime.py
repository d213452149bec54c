"""A function in Lambda's own runtime: AWS's runtime client, driven by AWS's runtime interface emulator, without Docker.

The interpreter is the one of ``.venv-runtime``, which has what Lambda's Python has and nothing else. The function finds
its code first and its layer next, as in Lambda, where they are ``/var/task`` and ``/opt/python``.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.http import Answer, request
from local.paths import ROOT
from local.settings import architecture

PYTHON = ROOT / ".venv-runtime" / "bin" / "python"
RUNS_HERE = sys.platform == "linux"
"""Whether AWS offers client and emulator for this system."""
START_SECONDS = 10
STOP_SECONDS = 5


class FunctionFailed(Exception):
    """What Lambda answers when a function raises or cannot even be imported."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


@dataclass(frozen=True)
class Function:
    """What Lambda knows of a function."""

    name: str
    handler: str
    code: Path
    layer: Path | None = None
    own_layers: tuple[Path, ...] = ()
    """Those that no other function has."""
    seconds: int = 30
    megabytes: int = 256
    environment: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The environment of its process; nothing of ours gets in."""
        layers = [self.layer] if self.layer else []
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(str(path) for path in (self.code, *layers, *self.own_layers)),
            "PYTHONDONTWRITEBYTECODE": "1",  # in Lambda neither code nor layer can be written
            "LAMBDA_TASK_ROOT": str(self.code),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.seconds),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.megabytes),
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            **self.environment,
        }


class RunningFunction:
    """A function that can be called."""

    def __init__(self, port: int, log: Path) -> None:
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._log = log

    def invoke(self, event: Any) -> Any:
        """What the function returns. Raises :class:`FunctionFailed`."""
        answer: Answer = request("POST", self._url, event)
        body = answer.body
        if answer.status != 200 or (isinstance(body, dict) and "errorType" in body):
            if not isinstance(body, dict):
                raise FunctionFailed("Unknown", f"{body}\n{self.log}")
            raise FunctionFailed(body["errorType"], body.get("errorMessage", ""))
        return body

    @property
    def log(self) -> str:
        """What it and the emulator wrote so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")


Start = Callable[[Function], RunningFunction]
"""Starts a function that its caller stops."""


def emulator(directory: Path) -> Path:
    """A copy of the emulator that SAM CLI brings along for its containers; its own need not be executable."""
    package = find_spec("samcli")
    if package is None or package.origin is None:
        raise RuntimeError("SAM CLI is missing from this environment")
    original = Path(package.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{architecture()}"
    copy = Path(shutil.copy(original, directory / "aws-lambda-rie"))
    copy.chmod(0o755)
    return copy


@contextmanager
def running(function: Function, program: Path) -> Iterator[RunningFunction]:
    """Start the function under the emulator ``program``; at the end it and its process are gone."""
    port, own_port = _free_ports(2)
    log = program.parent / f"{function.name}.log"
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{own_port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "--log-level", "warn", *addresses, PYTHON, "-m", "awslambdaric", function.handler],
            cwd=function.code,
            env=function.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(port, process, log)
        yield RunningFunction(port, log)
    finally:
        process.terminate()  # it ends the function's process, too
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # the function's process notices
            process.wait()


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"the emulator did not start:\n{log.read_text(errors='replace')}")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
