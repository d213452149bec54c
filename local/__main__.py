"""Commands of the local cloud, as the Makefile calls them."""

import argparse
import sys
import time
from pathlib import Path

from local import sam, server, settings
from local.cloud import Connection
from local.errors import LocalCloudError
from local.locking import locked
from local.paths import BUILD, STATE


def main() -> int:
    """Run one command; 0 if it succeeded."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "command",
        choices=["run", "serve", "up", "down", "deploy", "token", "build", "validate"],
        help="run: in the foreground, deploying every change; serve: the same without watching; up, down: in the "
        "background; deploy: changes, to the running one; token: print an ID token of a user; build, validate: "
        "as `sam` does",
    )
    parser.add_argument("username", nargs="?", help="for token (default: the first user)")
    parser.add_argument("--directory", type=Path, default=STATE, help="for stack.json and logs (default: .local)")
    parser.add_argument("--with-sam", action="store_true", help="deploy by `sam deploy` itself, which takes longer")
    given = parser.parse_args()
    try:
        _command(given.command, given.directory.resolve(), given.with_sam, given.username)
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _command(command: str, directory: Path, with_sam: bool, username: str | None) -> None:
    began = time.monotonic()
    match command:
        case "run" | "serve":
            server.serve(directory, _say, with_sam, watch=command == "run")
        case "up":
            for line in server.welcome(server.start(directory, _say, with_sam)):
                _say(line)
            _say(f"\nLogs are in {directory / 'logs'}; `make local-down` stops it")
            _say(f"Up after {time.monotonic() - began:.1f} s")
        case "down":
            _say("Stopped" if server.stop(directory) else "The local cloud is not up")
        case "deploy":
            _connected(directory).deploy(with_sam)
            _say(f"Deployed in {time.monotonic() - began:.1f} s")
        case "token":
            people = _connected(directory).sign_in()["users"]
            tokens = [user["token"] for user in people if username in (None, user["username"])]
            if not tokens:
                raise LocalCloudError(f"there is no user {username!r}")
            _say(tokens[0])
        case "build":
            with locked(BUILD.parent / "lock"):
                sam.build(settings.read())
            _say(f"Built into {BUILD}")
        case "validate":
            sam.validate(settings.read())


def _connected(directory: Path) -> Connection:
    if not server.is_up(directory):
        raise LocalCloudError("the local cloud is not up: start it with `make local-up` or `make local`")
    return Connection.to(directory)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
