"""Keeps objects of a task that stays open for long: S3 deletes an object by its age alone (``PayloadDays``).

An object that is copied onto itself is young again. The copy is the same object for everything that refers to it: its
metadata has the ETag that the first one was written with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from serverless_tasks.adapters.cloud import POOL_SIZE
from serverless_tasks.adapters.meter import Meter
from serverless_tasks.adapters.payloads import WRITTEN_AS
from serverless_tasks.core.usage.amounts import Usage

PAGE = 250
"""Objects that are listed, and then renewed, at a time: some seconds."""
LEFT_SECONDS = 60.0
"""Left of the invocation when no other page is begun: other tasks wait for it, too."""
PART_BYTES = 268_435_456
"""Of an object that is larger, so much is copied with a request: each of them is answered within seconds."""


class Renewal:
    """Renews objects of one task."""

    def __init__(self, client: Any, bucket: str, meter: Meter, code: str) -> None:
        self._client = client
        self._bucket = bucket
        self._meter = meter
        self._code = code

    def renew(self, prefix: str, older_than: datetime, remaining: Callable[[], float]) -> bool:
        """Renew what is older; returns False where the time was not enough for all."""
        listed = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE}
        )
        with ThreadPoolExecutor(POOL_SIZE) as pool:
            for page in listed:
                self._meter.note(Usage(payload_writes=1), self._code)  # a listing costs as much as a PUT
                old = [found for found in page.get("Contents", ()) if found["LastModified"] < older_than]
                if old and remaining() < LEFT_SECONDS:
                    return False
                list(pool.map(self._copy, old))
        return True

    def _copy(self, found: Mapping[str, Any]) -> None:
        address = {"Bucket": self._bucket, "Key": found["Key"]}
        head = self._client.head_object(**address)
        etag = head["Metadata"].get(WRITTEN_AS, head["ETag"])
        same = {"ContentType": head["ContentType"], "Metadata": {WRITTEN_AS: etag}, "MetadataDirective": "REPLACE"}
        self._meter.note(Usage(payload_reads=1, payload_writes=1), self._code)
        if head["ContentLength"] <= PART_BYTES:
            self._client.copy_object(**address, CopySource=address, CopySourceIfMatch=head["ETag"], **same)
        else:
            self._copy_in_parts(address, same)

    def _copy_in_parts(self, address: Mapping[str, str], same: Mapping[str, Any]) -> None:
        from boto3.s3.transfer import TransferConfig  # not at the start: few objects are so large

        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
        self._client.copy(address, address["Bucket"], address["Key"], ExtraArgs=dict(same), Config=config)
