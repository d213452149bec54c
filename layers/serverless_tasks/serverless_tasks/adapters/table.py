"""The tasks table. A condition that does not hold comes back as :class:`LostRace` with the item that was there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from serverless_tasks.adapters.clock import chance
from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import Put, Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, chunk_sk, chunks_pk

if TYPE_CHECKING:
    from serverless_tasks.core.fan_out.chunks import Chunk
    from serverless_tasks.core.task_types.failures import Random

BATCH_GET_LIMIT = 100
"""Items of one BatchGetItem (API reference)."""
UNPROCESSED_SECONDS = {"base": 0.05, "cap": 1}
"""Pause before a BatchGetItem asks again for the keys that were left unprocessed. botocore does not do so, and AWS asks
for this very pause (API reference)."""
UNPROCESSED_TRIES = 8
"""Requests in all, with pauses of at most three and a half seconds together: within a request of the HTTP API."""

_THROTTLED: Any = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "keys were left unprocessed"}}

_logger = logging.getLogger(__name__)


def task_of(item: Item) -> TaskEntity | None:
    """The task of an item. A foreign item is ignored, and the log says so."""
    try:
        return TaskEntity.from_item(item)
    except (KeyError, TypeError, ValueError) as error:
        _logger.warning("ignored a foreign item, %s %s: %r", item["pk"], item["sk"], error)
        return None


class TaskTable:
    """Reads and conditional writes of the items that ``docs/table.md`` describes."""

    def __init__(
        self,
        client: Any,
        name: str,
        sleep: Callable[[float], None] = time.sleep,
        rand: Random = chance,
    ) -> None:
        self._client = client
        self.name = name
        self._sleep = sleep
        self._random = rand

    def get(self, key: TaskKey) -> TaskEntity | None:
        """The task as it is now (strongly consistent), or None."""
        item = self.item(key)
        return TaskEntity.from_item(item) if item else None

    def put(self, put: Put) -> Item:
        """Write a new item and return it. Raises :class:`LostRace` when it is there already."""
        self._write(self._client.put_item, put.render(), lambda found: found == _as_stored(put.item))
        return put.item

    def put_all(self, puts: Sequence[Put]) -> list[Item]:
        """Write new items, all or none, and return them.

        Raises :class:`LostRace` with the item that was in the way, if one was.
        """
        requests = [{"Put": self._arguments(put.render())} for put in puts]
        try:
            self._client.transact_write_items(TransactItems=requests)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons: Any = error.response.get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons} - {"None"}
            if not codes <= {"ConditionalCheckFailed", "TransactionConflict"}:
                raise
            item = next((reason["Item"] for reason in reasons if reason.get("Item")), None)
            raise LostRace("another writer was first", decode_item(item) if item else None) from None
        return [put.item for put in puts]

    def item(self, key: TaskKey) -> Item | None:
        """Any item as it is now, or None."""
        typed = encode_item({"pk": key.pk, "sk": key.sk})
        answer = self._client.get_item(TableName=self.name, Key=typed, ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def update(self, update: Update) -> Item:
        """Apply a conditional update and return the whole item as it is then. Raises :class:`LostRace`."""
        rendered = {**update.render(), "ReturnValues": "ALL_NEW"}
        stored = replace(update, set=_as_stored(update.set))
        return decode_item(self._write(self._client.update_item, rendered, stored.is_in))

    def update_task(self, update: Update, before: TaskEntity) -> TaskEntity:
        """:meth:`update` of a task that its writer knows as ``before``."""
        return TaskEntity.from_item(self.update(update))

    def chunk(self, tenant_code: str, code: str, number: int) -> Chunk | None:
        """One chunk as it is now, or None."""
        from serverless_tasks.core.fan_out.chunks import Chunk  # not at the start: half of the functions know none

        item = self.item(TaskKey(chunks_pk(tenant_code, code), chunk_sk(number)))
        return Chunk.from_item(item) if item else None

    def chunks(self, tenant_code: str, code: str, first: int = 0) -> Iterator[Chunk]:
        """The chunks from number ``first`` on, in order, page by page."""
        from serverless_tasks.core.fan_out.chunks import Chunk  # not at the start, as above

        condition = {":pk": chunks_pk(tenant_code, code), ":sk": chunk_sk(first)}
        for item in self.query("pk = :pk AND sk >= :sk", condition, ConsistentRead=True):
            yield Chunk.from_item(item)

    def due(self, shard: str, until: str, limit: int) -> list[TaskKey]:
        """Keys of what stands in a shard of ``attention`` and whose time has come, longest overdue first.

        An index follows its table with a delay: read the item before acting on it.
        """
        values = {":a": shard, ":until": until}
        items, _ = self.page("attention = :a AND dueAt <= :until", values, IndexName="attention", Limit=limit)
        return [TaskKey(item["pk"], item["sk"]) for item in items]

    def query(self, condition: str, values: Mapping[str, Any], **options: Any) -> Iterator[Item]:
        """All items of a query, page by page as they are asked for."""
        while True:
            items, last = self.page(condition, values, **options)
            yield from items
            if last is None:
                return
            options["ExclusiveStartKey"] = encode_item(last)

    def page(self, condition: str, values: Mapping[str, Any], **options: Any) -> tuple[list[Item], Item | None]:
        """One page of a query, and the key it ended at if there may be more."""
        answer = self._client.query(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode_item(values),
            **options,
        )
        last = answer.get("LastEvaluatedKey")
        return [decode_item(item) for item in answer["Items"]], decode_item(last) if last else None

    def batch_get(self, keys: Sequence[TaskKey], **options: Any) -> dict[TaskKey, Item]:
        """The items that exist, by key (at most 100 keys).

        What DynamoDB leaves unprocessed is asked for again, each time later; what it leaves in the end is a throttle
        as of any other read, a ``ClientError``.
        """
        found: dict[TaskKey, Item] = {}
        wanted = [encode_item({"pk": key.pk, "sk": key.sk}) for key in keys[:BATCH_GET_LIMIT]]
        for items in self._in_the_end(wanted, options):
            found |= {TaskKey(item["pk"], item["sk"]): item for item in map(decode_item, items)}
        return found

    def _in_the_end(self, wanted: Any, options: Mapping[str, Any]) -> Iterator[Any]:
        """Items with these keys, answer by answer, until nothing is left unprocessed."""
        from serverless_tasks.core.task_types.failures import Backoff  # not at the start: few functions read in batches

        pauses = Backoff(**UNPROCESSED_SECONDS)
        for attempt in range(1, UNPROCESSED_TRIES + 1):
            if not wanted:
                return
            answer: Any = self._client.batch_get_item(RequestItems={self.name: {"Keys": wanted, **options}})
            yield answer["Responses"].get(self.name, [])
            wanted = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if wanted and attempt < UNPROCESSED_TRIES:
                self._sleep(pauses.delay(attempt, self._random))
        if wanted:
            raise ClientError(_THROTTLED, "BatchGetItem")

    def _arguments(self, rendered: dict[str, Any]) -> dict[str, Any]:
        typed = {name: encode_item(rendered[name]) for name in _PLAIN if name in rendered}
        return {**rendered, **typed, "TableName": self.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    def _write(self, call: Any, rendered: dict[str, Any], is_ours: Callable[[Item], bool]) -> Any:
        """The item after the write (an update's). A write whose answer was lost must not lose the race against itself.

        botocore sends such a request again, and its condition fails then because of its own first time. The item it
        finds says so: it is as this write makes it, to the millisecond.
        """
        try:
            return call(**self._arguments(rendered)).get("Attributes")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            found: Any = error.response.get("Item")
            sent_again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            if sent_again and found and is_ours(decode_item(found)):
                return found
            raise LostRace("another writer was first", decode_item(found) if found else None) from None


def _as_stored(item: Mapping[str, Any]) -> Item:
    return decode_item(encode_item(item))


_PLAIN = ("Key", "Item", "ExpressionAttributeValues")
"""Arguments that expressions render with plain values."""
