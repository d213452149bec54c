"""Writes down which task types a deployment has, for `GET /task-types`: what `sam build` runs for TaskTypesLayer.

    python task_types_file.py <file to write>

in a copy of functions/worker. It stands beside the package, and so ships with no function. A build does not fail for
what this machine cannot import: the file says then that it is not complete, and the API takes any type.
"""

import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
SECONDS = 300
"""For importing. What takes longer waits for something that is not there."""
NOT_COMPLETE = "So the API does not know all task types, and takes any"
DESCRIPTION_LIMIT = 1000
"""Characters of a description."""
ENVIRONMENT = {
    # A client that a file makes when it is imported works, and reaches nothing.
    "AWS_ACCESS_KEY_ID": "build",
    "AWS_SECRET_ACCESS_KEY": "build",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
    # What the template gives to every worker.
    "TABLE_NAME": "build",
    "BUCKET_NAME": "build",
    "PYTHONHASHSEED": "0",  # the same files give the same bytes
    "PYTHONDONTWRITEBYTECODE": "1",
}

Json = dict[str, Any]


def main(target: Path) -> int:
    """Write the file for the task types of the current directory. Fails for Python that is none, and for that only."""
    worker = Path.cwd()
    if problems := list(_broken(worker)):
        print("\n".join(problems), file=sys.stderr)
        return 1
    written = _imported(worker, _packages(worker))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(written, ensure_ascii=False, allow_nan=False, separators=(",", ":")), encoding="utf-8")
    return 0


def _broken(worker: Path) -> Iterator[str]:
    for file in sorted(worker.rglob("*.py")):
        try:
            compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            yield f"functions/worker/{file.relative_to(worker).as_posix()}: {error}"


# ---------------------------------------------------------------- packages


def _packages(worker: Path) -> Path | None:
    """Where the packages are that the files import; None where this Python has all of them, and boto3, as pinned."""
    files = [HERE / "requirements.txt", worker / "requirements.txt"]
    own = [] if util.find_spec("boto3") else ["boto3"]  # Lambda has it, this Python need not
    if not own and all(_is_installed(line) for file in files for line in _requirements(file)):
        return None
    content = "\n".join([sys.version, *own, *(file.read_text(encoding="utf-8") for file in files)])
    kept = HERE.parents[1] / ".aws-sam" / "task-types" / hashlib.sha256(content.encode()).hexdigest()[:16]
    return kept if kept.is_dir() or _install(kept, files, own) else None


def _requirements(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            yield text


def _is_installed(requirement: str) -> bool:
    name, _, version = requirement.partition("==")
    try:
        return metadata.version(name.strip()) == version.strip()
    except (metadata.PackageNotFoundError, ValueError):
        return False  # or it is more than a name and a version: pip knows


def _install(kept: Path, files: list[Path], own: list[str]) -> bool:
    """Install for this machine, which need not be what the functions run on; whole, or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        command += ["--target", scratch, *(part for file in files for part in ("--requirement", str(file))), *own]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            _warn(f"functions/worker/requirements.txt cannot be installed here: {_last_line(done.stderr)}")
            return False
        for old in [path for path in kept.parent.iterdir() if path.name != Path(scratch).name]:
            shutil.rmtree(old, ignore_errors=True)
        Path(scratch).rename(kept)  # at once: what a crash leaves half done would be taken for whole ever after
    return True


# ---------------------------------------------------------------- importing


def _imported(worker: Path, packages: Path | None) -> Json:
    """What a process of its own finds: user code may do there what it likes."""
    path = [worker, *([packages] if packages else []), HERE]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    environment = {**clean, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, path))}
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch, "answer")
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--import", str(answer)]
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
            )
            if done.returncode == 0 and answer.exists():
                found: Json = json.loads(answer.read_text(encoding="utf-8"))
                for warning in found.pop("warnings"):
                    _warn(warning)
                return found
            _warn(f"the files of task_types end their process, {_last_line(done.stderr)}. {NOT_COMPLETE}")
        except subprocess.TimeoutExpired:
            _warn(f"the files of task_types were not imported within {SECONDS} seconds. {NOT_COMPLETE}")
    return {"items": [], "complete": False}


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it does not say why"])[-1]


def _warn(text: str) -> None:
    """One line on standard output: of a build that goes well, SAM CLI shows no other."""
    print(f"Warning: {' '.join(text.split())}", flush=True)


def collect() -> Json:
    """Import every file of ``task_types`` and describe what they define. ``warnings`` says what could not be done."""
    from serverless_tasks.classic.event_classes import EVENT_HANDLERS
    from serverless_tasks.core.errors import InvalidInput
    from serverless_tasks.core.task_types.arguments import StepFunctionTaskEvent, TaskQueueEvent
    from serverless_tasks.core.task_types.task_type import known_task_types
    from serverless_tasks.workers.user_code.routing import input_types

    warnings: list[str] = []
    doubtful: set[str] = set()
    package = importlib.import_module("task_types")
    for module in pkgutil.iter_modules(package.__path__):
        before = {known.name for known in known_task_types()}
        try:
            importlib.import_module(f"task_types.{module.name}")
        except BaseException as error:  # whatever it raises: the next file is none of its business
            doubtful |= {known.name for known in known_task_types()} - before
            problem = f"task_types/{module.name}.py cannot be imported here, {type(error).__name__}: {error}"
            warnings.append(f"{problem}. {NOT_COMPLETE}")
    unknown = list(_overlooked(package))  # to the workers as well, so it is not this list that lacks them
    if EVENT_HANDLERS.keys() & {TaskQueueEvent, StepFunctionTaskEvent}:
        # A handler of the fork comes before those of all task types, also of such as are not there.
        return {"items": [], "complete": False, "warnings": warnings + unknown}
    wanted: dict[Any, Any] = {}
    for known in known_task_types():
        try:
            wanted[known] = input_types(known)
        except InvalidInput as error:  # with which its worker does not even start
            doubtful.add(known.name)
            warnings.append(f"task type {known.name!r}: {error}. {NOT_COMPLETE}")
    complete = not warnings
    items = [_described(known, kinds, warnings) for known, kinds in wanted.items() if known.name not in doubtful]
    return {"items": [item for item in items if item["kinds"]], "complete": complete, "warnings": warnings + unknown}


def _overlooked(package: ModuleType) -> Iterator[str]:
    """Each file that looks like one of a task type and was not imported, and why: its type would be unknown."""
    for folder in map(Path, package.__path__):
        for path in sorted(folder.rglob("*.py")):
            file = path.relative_to(folder)
            dotted = "." in path.stem
            if not dotted and ".".join((package.__name__, *file.with_suffix("").parts)) in sys.modules:
                continue
            if b"TaskType(" not in path.read_bytes():
                continue
            missed = f"{package.__name__}/{file.as_posix()} is not imported"
            if dotted:
                yield f"{missed}: a name with a dot cannot be; rename it"
            elif len(file.parts) > 1:
                yield f"{missed}: only files directly in {package.__name__} are; import it from one of them"


def _described(task_type: Any, wanted: dict[Any, Any], warnings: list[str]) -> Json:
    from serverless_tasks.workers.user_code.routing import adapter

    schemas: dict[str, Json] = {}
    for kind, one in wanted.items():
        try:
            if one is not None:
                schemas[kind.value] = json.loads(json.dumps(adapter(one).json_schema(), allow_nan=False))
        except Exception as error:  # of pydantic, which is not imported for types without any
            warnings.append(f"task type {task_type.name!r}, {kind}: its input has no JSON Schema: {error}")
    description = _description(task_type.task_handler or task_type.sub_task_handler)
    return {
        "taskType": task_type.name,
        **({"description": description} if description else {}),
        "kinds": [kind.value for kind in wanted],
        "inputSchemas": schemas,
    }


def _description(handler: Any) -> str:
    """The first paragraph of the docstring of the handler's file, on one line."""
    module = sys.modules.get(getattr(inspect.unwrap(handler), "__module__", "")) if handler else None
    paragraph = (inspect.getdoc(module) or "").split("\n\n")[0] if module else ""
    return " ".join(paragraph.split())[:DESCRIPTION_LIMIT]


if __name__ == "__main__":
    if sys.argv[1] == "--import":
        Path(sys.argv[2]).write_text(json.dumps(collect()), encoding="utf-8")
        os._exit(0)  # whatever thread a file has started
    else:
        raise SystemExit(main(Path(sys.argv[1])))
