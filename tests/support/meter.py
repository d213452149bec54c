"""Listens to boto3 clients and adds up the billed amounts: requests, and read and write units by the items' sizes.

What an item was before a write is known from the writes before it, so every write has to go through these clients.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from serverless_tasks.core.dynamodb.sizes import Keys

from tests.support.units import Image, index_write_units, item_size, message_requests, read_units, write_units

_PARAMS = "metered.params"
_ENTRIES = {
    "SendMessage": "",
    "SendMessageBatch": "Entries",
    "Publish": "",
    "PublishBatch": "PublishBatchRequestEntries",
}
"""Operations that carry messages, and the field of the messages; empty for the request itself."""
Params = Mapping[str, Any]
Key = tuple[str, str]


@dataclass
class Meter:
    """The sums so far."""

    indexes: Sequence[Keys] = ()
    calls: Counter[str] = field(default_factory=Counter)
    """Requests by ``service.Operation``."""
    messages: Counter[str] = field(default_factory=Counter)
    """Sent or published, by service."""
    message_requests: Counter[str] = field(default_factory=Counter)
    """Billed for them, by service."""
    write_units: int = 0
    """Of the table itself."""
    index_write_units: int = 0
    read_units: float = 0
    largest_item: int = 0
    refused: int = 0
    """Writes whose condition did not hold; they are billed, too."""
    wanted: Callable[[], bool] = lambda: True
    """Asked at every call whether it counts."""
    _items: dict[Key, Image] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listening(self, *clients: Any) -> Iterator[None]:
        """Listen to these clients."""
        hooks = [("before-parameter-build", self._keep), ("after-call", self._count)]
        places = [(c.meta.events, c.meta.service_model.service_id.hyphenize()) for c in clients]
        for events, service in places:
            for name, hook in hooks:
                events.register(f"{name}.{service}", hook)
        try:
            yield
        finally:
            for events, service in places:
                for name, hook in hooks:
                    events.unregister(f"{name}.{service}", hook)

    def _keep(self, params: Params, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMS] = params

    def _count(self, model: Any, parsed: Params, context: Params, **_: Any) -> None:
        service = model.service_model.service_name
        if not self.wanted():
            return
        with self._lock:
            self.calls[f"{service}.{model.name}"] += 1
            if service == "dynamodb":
                self._add_units(model.name, context[_PARAMS], parsed)
            elif model.name in _ENTRIES:
                self._add_messages(service, model.name, context[_PARAMS])

    def _add_messages(self, service: str, operation: str, params: Params) -> None:
        where = _ENTRIES[operation]
        entries = params[where] if where else [params]
        self.messages[service] += len(entries)
        self.message_requests[service] += message_requests(entries)

    def _add_units(self, operation: str, params: Params, answer: Params) -> None:
        match operation:
            case "PutItem":
                self._write(_key(params["Item"]), params["Item"], answer)
            case "UpdateItem":
                if params.get("ReturnValues") != "ALL_NEW":
                    raise ValueError("an UpdateItem that does not return the new item cannot be metered")
                self._write(_key(params["Key"]), answer.get("Attributes"), answer)
            case "TransactWriteItems":
                for put in (request["Put"] for request in params["TransactItems"]):
                    self._write(_key(put["Item"]), put["Item"], answer, times=2)
            case "GetItem":
                found = [answer["Item"]] if "Item" in answer else []
                self.read_units += read_units(found, consistent=params.get("ConsistentRead", False))
            case "Query":
                self.read_units += read_units(answer.get("Items", []), consistent=params.get("ConsistentRead", False))
            case _:
                raise ValueError(f"dynamodb.{operation} is not metered")

    def _write(self, key: Key, after: Image | None, answer: Params, times: int = 1) -> None:
        before = self._items.get(key)
        refused = "Error" in answer or after is None
        after = None if refused else after
        self.write_units += times * write_units(before, after)
        if after is None:
            self.refused += 1
            return
        self.index_write_units += times * index_write_units(before, after, self.indexes)
        self.largest_item = max(self.largest_item, item_size(after))
        self._items[key] = after


def _key(image: Image) -> Key:
    return image["pk"]["S"], image["sk"]["S"]
