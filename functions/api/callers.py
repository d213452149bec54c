"""Callers: from the claims of an ID token to a tenant, a user, and the user's rights (docs/security.md)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Depends, Request
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError
from serverless_tasks import Caller, TaskEntity
from serverless_tasks.core.task.keys import is_name

ADMIN = "task-admin"
"""Group that controls all tasks of its tenant."""
READER = "task-reader"
"""Group that reads all tasks of its tenant and changes none, whatever other group a user is in."""
_WORD = re.compile(r"[^\s,\[\]\"']+")


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """A signed-in user of one tenant."""

    tenant_code: str
    user: str
    """Claim ``sub``: unlike a user name it is never given to another user."""
    groups: frozenset[str]
    only_reads: bool
    record: Caller
    """The origin of a task that this request creates."""

    def check_tenant(self, named: str | None) -> None:
        """Raise unless the tenant that a body names, if it does, is the caller's own."""
        if named not in (None, self.tenant_code):
            raise ForbiddenError("tenantCode: is not your tenant; leave it out, your token says which one is")

    def check_control(self, task: TaskEntity) -> None:
        """Raise unless the caller may cancel and retry this task of its tenant."""
        if ADMIN not in self.groups and task.created_by != self.user:
            raise ForbiddenError(f"only who created the task, or somebody in the group {ADMIN}, may do that")


def signed_in(request: Request) -> ApiCaller:
    """The user that the ID token names. The signature is API Gateway's business; it lets access tokens pass, too."""
    context = request.resolved_event["requestContext"]
    claims: Mapping[str, Any] = ((context.get("authorizer") or {}).get("jwt") or {}).get("claims") or {}
    tenant, user = claims.get("custom:tenant"), claims.get("sub")
    if claims.get("token_use", "id") != "id":  # Cognito says so in each of its tokens; other issuers know no such claim
        raise ForbiddenError("send the ID token: no other token says which tenant you belong to")
    if not isinstance(tenant, str) or not is_name(tenant):
        raise ForbiddenError("your token has no claim custom:tenant that could be a tenant")
    if not isinstance(user, str) or not user:
        raise ForbiddenError("your token has no claim sub")
    record = Caller(user=user, ip=context["http"].get("sourceIp"), request_id=context.get("requestId"))
    groups = claims.get("cognito:groups")
    return ApiCaller(tenant, user, _groups(groups), _only_reads(groups), record)


def _groups(claim: Any) -> frozenset[str]:
    """Groups of a list, or of ``[a b]``, as an HTTP API writes it. Nothing but the brackets and spaces is taken off.

    Any other claim has no groups: a name that is read out of ``[x,task-admin]`` would make an administrator.
    """
    if isinstance(claim, str):
        claim = claim[1:-1].split(" ") if claim.startswith("[") and claim.endswith("]") else []
    return frozenset(name for name in claim if isinstance(name, str)) if isinstance(claim, list) else frozenset()


def _only_reads(claim: Any) -> bool:
    """Whether the claim names the group of readers, however it is written: the group takes rights and gives none."""
    texts = claim if isinstance(claim, list) else [claim]
    return any(READER in _WORD.findall(text) for text in texts if isinstance(text, str))


def may_write(caller: Annotated[ApiCaller, Depends(signed_in)]) -> ApiCaller:
    """The user. Raises for one that only reads."""
    if caller.only_reads:
        raise ForbiddenError(f"the group {READER} only reads")
    return caller


Reader = Annotated[ApiCaller, Depends(signed_in)]
"""Parameter of a route that every user of the tenant may call."""
Writer = Annotated[ApiCaller, Depends(may_write)]
"""Parameter of a route that changes something."""
