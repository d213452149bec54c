"""Pages and their cursors, and the pages of a tenant's tasks, newest first."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from serverless_tasks.adapters.table import TaskTable, task_of
from serverless_tasks.core.dynamodb.attribute_values import Item, encode_item
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.entity import COUNTERS, TaskEntity
from serverless_tasks.core.task.keys import SEPARATOR, TaskKey, check_name, failed_attention, is_code, is_name
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import from_iso

MAX_LIMIT = 100
"""Tasks of one page at most; also what one BatchGetItem can read."""
MAX_PAGES = 5
"""Index pages that one request reads at most to fill a filtered page."""

T = TypeVar("T")

_LEFT_OUT = {"input", "inputRef", "history", "attributes", "doneChunks"}
_KEPT_ATTRIBUTES = ("progress", "error", *COUNTERS)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next page if there may be more."""

    items: Sequence[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks of a tenant are listed."""

    tenant_code: str
    kind: TaskKind | None = None
    task_type: str | None = None
    status: TaskStatus | None = None

    def __post_init__(self) -> None:
        check_name("tenantCode", self.tenant_code)
        if self.task_type is not None:
            check_name("taskType", self.task_type)

    @property
    def fingerprint(self) -> list[Any]:
        """The query that a cursor is bound to."""
        return [self.tenant_code, self.kind, self.task_type, self.status]

    @property
    def of_failed(self) -> bool:
        """Whether the failed tasks' own index answers it."""
        return self.status is TaskStatus.FAILED

    @property
    def of_keys(self) -> bool:
        """Whether the tasks' own keys answer it, without an index."""
        return not self.of_failed and self.kind is not None and self.task_type is not None

    def partition(self) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """Index, key condition and values of the cheapest way to read it."""
        if self.of_failed:
            return {"IndexName": "attention"}, "attention = :p", {":p": failed_attention(self.tenant_code)}
        if self.of_keys:
            values = {":p": f"{self.kind}#{self.tenant_code}", ":t": f"{self.task_type}#"}
            return {}, "pk = :p AND begins_with(sk, :t)", values
        return {"IndexName": "by_tenant"}, "tenantCode = :p", {":p": self.tenant_code}

    def accepts(self, key: TaskKey) -> bool:
        """Whether kind and type fit: both are in the key."""
        return self.kind in (None, key.kind) and self.task_type in (None, key.task_type)


def check_limit(limit: int, most: int = MAX_LIMIT) -> None:
    """Raises :class:`InvalidInput` for a page size that is not allowed."""
    if not 1 <= limit <= most:
        raise InvalidInput("limit", f"must be 1 to {most}")


def encode_cursor(query: Sequence[Any], position: Sequence[Any]) -> str:
    """The cursor for ``position`` in the results of ``query``, whose first part is the tenant. Opaque to clients."""
    text = json.dumps([_fingerprint(query), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(query: Sequence[Any], cursor: str) -> list[Any]:
    """The position in a cursor. Raises :class:`InvalidInput` for one that is not of this query and tenant."""
    try:
        fingerprint, *position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise invalid_cursor() from None
    if fingerprint != _fingerprint(query):
        raise invalid_cursor()
    return list(position)


def invalid_cursor() -> InvalidInput:
    """The error for every cursor that is not one of ours."""
    return InvalidInput("cursor", "is not a cursor of this query; leave it out to begin at the first page")


def list_tasks(table: TaskTable, query: TaskQuery, limit: int, cursor: str | None) -> Page[TaskEntity]:
    """A page of tasks without input, result and history. With a filter it may be short and still have a cursor."""
    check_limit(limit)
    start = _start_key(query, decode_cursor(query.fingerprint, cursor)) if cursor else None
    found: list[TaskEntity] = []
    last: Item | None = None
    for looked in itertools.count(1):
        items, start = _index_page(table, query, limit - len(found), start)
        ours = [item for item in items if _is_ours(item)]
        keys = [key for item in ours if query.accepts(key := TaskKey(item["pk"], item["sk"]))]
        found += [task for task in _load(table, keys) if query.status in (None, task.status)]
        if start is None:
            break
        # A page may end at a foreign item, where no cursor can stand: the next one goes on behind our last.
        last = ours[-1] if ours else last
        if last is not None and (len(found) >= limit or looked >= MAX_PAGES):
            return Page(found, encode_cursor(query.fingerprint, _position(query, last)))
    return Page(found, None)


def _index_page(table: TaskTable, query: TaskQuery, limit: int, start: Item | None) -> tuple[list[Item], Item | None]:
    options, condition, values = query.partition()
    if start:
        options["ExclusiveStartKey"] = encode_item(start)
    if query.of_keys:
        options["ProjectionExpression"] = "pk, sk"  # the indexes hold nothing but keys
    options |= {"ScanIndexForward": False, "Limit": limit}
    return table.page(condition, values, **options)


def _is_ours(item: Item) -> bool:
    """Whether the key is a parent's. Foreign items in the table may use the attributes of our indexes, too."""
    kind, (task_type, *code) = item["pk"].partition(SEPARATOR)[0], item["sk"].split(SEPARATOR)
    return kind in set(TaskKind) and is_name(task_type) and len(code) == 1 and is_code(code[0])


def _load(table: TaskTable, keys: Sequence[TaskKey]) -> Iterator[TaskEntity]:
    items = table.batch_get(keys, **_PROJECTION) if keys else {}
    return (task for key in keys if key in items and (task := task_of(items[key])))


def _projection() -> dict[str, Any]:
    kept = {name for name in TaskEntity.attribute_names() if name not in _LEFT_OUT}
    paths = [f"#{name}" for name in sorted(kept)] + [f"#attributes.#{name}" for name in _KEPT_ATTRIBUTES]
    names = {f"#{name}": name for name in (*kept, "attributes", *_KEPT_ATTRIBUTES)}
    return {"ProjectionExpression": ", ".join(paths), "ExpressionAttributeNames": names}


_PROJECTION = _projection()


def _position(query: TaskQuery, last: Item) -> list[Any]:
    key = TaskKey(last["pk"], last["sk"])
    return [key.kind, key.task_type, key.code, last["dueAt"] if query.of_failed else None]


def _start_key(query: TaskQuery, position: list[Any]) -> Item:
    try:
        kind, task_type, code, due_at = position
        key = TaskKey.of(TaskKind(kind), query.tenant_code, task_type, code)
        if due_at is not None:
            from_iso(due_at)
    except (ValueError, TypeError):
        raise invalid_cursor() from None
    if not (is_name(task_type) and is_code(code)) or query.of_failed != (due_at is not None):
        raise invalid_cursor()
    if query.of_keys and not query.accepts(key):
        raise invalid_cursor()  # DynamoDB refuses to start outside of what is queried
    start = {"pk": key.pk, "sk": key.sk}
    if query.of_failed:
        return {**start, "attention": failed_attention(query.tenant_code), "dueAt": due_at}
    if query.of_keys:
        return start
    return {**start, "tenantCode": query.tenant_code, "code": code}


def _fingerprint(query: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]
