"""Bad days: what AWS does now and then, seen by a client."""

import io
import json
import random

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from local.gate import trouble
from local.gate.trouble import MODES, Trouble

HERE = "http://127.0.0.1:9"
ALWAYS = dict.fromkeys(MODES, 1.0)
KEYS = [{"pk": {"S": str(number)}} for number in range(10)]


@pytest.fixture
def client(monkeypatch):
    """Makes clients that have this trouble, always; what they send is in ``client.sent``, and answered from there."""
    monkeypatch.setattr(trouble, "CHANCE", ALWAYS)
    monkeypatch.setattr("time.sleep", lambda _: None)
    answers, sent = [], []

    def answer(request, **_):
        sent.append(request.body)
        body = json.dumps(answers.pop(0) if answers else {}).encode()
        raw = io.BytesIO(body)
        raw.stream = lambda *_, **__: iter([body])
        return AWSResponse(request.url, 200, {}, raw)

    def make(service, modes):
        session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        made = Trouble(modes, random.Random(1))
        made._http = type("Http", (), {"send": staticmethod(answer)})
        made.listen(session.register)
        session.register("before-send", answer)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        retries = Config(retries={"mode": "standard", "total_max_attempts": 3})
        return boto3.Session(botocore_session=session).client(service, endpoint_url=HERE, config=retries, **keys)

    make.answers, make.sent = answers, sent
    return make


def test_a_mode_has_a_name():
    with pytest.raises(ValueError, match="LOCAL_TROUBLE: earthquakes is none of throttles, lost-answers"):
        Trouble("throttles, earthquakes")
    assert Trouble("throttles, unprocessed")


@pytest.mark.parametrize(
    ("service", "call", "given", "code"),
    [
        ("dynamodb", "get_item", {"TableName": "t", "Key": KEYS[0]}, "ProvisionedThroughputExceededException"),
        ("sqs", "send_message", {"QueueUrl": f"{HERE}/0/q", "MessageBody": "m"}, "RequestThrottled"),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:0:t", "Message": "m"}, "Throttling"),
        ("s3", "get_object", {"Bucket": "b", "Key": "k"}, "SlowDown"),
        ("stepfunctions", "list_state_machines", {}, "ThrottlingException"),
        ("events", "put_events", {"Entries": [{"Source": "s"}]}, "ThrottlingException"),
    ],
)
def test_a_throttle_is_what_botocore_retries(client, service, call, given, code):
    with pytest.raises(ClientError) as caught:
        getattr(client(service, "throttles"), call)(**given)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 2


def test_a_lost_answer_is_one_to_a_call_that_had_its_effect(client):
    with pytest.raises(ReadTimeoutError):
        client("dynamodb", "lost-answers").put_item(TableName="t", Item=KEYS[0])
    assert len(client.sent) == 3


def test_a_batch_of_reads_is_done_in_part_and_says_so(client):
    asked = {"t": {"Keys": KEYS, "ConsistentRead": True}}
    answer = client("dynamodb", "unprocessed").batch_get_item(RequestItems=asked)
    sent = json.loads(client.sent[0])["RequestItems"]["t"]
    left = answer["UnprocessedKeys"]["t"]
    assert sent["Keys"] + left["Keys"] == KEYS
    assert left["ConsistentRead"] is True
    assert asked["t"]["Keys"] == KEYS


def test_a_batch_of_writes_is_done_in_part_and_says_so(client):
    asked = [{"PutRequest": {"Item": key}} for key in KEYS]
    answer = client("dynamodb", "unprocessed").batch_write_item(RequestItems={"t": asked})
    sent = json.loads(client.sent[0])["RequestItems"]["t"]
    assert sent
    assert sent + answer["UnprocessedItems"]["t"] == asked


def test_a_batch_of_messages_fails_in_part_and_says_so(client):
    entries = [{"Id": str(number), "MessageBody": "m"} for number in range(10)]
    answer = client("sqs", "unprocessed").send_message_batch(QueueUrl=f"{HERE}/0/q", Entries=entries)
    sent = [each["Id"] for each in json.loads(client.sent[0])["Entries"]]
    assert sent + [each["Id"] for each in answer["Failed"]] == [each["Id"] for each in entries]


def test_what_is_one_is_never_left_out(client):
    batch = client("dynamodb", "unprocessed").batch_get_item(RequestItems={"t": {"Keys": KEYS[:1]}})
    assert "UnprocessedKeys" not in batch


def test_an_index_answers_as_it_did_before_and_a_table_as_it_is(client):
    query = {"TableName": "t", "KeyConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    made = client("dynamodb", "lagging-indexes")
    client.answers += [{"Items": [key], "Count": 1} for key in KEYS]
    seen = [made.query(**query, IndexName="by_tenant")["Items"] for _ in range(3)]
    assert seen == [[], [KEYS[0]], [KEYS[1]]]
    assert made.query(**query)["Items"] == [KEYS[3]]


def test_without_chance_nothing_happens(client, monkeypatch):
    monkeypatch.setattr(trouble, "CHANCE", dict.fromkeys(MODES, 0.0))
    made = client("dynamodb", ",".join(MODES))
    assert "UnprocessedKeys" not in made.batch_get_item(RequestItems={"t": {"Keys": KEYS}})
