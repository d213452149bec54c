"""Stands between a function and AWS: botocore asks it before each call and before each link that is signed."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import botocore.handlers
from botocore.exceptions import ClientError

from local.gate import limits, needs, policy, refusals
from local.gate.recording import Recording
from local.gate.rules import Rules, RulesFile
from local.gate.trouble import Trouble

_REFUSAL = "local cloud: refusal"
_PARAMS = "local cloud: parameters"


class _Answer:
    """The little of an HTTP answer that botocore looks at."""

    def __init__(self, status: int) -> None:
        self.status_code = status


class Gate:
    """Decides on every call of one function."""

    def __init__(self, rules: RulesFile, recording: Recording | None = None) -> None:
        self._rules = rules
        self._recording = recording
        self._access_key = os.environ.get("AWS_ACCESS_KEY_ID")

    def listen(self, register: Callable[[str, Callable[..., Any]], None]) -> None:
        """Hear what clients do; ``register`` takes an event of botocore's and its handler."""
        register("before-parameter-build", self.before_build)
        register("before-call", self.before_call)
        register("after-call.s3", self.after_s3)

    def before_build(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Decide, while the arguments are still what the function gave."""
        rules = self._rules.current()
        refusal = _refusal(params, model, rules) if rules else None
        if self._recording:
            verdict = refusal.code if refusal else "allowed" if rules else "not judged"
            self._recording.note(model.service_model.service_name, model.name, params, verdict)
        if refusal and context.get("is_presign_request"):
            # AWS refuses the link when it is followed; here, its maker gets the error.
            raise ClientError(refusal.answer(), model.name)  # type: ignore[arg-type]
        context[_REFUSAL] = refusal
        context[_PARAMS] = params

    def before_call(self, context: Mapping[str, Any], request_signer: Any, **_: Any) -> tuple[_Answer, Any] | None:
        """Answer in AWS's place, which makes the client raise its own exception; or let the call go."""
        refusal = context.get(_REFUSAL)
        if refusal is None or self._of_another_role(request_signer):
            return None
        sys.stderr.write(f"refused: {refusal.message}\n")
        return _Answer(refusal.status), refusal.answer()

    def after_s3(self, parsed: dict[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        """Tell a role that may not list the bucket that it may not know whether an object is missing."""
        if parsed.get("Error", {}).get("Code") not in ("NoSuchKey", "404") or model.name not in (
            "GetObject",
            "HeadObject",
        ):
            return
        rules = self._rules.current()
        asked = needs.listing(context[_PARAMS])
        allowed = rules is None or policy.decide(rules.statements, _complete(asked, rules))
        if self._recording:
            listing = {"Bucket": context[_PARAMS]["Bucket"], "Prefix": context[_PARAMS]["Key"]}
            self._recording.note("s3", "ListObjectsV2", listing, "allowed" if allowed else "AccessDenied")
        if rules is None or allowed:
            return
        refusal = refusals.access_denied("s3", "rest-xml", model.name, asked, denied=False, caller=rules.caller)
        answer = refusal.answer()
        parsed["Error"] = answer["Error"]
        parsed["ResponseMetadata"]["HTTPStatusCode"] = refusal.status

    def _of_another_role(self, signer: Any) -> bool:
        """Whether a client has credentials of its own, of a role that the function assumed."""
        credentials = getattr(signer, "_credentials", None)
        return credentials is not None and credentials.access_key != self._access_key


def _refusal(params: Mapping[str, Any], model: Any, rules: Rules) -> refusals.Refusal | None:
    service = model.service_model
    if found := limits.problem(service.signing_name, model.name, params, rules.tables):
        return refusals.invalid(*found)
    for request in needs.needs(service.signing_name, model.name, params, rules.place):
        verdict = policy.decide(rules.statements, _complete(request, rules))
        if not verdict:
            return refusals.access_denied(
                service.signing_name,
                service.metadata["protocol"],
                model.name,
                request,
                denied=verdict is False,
                caller=rules.caller,
            )
    return None


def _complete(request: policy.Request, rules: Rules) -> policy.Request:
    """With what every request has: on AWS, all of them come by TLS."""
    account, region = (rules.place.account,), (rules.place.region,)
    common = {
        "aws:principalaccount": account,
        "aws:resourceaccount": account,
        "aws:requestedregion": region,
        "aws:securetransport": ("true",),
    }
    return replace(request, context={**common, **request.context})


def install() -> None:
    """Let every session of this process listen, as the launcher asks for it by the environment."""
    environment = os.environ
    if "LOCAL_GATE_RULES" not in environment or "AWS_LAMBDA_FUNCTION_NAME" not in environment:
        return
    function = environment["AWS_LAMBDA_FUNCTION_NAME"]
    calls = environment.get("RECORDED_CALLS")
    gate = Gate(RulesFile(environment["LOCAL_GATE_RULES"], function), Recording(calls, function) if calls else None)
    listeners: list[Gate | Trouble] = [gate]
    if modes := environment.get("LOCAL_TROUBLE"):
        listeners.append(Trouble(modes))
    for listener in listeners:
        listener.listen(lambda event, handler: botocore.handlers.BUILTIN_HANDLERS.append((event, handler)))
