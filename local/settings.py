"""Settings of the deployment: the environment `local` of samconfig.toml, fitted to this machine."""

import platform
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalCloudError
from local.paths import SAM_CONFIG

ENVIRONMENT = "local"
NEWEST_RUNTIME = "python3.13"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Settings:
    """Name, region and parameters of the stack."""

    stack_name: str
    region: str
    parameters: Mapping[str, str]

    def parameter_overrides(self) -> list[str]:
        """Return the parameters in SAM CLI's format."""
        return [f"{name}={value}" for name, value in self.parameters.items()]


def read(path: Path = SAM_CONFIG, overrides: Mapping[str, str] | None = None) -> Settings:
    """Return the settings, with this machine's own runtime and processor, and the caller's parameters on top."""
    section = tomllib.loads(path.read_text(encoding="utf-8"))[ENVIRONMENT]["deploy"]["parameters"]
    parameters = dict(entry.split("=", 1) for entry in section["parameter_overrides"])
    parameters |= {"PythonRuntime": runtime(), "Architecture": architecture()}
    return Settings(section["stack_name"], section["region"], parameters | dict(overrides or {}))


def runtime() -> str:
    """Return the Lambda runtime of this interpreter, on which functions run here."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def architecture() -> str:
    """Return this machine's processor by Lambda's name for it."""
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise LocalCloudError(f"Lambda has no processor like this machine's ({machine})")
    return _ARCHITECTURES[machine]
