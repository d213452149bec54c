"""Keys of the table's items (docs/table.md). A tenant and a task type cannot contain the separator."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.status import TaskKind

SEPARATOR = "#"
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""Pattern of a tenant code and of a task type."""
TITLE_CHARACTER = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
"""A character of a task's name: of any language, on one line."""
TITLE_LIMIT = 256
"""Characters of a task's name."""
CODE_PATTERN = r"[0-9A-HJKMNP-TV-Z]{26}"
"""Pattern of a ULID (https://github.com/ulid/spec)."""
CHUNKS = "SUB_TASK"
"""Prefix of the partition of a task's chunks."""
UNDELIVERED = "UNTOLD"
"""Kind of an item that remembers an end which a sink did not take. Its key, and its shard, begin with it."""
SHARDS = 8
"""Partitions over which open parents spread in the index ``attention``, and undelivered ends over as many others."""

_NAME = re.compile(NAME_PATTERN)
_CODE = re.compile(CODE_PATTERN)
_TITLE = re.compile(f"{TITLE_CHARACTER}{{1,{TITLE_LIMIT}}}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def check_name(field: str, value: object) -> str:
    """Return ``value`` if it can stand in a key; raises :class:`InvalidInput` naming ``field``."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise InvalidInput(field, "must be 1 to 64 letters, digits, '_', '.' or '-', beginning with a letter or digit")


def is_name(value: object) -> bool:
    """Whether ``value`` can be a tenant code or a task type."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_code(value: object) -> bool:
    """Whether ``value`` can be the code of a task."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def is_title(value: object) -> bool:
    """Whether ``value`` can be a task's name. Half a surrogate pair cannot: it is no text, and no UTF-8."""
    return isinstance(value, str) and _TITLE.fullmatch(value) is not None and not _LONE_SURROGATE.search(value)


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Key of a parent, or of a sub-task as the API shows it (the parent's ``sk`` and ``#`` and its index)."""

    pk: str
    sk: str

    @classmethod
    def of(cls, kind: TaskKind, tenant_code: str, task_type: str, code: str) -> TaskKey:
        """Key of the parent with this tenant, type and code."""
        return cls(f"{kind}{SEPARATOR}{tenant_code}", f"{task_type}{SEPARATOR}{code}")

    @property
    def kind(self) -> TaskKind:
        """Raises ``ValueError`` when this is no parent's key."""
        return TaskKind(self.pk.partition(SEPARATOR)[0])

    @property
    def tenant_code(self) -> str:
        """The tenant that the task belongs to."""
        return self.pk.partition(SEPARATOR)[2]

    @property
    def task_type(self) -> str:
        """The task's type."""
        return self.sk.split(SEPARATOR)[0]

    @property
    def code(self) -> str:
        """The ULID of the parent."""
        return self.sk.split(SEPARATOR)[1]

    @property
    def index(self) -> int | None:
        """The sub-task's index, or None for a parent."""
        parts = self.sk.split(SEPARATOR)
        return int(parts[2]) if len(parts) > 2 else None

    @property
    def parent(self) -> TaskKey:
        """The key of the parent; a parent's own key is returned as it is."""
        return TaskKey(self.pk, SEPARATOR.join(self.sk.split(SEPARATOR)[:2]))

    def sub_task(self, index: int) -> TaskKey:
        """Key of the parent's sub-task at ``index``."""
        return TaskKey(self.pk, f"{self.sk}{SEPARATOR}{index}")

    def __str__(self) -> str:
        return f"{self.pk}{SEPARATOR}{self.sk}"


def chunks_pk(tenant_code: str, code: str) -> str:
    """Partition of the chunks of one Step Functions task."""
    return f"{CHUNKS}{SEPARATOR}{tenant_code}{SEPARATOR}{code}"


def chunk_sk(number: int) -> str:
    """Sort key of a chunk: its number in six digits."""
    return f"{number:06d}"


def task_code_of(pk: str, sk: str) -> str | None:
    """The code of the task that an item with this key is part of, None where it is part of none."""
    kind, _, rest = pk.partition(SEPARATOR)
    if kind == CHUNKS:
        return rest.rpartition(SEPARATOR)[2]
    return sk.rpartition(SEPARATOR)[2] if kind in set(TaskKind) else None


def payload_prefix(tenant_code: str, code: str) -> str:
    """What the keys of a task's payloads in the bucket begin with."""
    return f"payloads/{tenant_code}/{code}/"


OPEN_SHARDS = tuple(f"OPEN{SEPARATOR}{number}" for number in range(SHARDS))
"""The partitions of the index ``attention`` that hold open tasks."""

UNDELIVERED_SHARDS = tuple(f"{UNDELIVERED}{SEPARATOR}{number}" for number in range(SHARDS))
"""The partitions of the index ``attention`` that hold ends of tasks which a sink did not take."""


def open_attention(code: str) -> str:
    """Shard of the index ``attention`` in which an open task stands."""
    return OPEN_SHARDS[_shard(code)]


def undelivered_attention(code: str) -> str:
    """Shard of the index ``attention`` in which the end of this task stands as long as it is undelivered."""
    return UNDELIVERED_SHARDS[_shard(code)]


def _shard(code: str) -> int:
    return zlib.crc32(code.encode()) % SHARDS


def failed_attention(tenant_code: str) -> str:
    """Partition of the index ``attention`` in which the failed tasks of a tenant stand."""
    return f"FAILED{SEPARATOR}{tenant_code}"
