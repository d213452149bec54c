"""Calls the real SAM CLI, kept on this machine."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local import isolation
from local.errors import LocalCloudError
from local.paths import BUILD, ROOT, SAM_CONFIG, TEMPLATE
from local.settings import ENVIRONMENT, Settings

_CONFIG = ("--config-file", str(SAM_CONFIG), "--config-env", ENVIRONMENT)


def build(settings: Settings) -> None:
    """Build functions and layers for this machine's runtime into .aws-sam/build; print warnings about task types."""
    said = _sam(settings, None, "build", "--template-file", str(TEMPLATE), "--build-dir", str(BUILD))
    for line in said.splitlines():
        if line.startswith("Warning: "):
            print(line, file=sys.stderr, flush=True)


def validate(settings: Settings) -> None:
    """Check the template with `sam validate --lint`."""
    _sam(settings, None, "validate", "--lint", "--template-file", str(TEMPLATE), parameters=False)


def deploy(settings: Settings, endpoint_url: str) -> None:
    """Deploy the build with `sam deploy`, as to AWS. Slower than `local.deployment`, same result."""
    built = str(BUILD / "template.yaml")
    _sam(settings, endpoint_url, "deploy", "--template-file", built, "--region", settings.region)


def _sam(settings: Settings, endpoint_url: str | None, command: str, *options: str, parameters: bool = True) -> str:
    """Run a command; return its standard error."""
    # Without an address boto3 in SAM CLI would call AWS; at a port without a listener it fails instead.
    env = isolation.environment(endpoint_url or "http://127.0.0.1:9", settings.region)
    # `sam build` looks for the runtime's own python3.x: the virtual environment has it.
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env["PYTHON_RUNTIME"] = settings.parameters["PythonRuntime"]  # what the layer's Makefile compiles for
    env["__SAM_CLI_APP_DIR"] = str(_home())
    arguments = [sys.executable, "-m", "samcli", command, *_CONFIG, *options]
    if parameters:
        arguments += ["--parameter-overrides", *settings.parameter_overrides()]
    with tempfile.TemporaryDirectory() as scratch:  # SAM CLI leaves empty directories in it
        env["TMPDIR"] = scratch
        done = subprocess.run(arguments, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalCloudError(f"sam {command} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stderr


def _home() -> Path:
    """Return SAM CLI's own directory, which says that it just looked for a newer version."""
    home = BUILD.parent / "cli"
    home.mkdir(parents=True, exist_ok=True)
    metadata = {"lastVersionCheck": time.time(), "telemetryEnabled": False}
    (home / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return home
