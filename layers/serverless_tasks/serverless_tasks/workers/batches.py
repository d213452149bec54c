"""Works off a batch of records and says which must be delivered again; every failure has its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from serverless_tasks.workers.log import logger

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Record = Mapping[str, Any]
Handle = Callable[[Record], None]


class Redeliver(Exception):
    """Raised for a record that is to come again and about which nothing is wrong."""


def work_off(
    records: Sequence[Record],
    handle: Handle,
    identify: Callable[[Record], str],
    same: Callable[[Record], Any] | None = None,
    threads: int = 1,
) -> dict[str, list[dict[str, str]]]:
    """Handle each record; return Lambda's partial batch response, ``{"batchItemFailures": [{"itemIdentifier"}]}``.

    With several ``threads``, records that are about the ``same`` thing are handled in their order, by one of them.
    """
    groups: dict[Any, list[Record]] = {}
    for number, record in enumerate(records):
        groups.setdefault(same(record) if same else number, []).append(record)
    with _threads(threads) if threads > 1 and len(groups) > 1 else _Here() as pool:
        failed = [
            record for group in pool.map(lambda group: _failed(group, handle), groups.values()) for record in group
        ]
    return {"batchItemFailures": [{"itemIdentifier": identify(record)} for record in failed]}


def _failed(group: Sequence[Record], handle: Handle) -> Sequence[Record]:
    """The first record that failed and those behind it, which wait for it."""
    for number, record in enumerate(group):
        try:
            handle(record)
        except Redeliver as reason:
            logger.info("to be delivered again", extra={"reason": str(reason)})
            return group[number:]
        except Exception:
            logger.exception("a record failed and is delivered again")
            return group[number:]
    return ()


def _threads(count: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # the queue worker, and a lone record, do without

    return ThreadPoolExecutor(count)


class _Here:
    """A pool of no threads: user code runs in the main one, where a signal can end it."""

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    map = staticmethod(map)
