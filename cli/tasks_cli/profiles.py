"""Profiles that are signed in to a stack: a file for each, which only its owner can read."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

from tasks_cli.atomic import PRIVATE, replacing
from tasks_cli.errors import BadInput

DEFAULT = "default"
DIRECTORY_VARIABLE = "TASKS_CONFIG_DIR"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """Addresses and tokens. Without a user pool, only ``api_url`` and ``id_token``."""

    api_url: str
    id_token: str
    refresh_token: str = ""
    username: str = ""
    region: str = ""
    user_pool_id: str = ""
    client_id: str = ""
    stack_name: str = ""
    endpoint_url: str = ""
    """Of the local cloud."""


def load(name: str) -> Profile | None:
    """The profile, None if there is none. Raises :class:`BadInput` for one that cannot be read."""
    path = _path(name)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Profile(**{field.name: str(said[field.name]) for field in fields(Profile) if field.name in said})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read: {type(error).__name__}; sign in again with `tasks login`") from None


def save(name: str, profile: Profile) -> Path:
    """Write the profile in one step, readable for its owner only; return its path."""
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({key: value for key, value in asdict(profile).items() if value}, indent=2)
    with replacing(path, PRIVATE) as file:
        file.write(f"{text}\n".encode())
    return path


def remove(name: str) -> None:
    """Forget the profile, if it is there."""
    _path(name).unlink(missing_ok=True)


def names() -> Iterator[str]:
    """Every profile, by name."""
    for path in sorted(_directory().glob("*.json")):
        if _NAME.fullmatch(path.stem):
            yield path.stem


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadInput(f"--profile {name!r}: must be 1 to 64 letters, digits, '_', '.' or '-'")
    return _directory() / f"{name}.json"


def _directory() -> Path:
    given = os.environ.get(DIRECTORY_VARIABLE)
    return Path(given) if given else platformdirs.user_config_path("serverless-tasks") / "profiles"
