"""The stack's resources in memory, each with the methods of its adapter."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serverless_tasks.adapters.executions import execution_name
from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.meter import Meter
from serverless_tasks.adapters.queue import MOST_RECEIVES, visibility_timeout
from serverless_tasks.core.errors import PayloadMissing
from serverless_tasks.core.inputs.json_text import fits_inline, from_json_text
from serverless_tasks.core.outbox.messages import alarm_message, alarm_text, status_event, status_message, task_message
from serverless_tasks.core.outbox.stream_records import PREFIX, records_of
from serverless_tasks.core.task.decisions import MESSAGE_SECONDS
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import FACTS
from serverless_tasks.core.times import Clock, after, to_milliseconds
from serverless_tasks.testing.table import MemoryTable


class MemoryPayloads:
    """Stands in for ``PayloadStore``: ``objects`` by key, as text, with what is no UTF-8 as surrogate escapes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.objects: dict[str, str] = {}
        self.written_at: dict[str, datetime] = {}

    def upload(self, input_ref: str, body: bytes) -> None:
        """Do what a client does with an upload. Raises ``FileExistsError`` the second time."""
        if input_ref in self.objects:
            raise FileExistsError(input_ref)
        self.objects[input_ref] = body.decode(errors=_ESCAPED)
        self.written_at[input_ref] = self._clock()

    def expire(self, days: float) -> None:
        """Do what the bucket does with objects that are older."""
        for key, written in list(self.written_at.items()):
            if after(written, days * 86_400) <= self._clock():
                self.objects.pop(key, None)

    def renew(self, prefix: str, code: str, older_than: datetime, remaining: Callable[[], float]) -> bool:
        """Make older objects whose keys begin so young again."""
        for key, written in self.written_at.items():
            if key.startswith(prefix) and key in self.objects and written < older_than:
                self.written_at[key] = self._clock()
        return True

    def inline_or_stored(self, name: str, text: str, task: TaskEntity, what: str) -> dict[str, Any]:
        """``{name: text}`` up to 4 KB, else ``{nameRef: reference}``."""
        if fits_inline(text):
            return {name: text}
        return {f"{name}Ref": self.put(f"payloads/{task.tenant_code}/{task.code}/{what}", text)}

    def put(self, key: str, text: str | bytes, content_type: str = "") -> dict[str, Any]:
        """Store the text, or what it is in UTF-8, and return its reference."""
        text = text if isinstance(text, str) else text.decode()
        self.objects[key] = text
        self.written_at[key] = self._clock()
        return {"key": key, "bytes": len(text.encode()), "etag": _etag(text)}

    def load(self, reference: Mapping[str, Any]) -> Any:
        """The value of a stored payload."""
        return from_json_text(self._text(reference))

    def find(self, key: str) -> dict[str, Any] | None:
        """The reference of what was uploaded, or None."""
        text = self.objects.get(key)
        return None if text is None else {"key": key, "bytes": len(_bytes(text)), "etag": _etag(text)}

    def blocks(self, reference: Mapping[str, Any], start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a stored payload."""
        yield _bytes(self._text(reference))[start:end]

    def lines(self, reference: Mapping[str, Any]) -> Iterator[str]:
        """Lines of a stored payload."""
        yield from self._text(reference).split("\n")[:-1]

    def upload_link(self, key: str, headers: Mapping[str, str], seconds: int) -> str:
        """Something to show."""
        return f"memory:{key}"

    def link(self, reference: Mapping[str, Any]) -> str:
        """Something to show."""
        return f"memory:{reference['key']}"

    def _text(self, reference: Mapping[str, Any]) -> str:
        text = self.objects.get(reference["key"])
        if text is None or reference["etag"] != _etag(text):
            raise PayloadMissing(f"the bucket has no {reference['key']} as it was written")
        return text


_ESCAPED = "surrogateescape"


def _bytes(text: str) -> bytes:
    return text.encode(errors=_ESCAPED)


def _etag(text: str) -> str:
    return f'"{zlib.crc32(_bytes(text)):08x}"'


class MemoryQueue:
    """Stands in for ``TaskQueue``; messages come back when their visibility ends, for 14 days and 1,000 times."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.messages: dict[str, dict[str, Any]] = {}
        self.dead_letters: list[tuple[str, str]] = []
        self._sent = 0

    def send(self, task: TaskEntity) -> None:
        """Put the task's message on the queue."""
        self.send_body(json.dumps(task_message(task)))

    def send_all(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Put the messages of all on the queue."""
        return _each(self.send, tasks)

    def send_body(self, body: str) -> None:
        """Put any message on the queue."""
        self._sent += 1
        handle = f"message-{self._sent}"
        self.messages[handle] = {"messageId": handle, "receiptHandle": handle, "body": body, "visible": self._clock()}
        self._stamp(self.messages[handle])

    def _stamp(self, message: dict[str, Any]) -> dict[str, str]:
        """The attributes that SQS gives it."""
        sent = {"ApproximateReceiveCount": "0", "SentTimestamp": str(to_milliseconds(self._clock()))}
        attributes: dict[str, str] = message.setdefault("attributes", sent)
        return attributes

    def receive(self, visibility: float = 5400) -> dict[str, Any] | None:
        """One visible message, hidden from now on, or None."""
        now = self._clock()
        self._forget(to_milliseconds(after(now, -MESSAGE_SECONDS)))
        for handle, message in list(self.messages.items()):
            if message["visible"] > now:
                continue
            attributes = self._stamp(message)
            receives = int(attributes["ApproximateReceiveCount"]) + 1
            if receives > MOST_RECEIVES:
                del self.messages[handle]
                self.dead_letters.append((message["body"], ""))
                continue
            attributes["ApproximateReceiveCount"] = str(receives)
            message["visible"] = after(now, visibility)
            return message
        return None

    def _forget(self, sent_until: int) -> None:
        """SQS deletes a message so long after its sending, hidden or not."""
        old = [h for h, found in self.messages.items() if int(self._stamp(found)["SentTimestamp"]) <= sent_until]
        for handle in old:
            del self.messages[handle]

    def delete(self, record: Mapping[str, Any]) -> None:
        """Acknowledge a message."""
        self.messages.pop(record["receiptHandle"], None)

    def hide(self, record: Mapping[str, Any], seconds: float) -> None:
        """Let the message come back after so many seconds, whole ones, as SQS counts."""
        if record["receiptHandle"] in self.messages:
            self.messages[record["receiptHandle"]]["visible"] = after(self._clock(), visibility_timeout(seconds))

    def dead_letter(self, record: Mapping[str, Any], reason: str) -> None:
        """Put the message on the dead-letter queue."""
        self.dead_letters.append((record.get("body") or " ", reason))


_RELAY = "relay"


class MemoryGivenUp:
    """Stands in for ``GivenUpRecords``: ``documents`` as Lambda writes them, by key."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Do what Lambda does with a batch that it gives up."""
        context = {"functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{_RELAY}"}
        document = json.dumps({"requestContext": context, "payload": json.dumps({"Records": list(records)})})
        self.documents[f"{PREFIX}{zlib.crc32(document.encode()):08x}"] = document

    def batches(self) -> list[str]:
        """The keys of all batches."""
        return list(self.documents)

    def records(self, key: str) -> Sequence[Mapping[str, Any]] | None:
        """The batch's records; None if it is another function's."""
        return records_of(self.documents[key], _RELAY)

    def remove(self, key: str) -> None:
        """The batch is done with."""
        self.documents.pop(key, None)


class MemoryExecutions:
    """Stands in for ``Executions``: ``inputs`` of what was started, by name, and what has ``ended``.

    ``lanes``: name and input of each lane that was started, by its ARN.
    """

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}
        self.lanes: dict[str, tuple[str, dict[str, Any]]] = {}
        self.ended: set[str] = set()
        self.stopped: set[str] = set()

    def start(self, task: TaskEntity) -> str:
        """Start the execution of this task and run, unless it was started before."""
        name = execution_name(task)
        self.start_named(name, {"pk": task.pk, "sk": task.sk, "run": task.run})
        return name

    def start_named(self, name: str, payload: Mapping[str, Any]) -> None:
        """Start an execution of this name, unless there is one."""
        self.inputs.setdefault(name, dict(payload))

    def start_lane(self, task: TaskEntity) -> str:
        """Start a lane: the name of an Express execution may be used again."""
        arn, payload = f"lane-{len(self.lanes) + 1}", {"pk": task.pk, "sk": task.sk, "run": task.run}
        self.lanes[arn] = (execution_name(task), payload)
        return arn

    def is_in_lane(self, task: TaskEntity) -> bool:
        """Whether the execution that the task names is a lane, or was one."""
        return task.execution_arn in self.lanes

    def is_running(self, task: TaskEntity) -> bool | None:
        """Whether it is running, or None when there is none."""
        name = execution_name(task)
        return name not in self.ended | self.stopped if name in self.inputs else None

    def stop(self, task: TaskEntity) -> None:
        """Stop it."""
        self.stopped.add(execution_name(task))


class MemorySink:
    """Stands in for a sink: the messages that were ``published``, in order."""

    def __init__(
        self, name: str, is_for: Callable[[TaskEntity], bool], message: Callable[[TaskEntity], Mapping[str, Any]]
    ) -> None:
        self.name = name
        self.is_for = is_for
        self.published: list[dict[str, Any]] = []
        self._message = message

    def publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Keep a message about each task."""
        return _each(lambda task: self.keep(self._message(task)), tasks)

    def keep(self, message: Mapping[str, Any]) -> None:
        """Keep the message as it is sent."""
        self.published.append(json.loads(json.dumps(message).encode()))


class MemoryAlarms(MemorySink):
    """Stands in for ``AlarmTopic``."""

    def __init__(self) -> None:
        super().__init__("alarm", lambda task: FACTS[task.status].alarms, _alarm)

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Keep an alarm message of this text."""
        self.keep(alarm_message(task, error_message, "tasks"))


@dataclass(frozen=True)
class MemoryTopics:
    """What the topics got: ``statuses`` and ``alarms``, in order."""

    statuses: list[dict[str, Any]]
    alarms: list[dict[str, Any]]


def _alarm(task: TaskEntity) -> dict[str, Any]:
    return alarm_message(task, alarm_text(task), "tasks")


def _each(send: Callable[[TaskEntity], None], tasks: Sequence[TaskEntity]) -> Failures:
    """As a batch of SQS or SNS goes: one that fails keeps no other."""
    failures: Failures = {}
    for task in tasks:
        try:
            send(task)
        except Exception as error:
            failures[task.key] = error
    return failures


class MemoryCloud:
    """Stands in for ``Cloud``."""

    def __init__(self, clock: Clock, settings: Any) -> None:
        self.settings = settings
        self.meter = Meter()  # which is never begun: what costs nothing has no usage
        self.table = MemoryTable(settings.relayed)
        self.payloads = MemoryPayloads(clock)
        self.given_up = MemoryGivenUp()
        self.queue = MemoryQueue(clock)
        self.executions = MemoryExecutions()
        self.status_topic = MemorySink("status", self._is_published, lambda task: status_message(task, "tasks"))
        self.alarm_topic = MemoryAlarms()
        self.event_bus = MemorySink("bus", self._is_published, lambda task: status_event(task, "tasks"))
        self.topics = MemoryTopics(self.status_topic.published, self.alarm_topic.published)

    @property
    def sinks(self) -> Sequence[MemorySink]:
        """The sinks that the settings name, in order."""
        topics = (self.status_topic, self.alarm_topic)
        return (*topics, self.event_bus) if self.settings.event_bus_name else topics

    def _is_published(self, task: TaskEntity) -> bool:
        return task.status in self.settings.published
