"""A load model of the followed module's calls, written for this comparison; no code of that project is in it.

It makes the published calls in the published order, in this process: what its stream, queues and map deliver costs no
time here, so its seconds are a lower bound. A sub-task's two status messages are each answered by a read of all
sub-tasks, ten a page, and by a write of the parent with an entry for every one of them; that is what grows with N².
"""

import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import encode, encode_item

from benchmarks.followed import ITEMS_PER_QUERY
from tests.support.meter import Meter
from tests.support.units import Image, read_units

QUEUE_CONCURRENCY = 5
"""Status messages that it handles at the same time by default."""
WHO = "e774caf8-0051-70e2-5f63-272f041b56a9"
Key = tuple[str, str]


@dataclass(frozen=True)
class Played:
    """Counts and time of one task."""

    seconds: float
    calls: int
    writes: int
    queries: int
    publishes: int
    write_units: int
    read_units: float


class Original:
    """Plays tasks against a table and a topic of its own."""

    def __init__(self, dynamodb: Any, sns: Any, table: str, topic: str, map_concurrency: int) -> None:
        self._dynamodb = dynamodb
        self._sns = sns
        self._table = table
        self._topic = topic
        self._map_concurrency = map_concurrency
        self._mirror: dict[Key, Image] = {}
        self._lock = Lock()
        self._queries = 0
        self._mirrored_units = 0.0
        self._real_queries = True

    def single(self) -> Played:
        """A single task: four writes, each announced."""
        return self._measured(self._single)

    def fan_out(self, count: int, *, real_queries: bool = True) -> Played:
        """A task with sub-tasks. Queries can be answered from memory instead: counted, but not waited for."""
        self._real_queries = real_queries
        return self._measured(lambda: self._fan_out(count))

    def _measured(self, play: Any) -> Played:
        meter = Meter()
        self._queries, self._mirrored_units = 0, 0.0
        with meter.listening(self._dynamodb, self._sns):
            begun = time.perf_counter()
            play()
            seconds = time.perf_counter() - begun
        made = sum(meter.calls.values())
        return Played(
            seconds=seconds,
            calls=made + (0 if self._real_queries else self._queries),
            writes=meter.calls["dynamodb.PutItem"] + meter.calls["dynamodb.UpdateItem"],
            queries=self._queries,
            publishes=meter.calls["sns.Publish"],
            write_units=meter.write_units,
            read_units=meter.read_units + self._mirrored_units,
        )

    def _single(self) -> None:
        key = ("TASK#bench", f"cat#{_code()}")
        self._create(key, "cat", {"key": "value1"})
        for status in ("QUEUED", "PROCESSING"):
            self._change(key, status)
        self._change(key, "COMPLETED", {"result": [["Result after process"]]})

    def _fan_out(self, count: int) -> None:
        parent = (f"SFN_TASK#{uuid.uuid4().hex[:8]}", f"cat#{_code()}")
        self._create(parent, "cat", [{"key": "value1"}] * count)
        self._change(parent, "QUEUED")
        self._change(parent, "PROCESSING", {})
        children = [(parent[0], f"{parent[1]}#{number}") for number in range(count)]
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda child: self._put(child, "cat", {"key": "value1"}), children))
        self._change(parent, "PROCESSING", self._summary([self._mirror[child] for child in children]))
        messages: list[Future[None]] = []
        with ThreadPoolExecutor(QUEUE_CONCURRENCY) as queue:

            def run(child: Key) -> None:
                for status, result in (("PROCESSING", None), ("COMPLETED", {"result": [["Result after process"]]})):
                    self._change(child, status, result, "sub-task-status")
                    messages.append(queue.submit(self._aggregate, parent, children))

            with ThreadPoolExecutor(self._map_concurrency) as machine:
                list(machine.map(run, children))
        for message in messages:
            message.result()

    def _aggregate(self, parent: Key, children: list[Key]) -> None:
        found = self._query(parent) if self._real_queries else self._recall(children)
        ended = all(image["status"]["S"] == "COMPLETED" for image in found)
        self._change(parent, "COMPLETED" if ended else "PROCESSING", self._summary(found))

    def _query(self, parent: Key) -> list[Image]:
        found: list[Image] = []
        place: dict[str, Any] = {}
        while True:
            answer = self._dynamodb.query(
                TableName=self._table,
                Limit=ITEMS_PER_QUERY,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": parent[0]}, ":sk": {"S": f"{parent[1]}#"}},
                **place,
            )
            with self._lock:
                self._queries += 1
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            place = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _recall(self, children: list[Key]) -> list[Image]:
        found = [self._mirror[child] for child in children]
        pages = [found[at : at + ITEMS_PER_QUERY] for at in range(0, len(found) + 1, ITEMS_PER_QUERY)]
        with self._lock:
            self._queries += len(pages)
            self._mirrored_units += sum(read_units(page, consistent=False) for page in pages)
        return found

    def _summary(self, children: list[Image]) -> dict[str, Any]:
        statuses = [child["status"]["S"] for child in children]
        entries = [
            {"pk": child["pk"]["S"], "sk": child["sk"]["S"], "status": status}
            for child, status in zip(children, statuses, strict=True)
        ]
        return {
            "subTaskCount": len(entries),
            "subTaskSucceedCount": statuses.count("COMPLETED"),
            "subTaskFailedCount": 0,
            "subTaskRunningCount": statuses.count("PROCESSING"),
            "subTasks": entries,
        }

    def _create(self, key: Key, task_type: str, value: Any) -> None:
        item = self._put(key, task_type, value)
        record = {"eventName": "INSERT", "dynamodb": {"NewImage": encode_item(item)}, "_taskEntity": item}
        self._publish("task-execute", record)

    def _put(self, key: Key, task_type: str, value: Any) -> Mapping[str, Any]:
        now = _now()
        item = {
            "id": "#".join(key), "pk": key[0], "sk": key[1], "version": 0, "code": key[1][-26:], "type": task_type,
            "name": task_type, "tenantCode": key[0].split("#")[1], "status": "CREATED", "input": value,
            "requestId": str(uuid.uuid4()), "createdAt": now, "updatedAt": now, "createdBy": WHO, "updatedBy": WHO,
            "createdIp": "127.0.0.1", "updatedIp": "127.0.0.1",
        }  # fmt: skip
        image = encode_item(item)
        self._dynamodb.put_item(TableName=self._table, Item=image)
        with self._lock:
            self._mirror[key] = image
        return item

    def _change(self, key: Key, status: str, attributes: Any = None, action: str = "task-status") -> None:
        sets = {"status": status, "updatedAt": _now()} | ({"attributes": attributes} if attributes is not None else {})
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=encode_item({"pk": key[0], "sk": key[1]}),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in sets),
            ExpressionAttributeNames={f"#{name}": name for name in sets},
            ExpressionAttributeValues={f":{name}": encode(value) for name, value in sets.items()},
            ReturnValues="ALL_NEW",
        )
        with self._lock:
            self._mirror[key] = answer["Attributes"]
        content = {"status": status, "attributes": attributes}
        self._publish(action, {"pk": key[0], "sk": key[1], "id": "#".join(key), "content": content})

    def _publish(self, action: str, message: Mapping[str, Any]) -> None:
        attribute = {"DataType": "String", "StringValue": action}
        body = json.dumps({"action": action, "table": self._table, **message})
        self._sns.publish(TopicArn=self._topic, Message=body, MessageAttributes={"action": attribute})


def _code() -> str:
    return uuid.uuid4().hex[:26].upper()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
