"""boto3 clients with recorded answers, so that the same work can run again without AWS and without boto3."""

from collections.abc import Callable
from typing import Any

MakeClient = Callable[[str], Any]


class Recorded:
    """Makes clients that record their answers, and clients that repeat them, in the same order."""

    def __init__(self, make_client: MakeClient) -> None:
        self._make_client = make_client
        self._answers: list[tuple[str, str, Any]] = []
        self._next = 0

    def client(self, service: str) -> Any:
        """A real client that is recorded."""
        return _Client(service, self._make_client(service), self._answers)

    def replayed(self, service: str) -> Any:
        """A client that repeats the recorded answers."""
        return _Replay(service, self)

    def rewind(self) -> None:
        """Begin with the first answer again."""
        self._next = 0

    def answer(self, service: str, method: str) -> Any:
        """The next answer, which must be one to this method."""
        recorded = self._answers[self._next]
        self._next += 1
        if recorded[:2] != (service, method):
            raise AssertionError(f"{service}.{method} was called where {recorded[0]}.{recorded[1]} was recorded")
        return recorded[2]


class _Client:
    def __init__(self, service: str, client: Any, answers: list[tuple[str, str, Any]]) -> None:
        self._service = service
        self._client = client
        self._answers = answers

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            answer = getattr(self._client, method)(**arguments)
            self._answers.append((self._service, method, answer))
            return answer

        return call


class _Replay:
    def __init__(self, service: str, recorded: Recorded) -> None:
        self._service = service
        self._recorded = recorded

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **_: self._recorded.answer(self._service, method)
