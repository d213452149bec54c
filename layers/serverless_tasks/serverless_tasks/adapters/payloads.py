"""The payload bucket: payloads above 4 KB, each an object that no writer changes once it is written.

Keys begin with the tenant and the task's code, so that no two tasks share an object:
``payloads/<tenant>/<code>/<what>``. Uploads of users have other keys (:mod:`serverless_tasks.core.inputs.uploads`).
An object is known by the ETag that it was written with. A copy of it, which keeps it alive, says so in its metadata
(:mod:`serverless_tasks.adapters.bucket.renewal`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from serverless_tasks.adapters.meter import Meter
from serverless_tasks.core.errors import InvalidInput, PayloadMissing
from serverless_tasks.core.inputs.json_text import fits_inline, from_json_text, split_lines
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import payload_prefix
from serverless_tasks.core.usage.amounts import Usage

JSON = "application/json"
JSON_LINES = "application/x-ndjson"
LINK_SECONDS = 900
"""How long a link to a payload works: enough to follow it, not to keep it."""

PART_BYTES = 8_388_608
"""Asked from the bucket at a time: a slow reader holds no connection open meanwhile, which S3 would close."""
WRITTEN_AS = "written-as"
"""Name of the metadata of a renewed object: the ETag that references to it have."""
BLOCK_BYTES = 65_536
"""Handed on at a time."""
READS = 3
"""How often a read is begun before it is given up: botocore tries a request again, but not the reading of its body."""
_BROKEN = (HTTPClientError, IncompleteReadError)
# A connection that was closed, or gave nothing for too long, while the body was read.
_MISSING = {"NoSuchKey", "PreconditionFailed", "InvalidRange", "404"}
# A HEAD says numbers only. InvalidRange is a shorter object than the one that was written. AccessDenied is not here: a
# role that may list the prefix learns that an object is missing (API reference, GetObject), and what is refused today,
# by a policy or a key, may be allowed tomorrow.

Reference = Mapping[str, Any]


def payload_key(tenant_code: str, code: str, what: str) -> str:
    """Key of one of a task's payloads."""
    return payload_prefix(tenant_code, code) + what


class PayloadStore:
    """Writes and reads payloads. A reference is ``{"key", "bytes", "etag"}``."""

    def __init__(self, client: Any, bucket: str, meter: Meter | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._meter = meter or Meter()

    def inline_or_stored(self, name: str, text: str, task: TaskEntity, what: str) -> dict[str, Any]:
        """``{name: text}`` up to 4 KB; above, the text is stored and ``{nameRef: reference}`` says where."""
        if fits_inline(text):
            return {name: text}
        key = payload_key(task.tenant_code, task.code, what)
        return {f"{name}Ref": self.put(key, text)}

    def put(self, key: str, text: str | bytes, content_type: str = JSON) -> dict[str, Any]:
        """Store the text, or what it is in UTF-8, and return its reference."""
        body = text.encode() if isinstance(text, str) else text
        self._meter.note(Usage(payload_writes=1))
        answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
        return {"key": key, "bytes": len(body), "etag": answer["ETag"]}

    def load(self, reference: Reference) -> Any:
        """The value of a stored JSON payload."""
        try:
            return from_json_text(b"".join(self._read(reference, 0, reference["bytes"])))
        except InvalidInput as error:
            raise PayloadMissing(f"{reference['key']} is not what was written: {error}") from error

    def find(self, key: str) -> dict[str, Any] | None:
        """The reference of an object that a client put there, or None."""
        self._meter.note(Usage(payload_reads=1))
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            return None
        etag = found.get("Metadata", {}).get(WRITTEN_AS, found["ETag"])
        return {"key": key, "bytes": found["ContentLength"], "etag": etag}

    def blocks(self, reference: Reference, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a stored payload from ``start`` to ``end`` (exclusive), in blocks."""
        end = reference["bytes"] if end is None else end
        for first in range(start, end, PART_BYTES):
            yield from self._read(reference, first, min(first + PART_BYTES, end))

    def lines(self, reference: Reference) -> Iterator[str]:
        """Lines of a stored JSON Lines payload, streamed."""
        return (line.decode() for line in split_lines(self.blocks(reference)))

    def link(self, reference: Reference) -> str:
        """A link to the payload, which works for 15 minutes without credentials."""
        target = {"Bucket": self._bucket, "Key": reference["key"]}
        url: str = self._client.generate_presigned_url("get_object", Params=target, ExpiresIn=LINK_SECONDS)
        return url

    def upload_link(self, key: str, headers: Mapping[str, str], seconds: int) -> str:
        """A link to put an object by, with exactly these headers, the content type and ``If-None-Match`` among them."""
        target = {"Bucket": self._bucket, "Key": key, "ContentType": headers["Content-Type"]}
        target["IfNoneMatch"] = headers["If-None-Match"]
        url: str = self._client.generate_presigned_url("put_object", Params=target, ExpiresIn=seconds)
        return url

    def _read(self, reference: Reference, first: int, end: int) -> list[bytes]:
        """The bytes from ``first`` to ``end`` (exclusive), in blocks. Where a connection breaks, the next one goes on.

        Raises botocore's error when the last one breaks, too.
        """
        blocks: list[bytes] = []
        for reads_left in reversed(range(READS)):
            body = self._open(reference, first, end)
            try:
                while block := body.read(BLOCK_BYTES):
                    blocks.append(block)
                    first += len(block)
                break
            except _BROKEN:
                body.close()
                if first == end:
                    break
                if not reads_left:
                    raise
        return blocks

    def renew(self, prefix: str, code: str, older_than: datetime, remaining: Callable[[], float]) -> bool:
        """Make the task's objects whose keys begin so, and that are older, young again.

        Returns False where the time was not enough for all; the next call goes on.
        """
        from serverless_tasks.adapters.bucket.renewal import Renewal  # not at the start: few tasks live that long

        return Renewal(self._client, self._bucket, self._meter, code).renew(prefix, older_than, remaining)

    def _open(self, reference: Reference, first: int, end: int) -> Any:
        asked = {"Bucket": self._bucket, "Key": reference["key"], "Range": f"bytes={first}-{end - 1}"}
        self._meter.note(Usage(payload_reads=1))
        try:
            return self._client.get_object(**asked, IfMatch=reference["etag"])["Body"]
        except ClientError as error:
            if (code := error.response["Error"]["Code"]) not in _MISSING:
                raise
            if code == "PreconditionFailed" and (renewed := self._renewed(asked, reference["etag"])):
                return renewed
            raise PayloadMissing(f"the bucket has no {reference['key']} as it was written") from error

    def _renewed(self, asked: Mapping[str, Any], etag: str) -> Any:
        """The body of an object that is a copy of the one with this ETag, else None.

        With a key of KMS, and above a size, the copy has another ETag.
        """
        self._meter.note(Usage(payload_reads=1))
        found = self._client.get_object(**asked)
        return found["Body"] if found["Metadata"].get(WRITTEN_AS) == etag else None


def join_lines(lines: Iterable[str]) -> bytes:
    """JSON Lines in UTF-8: one value per line, each line ended. Takes no more memory than what it returns."""
    joined = io.BytesIO()
    joined.writelines(f"{line}\n".encode() for line in lines)
    return joined.getvalue()
