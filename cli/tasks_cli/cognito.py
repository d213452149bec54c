"""Signing in to a user pool: the password never leaves this machine (SRP), only a proof of it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks_cli import local_stack
from tasks_cli.errors import BadInput, NotAllowed, Unreachable

AskForNewPassword = Callable[[], str]


@dataclass(frozen=True)
class Pool:
    """A user pool, and the client of it that the API's tokens are made for."""

    pool_id: str
    client_id: str
    region: str
    endpoint_url: str = ""
    """Of the local cloud; empty on AWS."""

    def client(self) -> Any:
        """A boto3 client that signs nothing: none of these calls needs AWS credentials."""
        if self.endpoint_url:
            return local_stack.client("cognito-idp", self.endpoint_url, self.region)
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        session: Any = boto3
        return session.client("cognito-idp", region_name=self.region, config=Config(signature_version=UNSIGNED))


@dataclass(frozen=True)
class Signed:
    """Tokens of a pool. A refresh gives no new refresh token, unless the client rotates them."""

    id_token: str
    refresh_token: str


def sign_in(pool: Pool, username: str, password: str, ask: AskForNewPassword) -> Signed:
    """Sign in; at the first time, with the password that ``ask`` gives instead of the administrator's."""
    from pycognito.aws_srp import AWSSRP
    from pycognito.exceptions import ForceChangePasswordException, MFAChallengeException

    if "_" not in pool.pool_id:
        raise BadInput(f"--user-pool-id {pool.pool_id}: must look like eu-central-1_AbCdEfGhI")
    srp = AWSSRP(username, password, pool.pool_id, pool.client_id, client=pool.client())
    with _errors():
        try:
            answer = srp.authenticate_user()
        except ForceChangePasswordException:
            answer = srp.set_new_password_challenge(ask())
        except MFAChallengeException:
            raise NotAllowed(
                "this user needs a second factor, which `tasks login` does not know; use `--token-stdin`"
            ) from None
    return _signed(answer, "")


def refresh(pool: Pool, refresh_token: str) -> Signed:
    """Another ID token. Raises :class:`NotAllowed` when the refresh token has ended."""
    with _errors():
        answer = pool.client().initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH", ClientId=pool.client_id, AuthParameters={"REFRESH_TOKEN": refresh_token}
        )
    return _signed(answer, refresh_token)


def revoke(pool: Pool, refresh_token: str) -> None:
    """End this refresh token."""
    with _errors():
        pool.client().revoke_token(Token=refresh_token, ClientId=pool.client_id)


def _signed(answer: Any, refresh_token: str) -> Signed:
    result = answer.get("AuthenticationResult")
    if not result:
        raise NotAllowed(f"the user pool asks for {answer.get('ChallengeName')}, which `tasks login` does not know")
    return Signed(result["IdToken"], result.get("RefreshToken", refresh_token))


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] in ("InvalidPasswordException", "InvalidParameterException", "ResourceNotFoundException"):
            raise BadInput(f"the user pool says: {said['Message']}") from error
        if said["Code"] in ("TooManyRequestsException", "InternalErrorException"):
            raise Unreachable(f"the user pool says: {said['Message']}") from error
        raise NotAllowed(f"not signed in: {said['Message']}") from error
    except BotoCoreError as error:
        raise Unreachable(f"the user pool does not answer ({type(error).__name__})") from error
