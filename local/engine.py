"""The AWS engine as a child process on a free loopback port."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from local import isolation
from local.errors import LocalCloudError
from local.gate import table
from local.paths import ROOT

START_SECONDS = 60
GRACE_SECONDS = 3
LAMBDA_CONCURRENCY = 24
"""Calls that run at the same time; each is a process of about 50 MB. User code takes 18 at most (samconfig.toml, and
``wiring``): what dispatches, answers and heals has always room."""

_open = build_opener(ProxyHandler({})).open  # past a proxy of the environment


class Engine:
    """One running engine: its address, and the means to end it together with every process it started."""

    def __init__(self, directory: Path, region: str) -> None:
        self._directory = directory
        self._region = region
        self._process: subprocess.Popen[bytes] | None = None
        self._secret = ""
        self.port = 0

    @property
    def endpoint_url(self) -> str:
        """Address of every AWS service of this engine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the engine; it leads a process group of its own."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start on a free port and return when it is healthy; try another port if a process was faster."""
        for _ in range(5):
            self.port = _free_port()
            self._launch()
            if self._wait_until_healthy():
                return
            self.stop()
        raise LocalCloudError(f"the engine did not start; its output is in {self._log}\n{self._log_end()}")

    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the engine and every process it started; when this returns, the port is free and the data gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # the group is the engine's own: itself and its workers
        process.wait()
        if process.stdin:
            process.stdin.close()
        shutil.rmtree(self._data, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._directory / "engine.log"

    @property
    def _data(self) -> Path:
        return self._directory / "engine"

    def _launch(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # of one that was killed
        scratch = self._data / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        self._secret = secrets.token_hex(8)
        env = isolation.environment(None, self._region) | {
            "AWS_ENDPOINT_URL": self.endpoint_url,  # reaches the handlers
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": self._region,
            "MINISTACK_EDITION": self._secret,  # the health page repeats it, which proves that it is ours
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_ACCOUNT_CONCURRENCY": str(LAMBDA_CONCURRENCY),
            "LOG_LEVEL": "WARNING",
            "STATE_DIR": str(self._data / "state"),
            "S3_DATA_DIR": str(self._data / "s3"),
            "TMPDIR": str(scratch),
            **table.environment(self._directory),
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(ROOT / "local" / "engine_process.py")],
                env=env,
                cwd=self._data,
                stdin=subprocess.PIPE,  # never written: it closes when this process ends, however it ends
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle, and workers can be ended as one group
            )

    def _wait_until_healthy(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.is_running():
            try:
                with _open(f"{self.endpoint_url}/_ministack/health", timeout=2) as answer:
                    # Another server may have taken the port between our look and the engine's: it has another secret.
                    return bool(json.load(answer).get("edition") == self._secret)
            except (OSError, ValueError):
                time.sleep(0.05)
        return False

    def _log_end(self) -> str:
        return "".join(self._log.read_text(errors="replace").splitlines(keepends=True)[-20:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
