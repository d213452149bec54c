"""AWS's own answer to a call that it refuses, and the line that would let the call through. Pure.

Sources: IAM User Guide, "Troubleshoot access denied error messages"; each service's API reference, "Common errors".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.gate.policy import Request

_CODES = {"s3": ("AccessDenied", 403), "sqs": ("AccessDenied", 403), "sns": ("AuthorizationError", 403)}
_BY_PROTOCOL = {"json": ("AccessDeniedException", 400), "rest-json": ("AccessDeniedException", 403)}
_ELSE = ("AccessDenied", 403)


@dataclass(frozen=True)
class Refusal:
    """An error as a service answers it."""

    code: str
    status: int
    message: str

    def answer(self) -> dict[str, Any]:
        """As botocore reads it, to be raised as the client's own exception."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "message": self.message,
            "ResponseMetadata": {"HTTPStatusCode": self.status, "HTTPHeaders": {}, "RetryAttempts": 0},
        }


@dataclass(frozen=True)
class Caller:
    """A function, and where its permissions stand in the template.

    ``place``: such as "TaskPermissions in template.yaml". ``session``: the ARN by which AWS calls it.
    ``names``: how the template calls what has an ARN, such as ``!GetAtt TasksTable.Arn``.
    """

    session: str
    place: str
    names: Mapping[str, str]


def access_denied(
    service: str, protocol: str, operation: str, request: Request, denied: bool, caller: Caller
) -> Refusal:
    """The refusal of a request. ``denied``: by a statement; otherwise because none allows it."""
    code, status = _CODES.get(service) or _BY_PROTOCOL.get(protocol, _ELSE)
    if service == "s3" and operation.startswith("Head"):
        code = str(status)  # an answer without a body has no other
    on = f" on resource: {request.resource}" if request.resource not in (None, "*") else ""
    because = (
        "with an explicit deny in a policy"
        if denied
        else (f"because no identity-based policy allows the {request.action} action")
    )
    said = f"User: {caller.session} is not authorized to perform: {request.action}{on} {because}"
    return Refusal(code, status, f"{said}. {_advice(request, denied, caller)}")


def invalid(code: str, problem: str) -> Refusal:
    """The refusal of a call that says what the service does not take."""
    return Refusal(code, 400, f"{problem} (The local cloud refuses what AWS would: docs/local-cloud.md.)")


def _advice(request: Request, denied: bool, caller: Caller) -> str:
    keys = request.context.get("dynamodb:leadingkeys", ())
    inside = f" It is about the partitions {', '.join(keys)}." if keys else ""
    if denied:
        return f"(The local cloud refuses what AWS would.{inside} A statement with Effect: Deny stands in the way.)"
    return f"(The local cloud refuses what AWS would.{inside} Add to {caller.place}: {grant(request, caller.names)})"


def grant(request: Request, names: Mapping[str, str]) -> str:
    """The statement that allows the request, as a line of the template."""
    return f"- {{Effect: Allow, Action: {request.action}, Resource: {_resource(request.resource, names)}}}"


def _resource(arn: str | None, names: Mapping[str, str]) -> str:
    if arn in (None, "*"):
        return '"*"'
    if arn in names:
        return names[arn]
    for known, name in names.items():
        if arn.startswith((f"{known}/", f"{known}:")):
            attribute = re.sub(r"^!(?:GetAtt|Ref) ", "", name)
            rest = arn.removeprefix(known)
            return f'!Sub "${{{attribute}}}{_pattern(rest, inside_bucket=":s3:" in known)}"'
    machine = re.fullmatch(r"(arn:aws:states:[^:]*:[^:]*:)execution:([^:]+):.+", arn)
    if machine and f"{machine[1]}stateMachine:{machine[2]}" in names:
        name = names[f"{machine[1]}stateMachine:{machine[2]}"].removeprefix("!Ref ")
        here = "${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
        return f'!Sub "arn:{here}:execution:${{{name}.Name}}:*"'
    return f'"{arn}"'


def _pattern(rest: str, inside_bucket: bool) -> str:
    """Of an object, everything beside it in the first folder: nobody grants a single key."""
    if not inside_bucket:
        return rest
    folder, slash, _ = rest.removeprefix("/").partition("/")
    return f"/{folder}/*" if slash else "/*"
