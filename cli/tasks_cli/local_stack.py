"""The local cloud: its addresses, its users, and clients that reach nothing else."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tasks_cli.addresses import require_loopback
from tasks_cli.errors import BadInput

NAME = "local"
"""Its name for ``--stack``."""
DUMMY_KEY = "test"
CLONE = Path(__file__).resolve().parents[2]
"""The clone of this command, unless it was installed from elsewhere."""

Json = dict[str, Any]


def find() -> Path | None:
    """`stack.json` of the current directory, of one above it, or of the clone of this command.

    Within another clone, only of that one: tasks of one clone are not for the cloud of another.
    """
    for root in (*_here(), CLONE):
        path = root / ".local" / "stack.json"
        if path.is_file():
            return path
        if root != CLONE and _is_clone(root):
            return None
    return None


def copied() -> str | None:
    """What is wrong if this command is a copy, with its clone, and would run the code of the first one; else None."""
    clone = Path(sys.argv[0]).absolute().parent.parent.parent  # of .venv/bin/tasks
    if not _is_clone(clone) or not _is_clone(CLONE) or clone.samefile(CLONE):
        return None
    return f"{clone} was copied with its .venv, which is that of {CLONE}: run `make setup` in {clone}"


def _is_clone(folder: Path) -> bool:
    return (folder / "cli" / "tasks_cli").is_dir()


def _here() -> tuple[Path, ...]:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was deleted meanwhile
        return ()
    return (here, *here.parents)


def read(path: Path | None) -> Json:
    """The file's content, whose addresses are all on this machine. Raises :class:`BadInput`."""
    try:
        found: Json = json.loads(path.read_text(encoding="utf-8")) if path else {}
        if found:
            require_loopback(found["endpointUrl"])
            if found["apiUrl"]:
                require_loopback(found["apiUrl"])
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{path} cannot be read: {error}; start the local cloud anew with `make local-up`") from error
    if not found:
        raise BadInput("the local cloud is not up: start it with `make local-up`")
    return found


def person(stack: Json, name: str | None) -> Json:
    """A user of the local cloud, by default the first. Raises :class:`BadInput`."""
    users: list[Json] = stack["users"]
    if not users:
        raise BadInput("the local cloud has no HTTP API, or no users of its own (RestEndpoints, JwtIssuer)")
    for user in users:
        if name in (None, user["username"]):
            return user
    known = ", ".join(user["username"] for user in users)
    raise BadInput(f"--user {name}: the local cloud has no such user; it has {known}")


def client(service: str, endpoint_url: str, region: str) -> Any:
    """A boto3 client for the local cloud, which sees no profile, no credentials and no proxy of this machine."""
    import boto3
    import botocore.session
    from botocore.config import Config

    nowhere: dict[str, tuple[None, None, str | None, None]] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session: Any = boto3.Session(
        aws_access_key_id=DUMMY_KEY,
        aws_secret_access_key=DUMMY_KEY,
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=nowhere),
    )
    return session.client(service, endpoint_url=require_loopback(endpoint_url), config=Config(proxies={}))
