"""What the command line sends again, with the real HTTP library against a server that breaks off or says: later."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tasks_cli import uploads
from tasks_cli.api import Ref, TaskApi
from tasks_cli.errors import BadInput, Unreachable
from tasks_cli.output import err
from tasks_cli.transport import TRIES, Transport
from urllib3.util import Retry

REF = Ref("cat", "01KAFSV4XG4DXWKE1B8G6F0J2T")
BREAK = 0
"""Instead of a status: the connection ends without an answer."""


class Anyone:
    def token(self):
        return "token"

    renew = token


@dataclass
class Server:
    """Gives these answers to whatever comes, the last one for ever."""

    answers: list[int]
    seen: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    url: str = ""
    retry_after: str = ""


@pytest.fixture
def server(monkeypatch, socket_enabled) -> Iterator[Server]:
    said = Server([])

    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            super().handle_one_request()

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said.seen.append((self.command, self.headers.get("Idempotency-Key"), body))
            status = said.answers.pop(0) if len(said.answers) > 1 else said.answers[0]
            if status == BREAK:
                return
            content = json.dumps({"message": "said"}).encode()
            self.send_response(status)
            if said.retry_after:
                self.send_header("Retry-After", said.retry_after)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815, as http.server wants them

        def log_message(self, *_):
            pass

    monkeypatch.setattr(Retry, "sleep", lambda self, response=None: None)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    said.url = f"http://127.0.0.1:{httpd.server_port}"
    yield said
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def api(server) -> TaskApi:
    return TaskApi(server.url, Anyone(), Transport(local=True))


@pytest.mark.parametrize("trouble", [BREAK, 429, 502, 503, 504])
def test_a_creation_is_sent_again_with_the_same_key(server, api, trouble):
    server.answers = [trouble, trouble, 201]
    assert api.create_task("cat", None, 1) == {"message": "said"}
    assert len({key for _, key, _ in server.seen}) == 1
    assert [body for _, _, body in server.seen] == [b'{"taskType": "cat", "input": 1}'] * 3


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize("trouble", [BREAK, 502, 503, 504])
def test_what_may_have_been_done_is_not_done_twice(server, api, verb, trouble):
    server.answers = [trouble, 200]
    with pytest.raises(Unreachable):
        getattr(api, verb)(REF)
    assert len(server.seen) == 1


def test_what_surely_was_not_done_is_sent_again(server, api):
    server.answers = [429, 200]
    assert api.cancel(REF) == {"message": "said"}
    assert len(server.seen) == 2


@pytest.mark.parametrize("ask", [lambda api: api.create_task("cat", None, 1), lambda api: api.retry(REF)])
def test_a_bound_that_is_reached_is_said_at_once(server, api, ask):
    server.answers, server.retry_after = [429, 201], "2711"
    with pytest.raises(Unreachable, match="said"):
        ask(api)
    assert len(server.seen) == 1


def test_a_server_that_is_busy_is_waited_for_as_it_says(server, api):
    server.answers, server.retry_after = [503, 201], "1"
    assert api.create_task("cat", None, 1) == {"message": "said"}


@pytest.mark.parametrize(("status", "error"), [(500, Unreachable), (400, BadInput)])
def test_what_another_request_would_only_meet_again_is_not_sent_again(server, api, status, error):
    server.answers = [status]
    with pytest.raises(error, match="said"):
        api.task(REF)
    assert len(server.seen) == 1


def test_it_is_given_up_in_the_end(server, api):
    server.answers = [503]
    with pytest.raises(Unreachable, match="said"):
        api.task(REF)
    assert len(server.seen) == TRIES + 1


def test_no_server_listens(server, api, monkeypatch):
    with pytest.raises(Unreachable, match="no connection"):
        TaskApi("http://127.0.0.1:1", Anyone(), Transport(local=True)).task(REF)


@pytest.mark.parametrize("content", [b"", b"1\n", b"0123456789\n" * 20_000])
def test_an_upload_starts_anew_with_all_of_the_file(server, api, tmp_path, content):
    (tmp_path / "x.jsonl").write_bytes(content)
    server.answers = [503, BREAK, 200]
    uploads.put(api.transport, {"url": server.url, "headers": {}}, tmp_path / "x.jsonl", err())
    assert [body for _, _, body in server.seen] == [content] * 3


def test_an_upload_whose_answer_was_lost_is_there(server, api, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"1\n")
    server.answers = [BREAK, 412]
    uploads.put(api.transport, {"url": server.url, "headers": {}}, tmp_path / "x.jsonl", err())
    server.answers = [412]
    with pytest.raises(BadInput):
        uploads.put(api.transport, {"url": server.url, "headers": {}}, tmp_path / "x.jsonl", err())
