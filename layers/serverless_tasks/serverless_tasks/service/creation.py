"""Makes new tasks, and with an idempotency key each of them once; and uploads for their inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ulid import ULID

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.payloads import JSON_LINES, join_lines, payload_key
from serverless_tasks.core.dynamodb.expressions import Put
from serverless_tasks.core.errors import InvalidInput, KeyReused, LostRace
from serverless_tasks.core.inputs.json_text import fits_inline, to_json_text
from serverless_tasks.core.inputs.uploads import (
    CONTENT_TYPES,
    UPLOAD_SECONDS,
    Format,
    Upload,
    check_input_ref,
    check_size,
    no_such_upload,
    upload_key,
)
from serverless_tasks.core.task.entity import TaskEntity, history_entry
from serverless_tasks.core.task.idempotency import Intent, remembered
from serverless_tasks.core.task.keys import TaskKey, check_name, is_title, open_attention
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import Clock, after, to_iso

CREATE_TRIES = 8
"""How often a creation that met another one of the same key looks again."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, for the record: ``createdBy``, ``createdIp``, ``requestId``."""

    user: str | None = None
    ip: str | None = None
    request_id: str | None = None


NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Draft:
    """A new task as it was asked for. Raises :class:`InvalidInput` naming the field that is wrong."""

    kind: TaskKind
    tenant_code: str
    task_type: str
    name: str | None
    text: str
    """The input as JSON text, or the reference to it."""
    elements: Sequence[Any] | None
    """The input's elements, of a Step Functions task."""
    caller: Caller
    input_ref: str | None = None
    """Key of the upload that has the elements, if they were not given themselves."""

    def __post_init__(self) -> None:
        check_name("tenantCode", self.tenant_code)
        check_name("taskType", self.task_type)
        if self.input_ref is not None:
            check_input_ref(self.tenant_code, self.input_ref)
        if self.name is not None and not is_title(self.name):
            raise InvalidInput("name", "must be 1 to 256 characters on one line, without control characters")

    def intent(self, key: str) -> Intent:
        """The draft as something to be done once."""
        content = (self.task_type, self.name, self.text)
        return Intent(self.tenant_code, self.caller.user or "", self.kind, key, content)


def create(cloud: Cloud, clock: Clock, draft: Draft, idempotency_key: str | None) -> TaskEntity:
    """Write the task, or return the one that the key stands for. Raises :class:`KeyReused`, :class:`BoundReached`."""
    count_once = counter(cloud, clock, draft.tenant_code, draft.caller.user)
    if idempotency_key is None:
        count_once()
        task = _new_task(cloud, clock, draft)
        return TaskEntity.from_item(cloud.table.put(Put(task.to_item())))
    intent = draft.intent(idempotency_key)
    for _ in range(CREATE_TRIES):
        if made_before := _made_before(cloud, clock, intent):
            return made_before
        count_once()
        task = _new_task(cloud, clock, draft)
        expires_at = int(clock().timestamp()) + 2 * cloud.settings.retention_days * 86400
        try:
            _, written = cloud.table.put_all([intent.remember(task, clock(), expires_at), Put(task.to_item())])
        except LostRace:
            continue
        return TaskEntity.from_item(written)
    raise LostRace("many requests with this idempotency key at once; ask again")


def counter(cloud: Cloud, clock: Clock, tenant_code: str, user: str | None) -> Callable[[], None]:
    """Counts a task for its bounds, when it is called first. That raises :class:`BoundReached`."""

    @cache
    def count_once() -> None:
        if cloud.settings.bounded:
            from serverless_tasks.service.bounds import count  # not at the start: few stacks have bounds

            count(cloud, clock, tenant_code, user)

    return count_once


def _made_before(cloud: Cloud, clock: Clock, intent: Intent) -> TaskEntity | None:
    item = cloud.table.item(intent.item_key)
    if item is None or (key := remembered(item, clock())) is None:
        return None
    if not intent.is_of(item):
        raise KeyReused("this Idempotency-Key was used for another task; use a new key for each task")
    return cloud.table.get(key)


def _new_task(cloud: Cloud, clock: Clock, draft: Draft) -> TaskEntity:
    now, caller = clock(), draft.caller
    code = str(ULID.from_datetime(now))
    key = TaskKey.of(draft.kind, draft.tenant_code, draft.task_type, code)
    task = TaskEntity(
        pk=key.pk,
        sk=key.sk,
        kind=draft.kind,
        code=code,
        type=draft.task_type,
        name=draft.name or draft.task_type,
        tenant_code=draft.tenant_code,
        status=TaskStatus.CREATED,
        history=(history_entry(TaskStatus.CREATED, to_iso(now), 0, caller.user),),
        request_id=caller.request_id,
        created_at=to_iso(now),
        updated_at=to_iso(now),
        created_by=caller.user,
        updated_by=caller.user,
        created_ip=caller.ip,
        updated_ip=caller.ip,
        attention=open_attention(code),
        due_at=to_iso(after(now, cloud.settings.first_look_seconds)),
    )
    return _with_input(cloud, task, draft)


def _with_input(cloud: Cloud, task: TaskEntity, draft: Draft) -> TaskEntity:
    if draft.input_ref is not None:
        return replace(task, input_ref=_uploaded(cloud, draft.input_ref))
    if fits_inline(draft.text):
        return replace(task, input_text=draft.text)
    if draft.elements is None:
        key = payload_key(task.tenant_code, task.code, "input.json")
        return replace(task, input_ref=cloud.payloads.put(key, draft.text))
    key = payload_key(task.tenant_code, task.code, "input.jsonl")
    lines = join_lines(to_json_text(element, "input") for element in draft.elements)
    return replace(task, input_ref=cloud.payloads.put(key, lines, JSON_LINES))


def _uploaded(cloud: Cloud, key: str) -> dict[str, Any]:
    """The upload as it is now; the task reads exactly that. Raises :class:`InvalidInput`."""
    reference = cloud.payloads.find(key)
    if reference is None:
        raise no_such_upload()
    check_size(reference["bytes"])
    return reference


def create_upload(cloud: Cloud, clock: Clock, tenant_code: str, written: Format, user: str | None) -> Upload:
    """A link by which one object can be put into the bucket, once. Raises :class:`BoundReached`."""
    check_name("tenantCode", tenant_code)
    if cloud.settings.bounded:
        from serverless_tasks.service.bounds import count  # as above

        count(cloud, clock, tenant_code, user, upload=True)
    now = clock()
    key = upload_key(tenant_code, str(ULID.from_datetime(now)), written)
    headers = {"Content-Type": CONTENT_TYPES[written], "If-None-Match": "*"}
    url = cloud.payloads.upload_link(key, headers, UPLOAD_SECONDS)
    return Upload(key, url, headers, to_iso(after(now, UPLOAD_SECONDS)))
