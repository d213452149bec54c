"""Users to try the API with: a plain one in each of two tenants, and an administrator of the first."""

import contextlib
import secrets
from collections.abc import Sequence
from typing import TypedDict

from botocore.exceptions import ClientError

from local.isolation import Clients

PEOPLE = (("mbc", "alice", None), ("acme", "bob", None), ("mbc", "carol", "task-admin"))
"""Tenant, name and group of every user."""


class User(TypedDict):
    """A user with an ID token, the bearer for the API."""

    tenant: str
    username: str
    password: str
    token: str


def ensure(clients: Clients, pool: str, client: str, known: Sequence[User] = ()) -> list[User]:
    """Return all users signed in: the known ones, if the pool still has them, else new ones."""
    if [user["username"] for user in known] == [name for _, name, _ in PEOPLE]:
        with contextlib.suppress(ClientError):
            return [sign_in(clients, pool, client, user) for user in known]
    return [sign_in(clients, pool, client, _create(clients, pool, *person)) for person in PEOPLE]


def sign_in(clients: Clients, pool: str, client: str, user: User) -> User:
    """Return the user with a fresh token."""
    answer = clients("cognito-idp").admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user["username"], "PASSWORD": user["password"]},
    )
    return {**user, "token": answer["AuthenticationResult"]["IdToken"]}


def _create(clients: Clients, pool: str, tenant: str, username: str, group: str | None) -> User:
    """Create the user with a random password, or give an existing user a new one."""
    cognito = clients("cognito-idp")
    password = f"Aa1-{secrets.token_urlsafe(12)}"
    attributes = [{"Name": "custom:tenant", "Value": tenant}, {"Name": "email", "Value": f"{username}@example.com"}]
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(
            UserPoolId=pool, Username=username, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
    cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)
    if group:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=username, GroupName=group)
    return {"tenant": tenant, "username": username, "password": password, "token": ""}
