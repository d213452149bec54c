"""Commands that sign in and out."""

import contextlib
import getpass
import sys
from dataclasses import replace
from typing import Annotated

import typer

from tasks_cli import aws, cognito, identity, local_stack, output, profiles
from tasks_cli.addresses import require_private
from tasks_cli.command import Run, command
from tasks_cli.errors import BadInput, CliError, NotAllowed
from tasks_cli.options import RegionOption
from tasks_cli.profiles import Profile


def login(
    run: Run,
    api_url: Annotated[
        str | None, typer.Option("--api-url", metavar="URL", help="Address of the API, without AWS credentials.")
    ] = None,
    user_pool_id: Annotated[str | None, typer.Option("--user-pool-id", metavar="ID", help="Its user pool.")] = None,
    client_id: Annotated[str | None, typer.Option("--client-id", metavar="ID", help="The pool's client.")] = None,
    region: RegionOption = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read an ID token from standard input: your own issuer made it.")
    ] = False,
) -> None:
    """Sign in to a stack, and stay signed in: by --stack with your AWS credentials, or by --api-url without any."""
    name = run.profile or profiles.DEFAULT
    given = Profile(api_url or "", "", "", "", region or "", user_pool_id or "", client_id or "")
    wanted = addresses(run.stack, given, profiles.load(name))
    wanted = replace(wanted, api_url=require_private(wanted.api_url))
    signed = _by_token(wanted) if token_stdin else _by_password(wanted, run.user)
    profiles.save(name, signed)
    said = identity.claims(signed.id_token)
    tenant = said.get("custom:tenant", "")
    if run.json:
        output.print_json(
            {"profile": name, "apiUrl": signed.api_url, "username": signed.username, "tenantCode": tenant}
        )
    run.say(f"Signed in to {signed.api_url} as {signed.username or 'the token says'}, profile {name}")
    if not tenant:
        run.say("This user has no tenant (custom:tenant): the API will refuse every request.")
    if run.profile is None and local_stack.find():
        run.say(f"The local cloud is up here, and comes first: --profile {name} leads to this stack.")


def addresses(stack: str | None, given: Profile, known: Profile | None) -> Profile:
    """Where to sign in: what the options say, the outputs of a stack, or the same as the last time."""
    if stack == local_stack.NAME:
        found = local_stack.read(local_stack.find())
        return Profile(
            api_url=found["apiUrl"],
            id_token="",
            region=found["region"],
            user_pool_id=found["userPoolId"],
            client_id=found["userPoolClientId"],
            stack_name=local_stack.NAME,
            endpoint_url=found["endpointUrl"],
        )
    if stack:
        return _of_stack(stack, given.region)
    if given.api_url:
        return replace(given, region=given.region or given.user_pool_id.partition("_")[0])
    if known:
        return known
    raise BadInput("where to? --stack NAME, or --api-url URL --user-pool-id ID --client-id ID")


def logout(run: Run) -> None:
    """Sign out: forget the tokens here, and make the refresh token worthless."""
    name = run.profile or profiles.DEFAULT
    found = profiles.load(name)
    profiles.remove(name)
    if found and found.refresh_token:
        with contextlib.suppress(CliError):  # it is forgotten here, and ends by itself within its days
            cognito.revoke(identity.pool_of(found), found.refresh_token)
    if run.json:
        output.print_json({"profile": name})
    run.say(f"Signed out, profile {name}" if found else f"Nobody was signed in with profile {name}")


def _of_stack(stack: str, region: str) -> Profile:
    found = aws.outputs(stack, region or None)
    if "ApiUrl" not in found:
        raise BadInput(
            f"--stack {stack}: has no HTTP API; it was deployed with RestEndpoints=false, or is another stack"
        )
    pool = found.get("UserPoolId", "")
    return Profile(
        api_url=found["ApiUrl"],
        id_token="",
        region=pool.partition("_")[0] or region,
        user_pool_id=pool,
        client_id=found.get("UserPoolClientId", ""),
        stack_name=stack,
    )


def _by_token(wanted: Profile) -> Profile:
    token = sys.stdin.readline().strip()
    if not token:
        raise BadInput("--token-stdin: there is no token on standard input")
    said = identity.claims(token)
    if said and not identity.is_fresh(token):
        raise NotAllowed("the token has ended; get a new one from your issuer")
    username = str(said.get("cognito:username") or said.get("email") or said.get("sub") or "")
    return replace(wanted, id_token=token, refresh_token="", username=username)


def _by_password(wanted: Profile, username: str | None) -> Profile:
    if not (wanted.user_pool_id and wanted.client_id):
        raise BadInput("which users? --user-pool-id and --client-id, or --token-stdin for a token of your own issuer")
    username = username or wanted.username or _asked("User name: ")
    signed = cognito.sign_in(identity.pool_of(wanted), username, _secret("Password: "), _new_password)
    return replace(wanted, id_token=signed.id_token, refresh_token=signed.refresh_token, username=username)


def _asked(question: str) -> str:
    """An answer of the person at the terminal; the question is no part of the output."""
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    if not answer:
        raise BadInput("no user name was given")
    return answer


def _secret(question: str) -> str:
    try:
        return getpass.getpass(question)
    except EOFError:
        raise BadInput("no password was given") from None


def _new_password() -> str:
    new = _secret("This is the first time: choose a new password: ")
    if _secret("The same again: ") != new:
        raise BadInput("these were two different passwords")
    return new


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "login")(login)
    command(app, "logout")(logout)
