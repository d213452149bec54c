"""Bad days, for tests: what AWS does now and then and the engine never. Asked for by name in ``LOCAL_TROUBLE``.

``throttles``: a call is refused for now. ``lost-answers``: a call has its effect, and its answer does not arrive.
``unprocessed``: a batch is done in part. ``lagging-indexes``: a global index answers as it did before.
"""

import io
import json
import random
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

MODES = ("throttles", "lost-answers", "unprocessed", "lagging-indexes")
CHANCE = {"throttles": 0.1, "lost-answers": 0.05, "unprocessed": 0.3, "lagging-indexes": 0.5}
_ASKED = "local cloud: asked"
_LEFT_OUT = "local cloud: left out"
_THROTTLES = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "sqs": (403, "RequestThrottled"),
    "sns": (400, "Throttling"),
    "s3": (503, "SlowDown"),
    "states": (400, "ThrottlingException"),
    "events": (400, "ThrottlingException"),
}
_BATCHES = {
    "SendMessageBatch": "Entries",
    "PublishBatch": "PublishBatchRequestEntries",
}


class Trouble:
    """Makes it; botocore's own retries see it as they would AWS's."""

    def __init__(self, modes: str, chance: random.Random | None = None) -> None:
        """``modes``: names with commas between them. Raises ValueError for one that is none."""
        self._modes = {mode.strip() for mode in modes.split(",") if mode.strip()}
        if unknown := self._modes - {*MODES}:
            raise ValueError(f"LOCAL_TROUBLE: {', '.join(sorted(unknown))} is none of {', '.join(MODES)}")
        self._random = chance or random.Random()  # noqa: S311 (no secret)
        self._before: dict[str, Mapping[str, Any]] = {}
        self._http = URLLib3Session()

    def listen(self, register: Callable[[str, Callable[..., Any]], None]) -> None:
        """As :meth:`local.gate.hook.Gate.listen`."""
        register("before-parameter-build", self.before_build)
        register("before-send", self.before_send)
        register("after-call", self.after_call)

    def before_build(self, params: MutableMapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Take a part out of a batch, but never all of it."""
        context[_ASKED] = params
        if not self._strikes("unprocessed"):
            return
        if model.name in ("BatchGetItem", "BatchWriteItem"):
            asked = params["RequestItems"]
            params["RequestItems"], context[_LEFT_OUT] = self._halved_tables(asked)
        elif model.name in _BATCHES and len(params[_BATCHES[model.name]]) > 1:
            entries = params[_BATCHES[model.name]]
            params[_BATCHES[model.name]], context[_LEFT_OUT] = self._halved(entries)

    def before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """Refuse it for now, or send it and lose the answer."""
        service = event_name.split(".")[1]
        if service in _SIGNED and self._strikes("throttles"):
            return _throttled(request.url, _SIGNED[service])
        if self._strikes("lost-answers"):
            self._http.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return None

    def after_call(self, parsed: dict[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        """Say what was left out of a batch; and let an index answer as it did before."""
        if model.name == "Query" and model.service_model.service_name == "dynamodb":
            self._lag(parsed, context)
        left = context.get(_LEFT_OUT)
        if not left or "Error" in parsed:
            return
        if model.name == "BatchGetItem":
            parsed["UnprocessedKeys"] = {**parsed.get("UnprocessedKeys", {}), **left}
        elif model.name == "BatchWriteItem":
            parsed["UnprocessedItems"] = {**parsed.get("UnprocessedItems", {}), **left}
        else:
            failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in left]
            parsed["Failed"] = [*parsed.get("Failed", []), *failed]

    def _strikes(self, mode: str) -> bool:
        return mode in self._modes and self._random.random() < CHANCE[mode]

    def _halved(self, entries: list[Any]) -> tuple[list[Any], list[Any]]:
        kept = self._random.randrange(1, len(entries))
        return entries[:kept], entries[kept:]

    def _halved_tables(self, asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        kept, left = dict(asked), {}
        for table, each in asked.items():
            entries = each["Keys"] if isinstance(each, Mapping) else each
            if len(entries) > 1:
                some, others = self._halved(entries)
                kept[table] = {**each, "Keys": some} if isinstance(each, Mapping) else some
                left[table] = {**each, "Keys": others} if isinstance(each, Mapping) else others
        return kept, left

    def _lag(self, parsed: dict[str, Any], context: Mapping[str, Any]) -> None:
        """The first time, the index does not know anything yet."""
        asked = context.get(_ASKED, {})
        if "IndexName" not in asked or "Error" in parsed:
            return
        key = json.dumps(asked, default=str, sort_keys=True)
        before = self._before.get(key, _NOTHING)
        self._before[key] = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        if self._strikes("lagging-indexes"):
            metadata = parsed["ResponseMetadata"]
            parsed.clear()
            parsed.update({**before, "ResponseMetadata": metadata})


_NOTHING: Mapping[str, Any] = {"Items": [], "Count": 0, "ScannedCount": 0}
_SIGNED = {"dynamodb": "dynamodb", "sqs": "sqs", "sns": "sns", "s3": "s3", "sfn": "states", "eventbridge": "events"}
"""Services by their names in botocore's events."""


def _throttled(url: str, service: str) -> AWSResponse:
    status, code = _THROTTLES[service]
    if service in ("s3", "sns"):
        error = f"<Code>{code}</Code><Message>slow down</Message>"
        wrapped = (
            f"<Error>{error}</Error>" if service == "s3" else f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        )
        body = wrapped.encode()
    else:
        body = json.dumps({"__type": code, "message": "slow down"}).encode()
    raw = io.BytesIO(body)
    raw.stream = lambda *_, **__: iter([body])  # type: ignore[attr-defined]
    headers = HTTPHeaders.from_dict({"x-amzn-query-error": f"{code};Sender"})
    return AWSResponse(url, status, headers, raw)
