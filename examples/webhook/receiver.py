"""Receives messages of the status topic over HTTP: confirms the subscription, refuses forgeries, acts once.

python -m examples.webhook.receiver --topic <StatusTopicArn> --port 8080

SNS needs an address that it can reach, and you need TLS: put it behind a proxy that has both.
"""

import argparse
import json
import logging
from collections.abc import Callable
from contextlib import closing, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import urlopen

from examples.webhook.inbox import Inbox, StatusMessage
from examples.webhook.signatures import Forged, Message, Verifier

MOST_BYTES = 1_000_000
"""Of a request: a message has at most 256 KB, and the quotes in it are escaped."""
SECONDS = 10
"""For a request, and for a fetch that it causes: SNS waits for about 15."""

log = logging.getLogger("webhook")


class Receiver:
    """Decides about the body of a request.

    ``check`` raises ``Forged``; ``fetch`` visits an address; ``act`` gets each newer status message.
    """

    def __init__(
        self,
        check: Callable[[Message], None],
        fetch: Callable[[str], bytes],
        inbox: Inbox,
        act: Callable[[StatusMessage], None],
    ) -> None:
        self._check = check
        self._fetch = fetch
        self._inbox = inbox
        self._act = act

    def receive(self, body: bytes) -> HTTPStatus:
        """The answer. SNS sends again after 5xx, and gives up after 4xx."""
        try:
            message = _parsed(body)
            self._check(message)
        except (ValueError, RecursionError):
            return HTTPStatus.BAD_REQUEST
        except Forged as forged:
            log.warning("refused: %s", forged)
            return HTTPStatus.FORBIDDEN
        match message["Type"]:
            case "SubscriptionConfirmation":
                self._fetch(message["SubscribeURL"])
                log.info("subscribed to %s", message["TopicArn"])
            case "Notification":
                self._inbox.take(json.loads(message["Message"]), self._act)
        return HTTPStatus.OK


def _parsed(body: bytes) -> Message:
    """The texts of a message: the rest, ``MessageAttributes``, is not signed.

    Raises ``ValueError`` if it is no JSON object.
    """
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("no JSON object")
    return {name: value for name, value in message.items() if isinstance(value, str)}


def server(receiver: Receiver, port: int, host: str = "127.0.0.1") -> HTTPServer:
    """A server that asks the receiver; ``port`` 0 takes any free one."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            body = self.rfile.read(int(length))
            try:
                status = receiver.receive(body)
            except Exception:
                log.exception("SNS is to send it again")
                status = HTTPStatus.INTERNAL_SERVER_ERROR
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return HTTPServer((host, port), Handler)


def fetch(address: str) -> bytes:
    """The content of an address."""
    with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 (the verifier lets only https of SNS pass)
        return bytes(answer.read())


def show(message: StatusMessage) -> None:
    """Put your own work here: each message is newer than all before it of this task."""
    print(message["content"]["status"], message["id"], flush=True)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Receives status messages over HTTP.")
    parser.add_argument("--topic", required=True, help="ARN of the status topic, which is the stack's StatusTopicArn")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--seen", default="seen.sqlite", help="file that remembers handled messages")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with closing(Inbox(given.seen)) as inbox:
        receiver = Receiver(Verifier(given.topic, fetch).check, fetch, inbox, show)
        with server(receiver, given.port) as listening, suppress(KeyboardInterrupt):
            listening.serve_forever()


if __name__ == "__main__":
    main()
