"""The local cloud as an object: `with LocalCloud() as cloud: ...`."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from local import artifacts, deployment, guard, http, logs, sam, settings, users, wiring
from local import stack as stack_file
from local.engine import Engine
from local.errors import LocalCloudError
from local.gate import table
from local.http import Answer
from local.isolation import Clients
from local.locking import locked
from local.paths import BUILD, TEMPLATE
from local.stack import Stack


class Connection:
    """A running local cloud: its stack, and the means to deploy to it again."""

    def __init__(self, directory: Path, clients: Clients, configuration: settings.Settings) -> None:
        self.directory = directory
        self.client = clients
        self._settings = configuration

    @classmethod
    def to(cls, directory: Path) -> Self:
        """Connect to the local cloud that another process runs in this directory."""
        found = stack_file.read(directory)
        if found is None:
            raise LocalCloudError("the local cloud is still starting")
        return cls(directory, Clients(found["endpointUrl"], found["region"]), settings.read())

    @property
    def stack(self) -> Stack:
        """The content of `stack.json`: addresses, names and users with tokens."""
        found = stack_file.read(self.directory)
        if found is None:
            raise LocalCloudError("nothing is deployed yet")
        return found

    def deploy(self, with_sam: bool = False) -> Stack:
        """Build and deploy changes; with_sam does it by `sam deploy` itself, which takes longer."""
        guard.check(TEMPLATE, self._settings)
        bucket = f"{self._settings.stack_name}-artifacts"
        with locked(BUILD.parent / "lock"):  # one build directory for all builders
            sam.build(self._settings)
            if with_sam:
                sam.deploy(self._settings, self.client.endpoint_url)
            else:
                packaged = artifacts.package(BUILD, self.client, bucket)
        if not with_sam:
            deployment.apply(self.client, self._settings, packaged, bucket)
        table.write(table.path_in(self.directory), self.client, self._settings.stack_name)
        wiring.wire(self.client, self._settings.stack_name, dict(self._settings.parameters))
        return self.sign_in()

    def sign_in(self) -> Stack:
        """Write `stack.json` anew, with fresh tokens: they last an hour."""
        stack = stack_file.describe(self.client, self._settings.stack_name)
        with locked(self.directory / "stack.lock"):
            if stack["userPoolId"]:
                before = stack_file.read(self.directory)
                known = before["users"] if before else []
                stack["users"] = users.ensure(self.client, stack["userPoolId"], stack["userPoolClientId"], known)
            stack_file.write(self.directory, stack)
        return stack

    def request(
        self, method: str, path: str, body: Any = None, *, user: str | None = "alice", **options: Any
    ) -> Answer:
        """Call the HTTP API as a user (None: without a token); options: those of `local.http.request`."""
        stack = self.stack
        tokens = {person["username"]: person["token"] for person in stack["users"]}
        return http.request(method, stack["apiUrl"] + path, body, token=tokens[user] if user else None, **options)

    def invoke(self, function: str, event: Any) -> Any:
        """Call a function, by its name in the template; return its result, or raise its error."""
        _, name = deployment.resources(self.client, self._settings.stack_name)[function]
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        result = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise RuntimeError(f"{function}: {result}")
        return result


class LocalCloud(Connection):
    """Engine, stack and log files of its own, from start to stop; several can run side by side."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        with_sam: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """directory: for its files, by default a temporary one. parameters: of the template, over samconfig.toml's."""
        self._leave = contextlib.ExitStack()
        self._given = directory
        self._with_sam = with_sam
        self._say = say
        self._settings = settings.read(overrides=parameters)
        self.engine: Engine | None = None

    def __enter__(self) -> Self:
        """Start the engine, deploy, follow the logs."""
        with contextlib.ExitStack() as undo:
            self.directory = self._given or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="local-cloud-")))
            self.directory.mkdir(parents=True, exist_ok=True)
            stack_file.remove(self.directory)  # of one that was killed
            self.engine = Engine(self.directory, self._settings.region)
            undo.callback(self.engine.stop)
            self.engine.start()
            self._say(f"Engine started at {self.engine.endpoint_url}")
            self.client = Clients(self.engine.endpoint_url, self._settings.region)
            undo.callback(stack_file.remove, self.directory)
            self._say("Building and deploying the stack")
            self.deploy(self._with_sam)
            follower = logs.LogFollower(self.client, self._settings.stack_name, self.directory / "logs")
            follower.start()
            undo.callback(follower.stop)
            self._leave = undo.pop_all()
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop everything; nothing of this local cloud runs on."""
        self._leave.close()
