"""Watches a client's calls by botocore's own events: counts them, checks them, and lets a worker die at one."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.clients import worker_client

SERVICES = ("dynamodb", "s3", "sqs", "sns", "stepfunctions", "events")
_CALL = "the call"


@dataclass(frozen=True)
class Call:
    """One call of the AWS API."""

    function: str
    """Who made it: ``api``, ``relay``, ``queue``, ``plan``, ``chunk``, ``finish`` …"""
    service: str
    operation: str
    params: dict[str, Any]


Watcher = Callable[[Call], None]


class Calls:
    """The calls of all functions, in order.

    ``before`` and ``after`` are asked at every call, and what they raise, the caller of the client gets: ``after`` when
    the call has had its effect. ``checks`` are asked at every call too, and what they raise is kept in ``wrong``, since
    a worker may survive it.
    """

    def __init__(self) -> None:
        self.made: list[Call] = []
        self.before: list[Watcher] = []
        self.after: list[Watcher] = []
        self.checks: list[Watcher] = []
        self.wrong: list[Exception] = []
        self.invocations: list[str] = []
        self._function = "api"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what the worker clients do."""
        hooks = (
            ("before-parameter-build", self._hear),
            ("before-call", self._begin),
            ("after-call", self._end),
        )
        emitters = {service: worker_client(service).meta.events for service in SERVICES}
        for service, events in emitters.items():
            for name, hook in hooks:
                events.register(f"{name}.{_event_name(service)}", hook)
        try:
            yield
        finally:
            for service, events in emitters.items():
                for name, hook in hooks:
                    events.unregister(f"{name}.{_event_name(service)}", hook)

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """What is called inside is called by this function."""
        outer, self._function = self._function, function
        self.invocations.append(function)
        try:
            yield
        finally:
            self._function = outer

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What is called inside is the test's own business: not counted, not interrupted."""
        kept = self.made, self.before, self.after
        self.made, self.before, self.after = [], [], []
        try:
            yield
        finally:
            self.made, self.before, self.after = kept

    def of_service(self, service: str, *operations: str) -> list[Call]:
        """The calls of one service, of some operations or all."""
        return [c for c in self.made if c.service == service and (not operations or c.operation in operations)]

    def count(self, service: str, *operations: str) -> int:
        """How many of them."""
        return len(self.of_service(service, *operations))

    def begin(self, service: str, operation: str, params: dict[str, Any]) -> Call:
        """A call is about to be made."""
        call = Call(self._function, service, operation, params)
        self._tell(call)
        return call

    def end(self, call: Call) -> None:
        """The call has had its effect."""
        for watcher in self.after:
            watcher(call)

    def _tell(self, call: Call) -> None:
        self.made.append(call)
        for check in self.checks:
            try:
                check(call)
            except Exception as error:
                self.wrong.append(error)
        for watcher in self.before:
            watcher(call)

    def _hear(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_CALL] = Call(self._function, model.service_model.service_name, model.name, copy.deepcopy(params))

    def _begin(self, context: dict[str, Any], **_: Any) -> None:
        self._tell(context[_CALL])

    def _end(self, context: dict[str, Any], **_: Any) -> None:
        self.end(context[_CALL])


def _event_name(service: str) -> str:
    return str(worker_client(service).meta.service_model.service_id.hyphenize())
