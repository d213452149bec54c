"""A fork of this repository: a copy of what is deployed, changed as its owner would, and its local cloud."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from local.cloud import Connection
from local.locking import locked
from local.paths import BUILD, ROOT, SOURCES
from tools import yours

TASK_TYPES = Path("functions", "worker", "task_types")
PROBES = ROOT / "tests" / "e2e" / "task_types"
"""The task types that tests add to a fork."""
_COPIED = (*SOURCES, "local")
_NOT_COPIED = shutil.ignore_patterns("__pycache__")


def clone(root: Path) -> Path:
    """Copy everything that is committed here, or would be, as a fresh clone has it."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    return shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".git", *ignored))


def set_up(root: Path) -> None:
    """Make of a clone what the first `make` makes of it, with this repository's packages.

    Folders of links, not a link each: should make set one up again, then the links go, and not what they lead to.
    """
    for name in (".venv", ".venv-lint", ".venv-runtime"):
        source = Path(sys.prefix) if name == ".venv" else ROOT / name
        (root / name).mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (root / name / part).symlink_to(source / part)
        (root / name / ".ready").touch()
    # From the check before these tests. mypy sees a changed file by its hash.
    if (known := ROOT / ".mypy_cache").is_dir():
        shutil.copytree(known, root / known.name)


class Fork:
    """The copy, in a directory of its own. In place of this repository's task types it has the tests' own ``cat``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._environment: dict[str, str] = {}
        root.mkdir(parents=True)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=_NOT_COPIED)
            else:
                shutil.copy(source, root / name)
        for own in (path for path in (root / TASK_TYPES).iterdir() if path.name != "__init__.py"):
            shutil.rmtree(own) if own.is_dir() else own.unlink()
        shutil.copy(PROBES / "cat.py", root / TASK_TYPES)

    def built_like(self, other: Self) -> Self:
        """Take over what the other fork has built, so that building again installs no package twice."""
        return self._built_like(other.root)

    def built_like_this_repository(self) -> Self:
        """Take over what was built here, if anything was."""
        if BUILD.is_dir():
            with locked(BUILD.parent / "lock"):
                self._built_like(ROOT)
        return self

    def _built_like(self, root: Path) -> Self:
        shutil.copytree(root / ".aws-sam", self.root / ".aws-sam")
        return self

    def with_probes(self) -> Self:
        """Add all of the tests' own files to ``task_types``."""
        for file in PROBES.glob("*.py"):
            shutil.copy(file, self.root / TASK_TYPES)
        return self

    def with_grant(self, action: str, resource: str) -> Self:
        """Allow the task types something, where the template says that one does."""
        lines = ("- Effect: Allow", f"  Action: {action}", f"  Resource: {resource}")
        yours.write(self.root, "permissions of the handlers", "".join(f"          {line}\n" for line in lines))
        return self

    def with_recorder(self) -> Self:
        """Let every function write down its AWS calls; :attr:`recorded_calls` is where."""
        self.recorded_calls.mkdir()
        self._environment["RECORDED_CALLS"] = str(self.recorded_calls)
        return self

    @property
    def recorded_calls(self) -> Path:
        """A file for each function, by its deployed name."""
        return self.root.parent / "calls"

    def with_parameters(self, **parameters: str) -> Self:
        """Set parameters of the template for the local cloud, in samconfig.toml."""
        lines = "".join(f'  "{name}={value}",\n' for name, value in parameters.items())
        file = self.root / "samconfig.toml"
        before, section, rest = file.read_text(encoding="utf-8").partition("[local.deploy.parameters]\n")
        inside, end, behind = rest.partition("\n]\n")  # the last one wins
        assert section
        assert end
        file.write_text(f"{before}{section}{inside}\n{lines}]\n{behind}", encoding="utf-8")
        return self

    def with_change(self, name: str, old: str, new: str) -> Self:
        """Edit a file: the first ``old`` becomes ``new``."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        (self.root / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return self

    @contextmanager
    def running(self, *, with_sam: bool = False) -> Iterator[Connection]:
        """What `make local-up` runs, and at the end what `make local-down` runs."""
        self._local("up", *["--with-sam"] * with_sam)
        try:
            yield Connection.to(self.root / ".local")
        finally:
            self._local("down")

    def deploy(self) -> None:
        """What `make local-deploy` runs."""
        self._local("deploy")

    def workers(self, *functions: str) -> list[int]:
        """Process ids of these functions, as they run now in this fork's own engine."""
        server = int((self.root / ".local" / "server.pid").read_text(encoding="utf-8"))
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        )
        processes = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        engines = [pid for pid, parent, *_ in processes if parent == str(server)]
        return [
            int(pid)
            for pid, parent, *arguments in processes
            if parent in engines and any(f"-{function}-" in "".join(arguments) for function in functions)
        ]

    def _local(self, *arguments: str) -> None:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | self._environment
        command = [sys.executable, "-m", "local", *arguments]
        done = subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
