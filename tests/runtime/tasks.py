"""The tasks that the sample events are about, in the local cloud's table."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from serverless_tasks import TaskEntity, TaskKey, TaskStatus
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.times import to_iso

from local.cloud import Connection
from tests.support import events

SECONDS = 60


class Tasks:
    """Puts tasks there as an event shows them and reads what became of them."""

    def __init__(self, cloud: Connection) -> None:
        self._client = cloud.client("dynamodb")
        self._table_name = cloud.stack["tableName"]
        self._table = Cloud(Settings(table_name=self._table_name), cloud.client).table

    def put(self, event: str, **changes: Any) -> TaskKey:
        """Write the task in a relay's event, without its chunks, so that nobody in the cloud hears of it."""
        soon = datetime.now(UTC) + timedelta(hours=1)
        item = {**events.image(event), "change": {"S": "data"}}  # the stream's filter lets status changes through
        if "dueAt" in item:
            item["dueAt"] = {"S": to_iso(soon)}  # out of the sweeper's sight
        if "expiresAt" in item:
            item["expiresAt"] = {"N": str(int(soon.timestamp()))}
        self._client.put_item(TableName=self._table_name, Item=item | changes)
        key = TaskKey(item["pk"]["S"], item["sk"]["S"])
        for chunk in self._table.chunks(key.tenant_code, key.code):
            place = {"pk": {"S": chunk.pk}, "sk": {"S": chunk.sk}}
            self._client.delete_item(TableName=self._table_name, Key=place)
        return key

    def get(self, key: TaskKey) -> TaskEntity:
        """The task as it is."""
        task = self._table.get(key)
        assert task is not None
        return task

    def ended(self, key: TaskKey) -> TaskEntity:
        """The task when others, which the function under test set going, have completed it."""
        deadline = time.monotonic() + SECONDS
        while (task := self.get(key)).status is not TaskStatus.COMPLETED:
            assert time.monotonic() < deadline, f"{key} is still {task.status}"
            time.sleep(0.05)
        return task
