"""Where Lambda keeps the batches of stream records that it gave up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serverless_tasks.core.outbox.stream_records import PREFIX, records_of


class GivenUpRecords:
    """Finds, reads and removes the batches of one function, the relay."""

    def __init__(self, client: Any, bucket: str, function: str) -> None:
        self._client = client
        self._bucket = bucket
        self._function = function

    def batches(self) -> Iterator[str]:
        """The keys of all batches, of any function."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
        for page in pages:
            yield from (found["Key"] for found in page.get("Contents", ()))

    def records(self, key: str) -> Sequence[Mapping[str, Any]] | None:
        """The batch's records; None if it is another function's. Raises what :func:`records_of` raises."""
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return records_of(body, self._function)

    def remove(self, key: str) -> None:
        """The batch is done with."""
        self._client.delete_object(Bucket=self._bucket, Key=key)
