"""The local cloud itself: it starts beside others, deploys both ways, wires what is left out, and leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local import engine, server
from local import stack as stack_file
from local.cloud import LocalCloud
from local.engine import Engine
from local.http import request
from local.paths import ROOT

KEYS = [
    "endpointUrl",
    "region",
    "stackName",
    "apiUrl",
    "tableName",
    "taskQueueUrl",
    "deadLetterQueueUrl",
    "stateMachineArn",
    "statusTopicArn",
    "alarmTopicArn",
    "bucketName",
    "users",
]


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    """Two at once, one deployed by the launcher and one by `sam deploy`."""
    with ExitStack() as stack:
        fast = stack.enter_context(LocalCloud(tmp_path_factory.mktemp("fast")))
        yield fast, stack.enter_context(LocalCloud(tmp_path_factory.mktemp("sam"), with_sam=True))


@pytest.fixture(params=["by the launcher", "by sam deploy"])
def cloud(request, clouds):
    return clouds[request.param == "by sam deploy"]


def test_says_where_everything_is(cloud):
    stack = json.loads((cloud.directory / "stack.json").read_text())
    assert list(stack)[: len(KEYS)] == KEYS
    assert all(stack.values())
    assert [(user["tenant"], user["username"]) for user in stack["users"]] == [
        ("mbc", "alice"),
        ("acme", "bob"),
        ("mbc", "carol"),
    ]
    assert cloud.client("dynamodb").describe_table(TableName=stack["tableName"])["Table"]["TableStatus"] == "ACTIVE"
    assert cloud.client("sqs").get_queue_attributes(QueueUrl=stack["taskQueueUrl"], AttributeNames=["All"])
    assert cloud.client("stepfunctions").describe_state_machine(stateMachineArn=stack["stateMachineArn"])
    assert cloud.client("s3").head_bucket(Bucket=stack["bucketName"])


def test_wires_what_the_engine_leaves_out(cloud):
    stack = cloud.stack
    ttl = cloud.client("dynamodb").describe_time_to_live(TableName=stack["tableName"])["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expiresAt")
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert [mapping["ScalingConfig"] for mapping in mappings if "ScalingConfig" in mapping] == [
        {"MaximumConcurrency": 8}
    ]
    assert cloud.request("GET", "/tasks", user=None).status == 401
    assert request("GET", stack["apiUrl"] + "/tasks", token="not a token").status == 401
    assert cloud.request("GET", "/no-such-route").status == 404


def test_deploys_again_and_keeps_users_signed_in(cloud):
    before = cloud.stack
    after = cloud.deploy()
    assert [user["password"] for user in after["users"]] == [user["password"] for user in before["users"]]
    assert {**after, "users": []} == {**before, "users": []}


def test_several_run_side_by_side(clouds):
    fast, sam = clouds
    assert fast.stack["endpointUrl"] != sam.stack["endpointUrl"]
    fast.client("sqs").send_message(QueueUrl=fast.stack["deadLetterQueueUrl"], MessageBody="only here")
    there = sam.client("sqs").receive_message(QueueUrl=sam.stack["deadLetterQueueUrl"])
    assert "Messages" not in there


def test_knows_its_own_engine_and_chooses_another_port_if_another_program_is_faster(tmp_path, monkeypatch):
    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self):
            content = b'{"services": {}, "edition": "somebody else\'s"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Foreign) as foreign:
        threading.Thread(target=foreign.serve_forever, daemon=True).start()
        free = engine._free_port()
        ports = iter([foreign.server_port, free])
        monkeypatch.setattr(engine, "_free_port", lambda: next(ports))
        own = Engine(tmp_path, "us-east-1")
        try:
            own.start()
            assert own.port == free
        finally:
            own.stop()
            foreign.shutdown()
    assert is_free(free)


def test_runs_in_the_background_until_stopped(tmp_path):
    said = []
    (tmp_path / "stack.json").write_text('{"endpointUrl": "of one that was killed"}')
    first = server.start(tmp_path, said.append)
    try:
        assert server.start(tmp_path, said.append) == first
        assert said == ["The local cloud is already up"]
    finally:
        assert server.stop(tmp_path)
    assert is_free(int(first["endpointUrl"].rpartition(":")[2]))
    assert stack_file.read(tmp_path) is None
    assert not server.is_up(tmp_path)
    assert not server.stop(tmp_path)


def test_the_engine_ends_with_a_launcher_that_is_killed(tmp_path):
    launcher = subprocess.Popen(
        [sys.executable, "-m", "local", "serve", "--directory", str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        while not (stack := stack_file.read(tmp_path)):
            assert launcher.poll() is None
            time.sleep(0.1)
    finally:
        launcher.send_signal(signal.SIGKILL)
        launcher.wait()
    port = int(stack["endpointUrl"].rpartition(":")[2])
    deadline = time.monotonic() + 10
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert is_free(port)


def test_leaves_nothing_behind(tmp_path):
    with LocalCloud(tmp_path) as cloud:
        group = cloud.engine.pid
        port = cloud.engine.port
    assert is_free(port)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.log", "logs", "stack.lock"]
