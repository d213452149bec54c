"""ID tokens that are valid when sent: renewed shortly before they end."""

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from tasks_cli import cognito, local_stack, profiles
from tasks_cli.cognito import Pool
from tasks_cli.errors import NotAllowed
from tasks_cli.profiles import Profile

SPARE_SECONDS = 60
"""A token that ends sooner is not sent any more: clocks differ, and a request takes its time."""


def claims(token: str) -> dict[str, Any]:
    """Claims of a token, unverified: the API verifies it. Empty if it is no JWT."""
    try:
        payload = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def is_fresh(token: str) -> bool:
    """Whether a token may be sent; the API judges one that does not say when it ends."""
    ends = claims(token).get("exp")
    return bool(token) and (not isinstance(ends, int | float) or ends > time.time() + SPARE_SECONDS)


class LocalTokens:
    """Those of a user of the local cloud, whose password is in its `stack.json`."""

    def __init__(self, path: Path | None, username: str | None) -> None:
        self._path = path
        self._username = username
        self._made = ""

    def token(self) -> str:
        """The token of the file, or a new one if that has ended."""
        if not is_fresh(self._made):
            self._made = local_stack.person(local_stack.read(self._path), self._username)["token"]
        return self._made if is_fresh(self._made) else self.renew()

    def renew(self) -> str:
        """Sign in."""
        stack = local_stack.read(self._path)
        user = local_stack.person(stack, self._username)
        pool = Pool(stack["userPoolId"], stack["userPoolClientId"], stack["region"], stack["endpointUrl"])
        self._made = cognito.sign_in(pool, user["username"], user["password"], _no_new_password).id_token
        return self._made


class ProfileTokens:
    """Those of a profile; renewed ones are saved."""

    def __init__(self, name: str, profile: Profile) -> None:
        self._name = name
        self._profile = profile

    def token(self) -> str:
        """The profile's token, refreshed if it ends."""
        return self._profile.id_token if is_fresh(self._profile.id_token) else self.renew()

    def renew(self) -> str:
        """Refresh, and save the new token."""
        profile = self._profile
        if not profile.refresh_token:
            raise NotAllowed(
                f"the token of profile {self._name} is not valid any more; sign in again with `tasks login`"
            )
        try:
            made = cognito.refresh(pool_of(profile), profile.refresh_token)
        except NotAllowed as error:
            raise NotAllowed(f"{error.message}; sign in again with `tasks login --profile {self._name}`") from error
        self._profile = replace(profile, id_token=made.id_token, refresh_token=made.refresh_token)
        profiles.save(self._name, self._profile)
        return made.id_token


def pool_of(profile: Profile) -> Pool:
    """The user pool that a profile signs in to."""
    return Pool(profile.user_pool_id, profile.client_id, profile.region, profile.endpoint_url)


def _no_new_password() -> NoReturn:
    raise NotAllowed("the local cloud wants a new password; stop it and start it again")
