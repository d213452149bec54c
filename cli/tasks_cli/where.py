"""The stack of a command: the local cloud, or that of a profile."""

from dataclasses import dataclass
from pathlib import Path

from tasks_cli import local_stack, profiles
from tasks_cli.addresses import require_private
from tasks_cli.api import TaskApi
from tasks_cli.errors import BadInput, NotAllowed
from tasks_cli.identity import LocalTokens, ProfileTokens
from tasks_cli.profiles import Profile
from tasks_cli.transport import Transport


@dataclass(frozen=True)
class Here:
    """The local cloud."""

    path: Path | None
    user: str | None

    def api(self) -> TaskApi:
        """Its API."""
        stack = local_stack.read(self.path)
        if not stack["apiUrl"]:
            raise BadInput("the local cloud has no HTTP API: it was deployed with RestEndpoints=false")
        return TaskApi(stack["apiUrl"], LocalTokens(self.path, self.user), Transport(local=True))


@dataclass(frozen=True)
class SignedIn:
    """A stack that a profile leads to."""

    name: str
    profile: Profile

    def api(self) -> TaskApi:
        """Its API."""
        url, local = require_private(self.profile.api_url), bool(self.profile.endpoint_url)
        return TaskApi(url, ProfileTokens(self.name, self.profile), Transport(local=local))


Place = Here | SignedIn


def place(stack: str | None, profile: str | None, user: str | None) -> Place:
    """The stack that the options name; without any, the local cloud if it is up, else the default profile.

    Raises :class:`BadInput` for contradicting options, :class:`NotAllowed` if nobody is signed in.
    """
    if stack == local_stack.NAME or (stack is None and profile is None and local_stack.find()):
        return Here(local_stack.find(), user)
    found = _signed_in(stack, profile)
    if user and found.profile.username and user != found.profile.username:
        raise BadInput(f"--user {user}: profile {found.name} is signed in as {found.profile.username}")
    return found


def _signed_in(stack: str | None, profile: str | None) -> SignedIn:
    if profile is None and stack is not None:
        for name in profiles.names():
            found = profiles.load(name)
            if found and found.stack_name == stack:
                return SignedIn(name, found)
        raise NotAllowed(f"nobody is signed in to stack {stack}: `tasks login --stack {stack}`")
    name = profile or profiles.DEFAULT
    found = profiles.load(name)
    if found is None:
        raise NotAllowed(
            f"nobody is signed in with profile {name}: `tasks login`, or `make local-up` for the local cloud"
        )
    if stack is not None and found.stack_name != stack:
        raise BadInput(f"--stack {stack}: profile {name} is signed in to {found.stack_name or found.api_url}")
    return SignedIn(name, found)
