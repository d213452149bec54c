"""The example of a webhook: what it confirms, refuses and acts upon."""

import base64
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from serverless_tasks.core.outbox.messages import status_message, status_message_attributes, status_subject

from examples.webhook.inbox import Inbox
from examples.webhook.receiver import Receiver
from examples.webhook.signatures import Verifier, signed_text
from tests.support.examples import a_task

TOPIC = "arn:aws:sns:us-east-1:123456789012:tasks-StatusTopic-x"
CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
CONFIRM = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t0ken"
KEY = generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    today = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, today, today + timedelta(days=365))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


PEM = certificate(KEY)


def signed(key=KEY, **fields):
    """A message as SNS sends it (https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html)."""
    message = {
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": "2026-01-01T00:00:01.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        **fields,
    }
    signature = key.sign(signed_text(message), PKCS1v15(), SHA256())
    return {**message, "Signature": base64.b64encode(signature).decode()}


def notification(status="COMPLETED", subject=True, **changes):
    task = a_task(status, **changes)
    envelope = {"Type": "Notification", "Message": json.dumps(status_message(task, "tasks"))}
    attributes = {name: {"Type": "String", "Value": value} for name, value in status_message_attributes(task).items()}
    return signed(**envelope, **({"Subject": status_subject(task)} if subject else {}), MessageAttributes=attributes)


def confirmation(kind="SubscriptionConfirmation"):
    return signed(Type=kind, Message="You have …", Token="t0ken", SubscribeURL=CONFIRM)


class Played:
    """A receiver, what it fetched and what it did."""

    def __init__(self, inbox, pem=PEM):
        self.fetched = []
        self.done = []
        self.fails = False
        self._pem = pem
        self._receiver = Receiver(Verifier(TOPIC, self._fetch).check, self._fetch, inbox, self._act)

    def send(self, message):
        return self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body):
        return self._receiver.receive(body)

    def _fetch(self, address):
        self.fetched.append(address)
        return self._pem

    def _act(self, message):
        if self.fails:
            raise RuntimeError("the work failed")
        self.done.append((message["content"]["status"], message["run"], message["version"]))


@pytest.fixture
def inbox():
    with closing(Inbox(":memory:")) as opened:
        yield opened


@pytest.fixture
def receiver(inbox):
    return Played(inbox)


def test_a_subscription_is_confirmed(receiver):
    assert receiver.send(confirmation()) == HTTPStatus.OK
    assert receiver.fetched == [CERTIFICATE, CONFIRM]


@pytest.mark.parametrize("subject", [True, False])
def test_a_notification_is_acted_upon(receiver, subject):
    assert receiver.send(notification(subject=subject)) == HTTPStatus.OK
    assert receiver.done == [("COMPLETED", 0, 4)]


def test_the_end_of_a_subscription_is_taken_note_of(receiver):
    assert receiver.send(confirmation("UnsubscribeConfirmation")) == HTTPStatus.OK
    assert receiver.fetched == [CERTIFICATE]


def test_a_certificate_is_fetched_once(receiver):
    for version in range(3):
        receiver.send(notification(version=version))
    assert receiver.fetched == [CERTIFICATE]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "Signature"])
def test_what_was_changed_on_its_way_is_refused(receiver, field):
    sent = notification()
    assert receiver.send({**sent, field: sent[field][::-1]}) == HTTPStatus.FORBIDDEN
    assert receiver.done == []


@pytest.mark.parametrize(
    "field", ["Message", "Subject", "TopicArn", "Type", "Signature", "SignatureVersion", "SigningCertURL"]
)
def test_what_is_missing_is_refused(receiver, field):
    sent = notification()
    del sent[field]
    assert receiver.send(sent) == HTTPStatus.FORBIDDEN
    assert receiver.done == []


@pytest.mark.parametrize("field", ["Message", "Signature", "SigningCertURL"])
def test_what_is_no_text_is_refused(receiver, field):
    assert receiver.send({**notification(), field: {"a": "b"}}) == HTTPStatus.FORBIDDEN


def test_what_another_key_signed_is_refused(receiver):
    other = generate_private_key(public_exponent=65537, key_size=2048)
    envelope = {"Type": "Notification", "Message": "{}"}
    assert receiver.send(signed(other, **envelope)) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "fields",
    [
        {"TopicArn": "arn:aws:sns:us-east-1:999999999999:tasks"},
        {"SignatureVersion": "1"},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {
            "SigningCertURL": CERTIFICATE.replace(
                "sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com.evil.example"
            )
        },
        {"SigningCertURL": CERTIFICATE.replace("sns.us-east-1", "evil.example/sns.us-east-1")},
        {"SigningCertURL": CERTIFICATE.replace("sns.us-east-1", "sns.us-east-1.evil")},
        {"SigningCertURL": CERTIFICATE.replace("https://", "https://evil@")},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&a=.pem"},
        {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"},
        {"SubscribeURL": CONFIRM.replace("https", "http")},
        {"Type": "Other", "Message": "{}"},
    ],
)
def test_nothing_is_fetched_for_what_cannot_be_of_the_topic(receiver, fields):
    message = {**confirmation(), **fields}
    assert receiver.send(message) == HTTPStatus.FORBIDDEN
    assert receiver.fetched == []


def test_a_signature_of_another_kind_is_refused(inbox):
    receiver = Played(inbox, certificate(generate_curve_key(SECP256R1())))
    assert receiver.send(notification()) == HTTPStatus.FORBIDDEN


def test_what_is_no_certificate_is_refused(inbox):
    assert Played(inbox, b"<html>").send(notification()) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_a_bad_request(receiver, body):
    assert receiver.send_bytes(body) == HTTPStatus.BAD_REQUEST


def test_what_comes_twice_is_acted_upon_once(receiver):
    sent = notification()
    assert [receiver.send(sent), receiver.send(sent)] == [HTTPStatus.OK, HTTPStatus.OK]
    assert len(receiver.done) == 1


def test_what_is_older_than_what_was_seen_is_no_news(receiver):
    for status, run, version in [("FAILED", 0, 3), ("PROCESSING", 0, 2), ("CREATED", 1, 4), ("FAILED", 0, 3)]:
        receiver.send(notification(status, run=run, version=version))
    assert receiver.done == [("FAILED", 0, 3), ("CREATED", 1, 4)]


def test_each_task_has_its_own_news(receiver):
    receiver.send(notification(version=5))
    receiver.send(notification(version=4, sk="cat#01KDVDNA00MR5EXME5V0BEB57N"))
    assert len(receiver.done) == 2


def test_what_could_not_be_done_is_done_when_it_comes_again(receiver):
    receiver.fails = True
    with pytest.raises(RuntimeError):
        receiver.send(notification())
    receiver.fails = False
    receiver.send(notification())
    assert receiver.done == [("COMPLETED", 0, 4)]


def test_what_was_seen_is_kept(tmp_path):
    message = {"id": "a", "run": 0, "version": 1}
    taken = []
    for _ in range(2):
        with closing(Inbox(tmp_path / "seen.sqlite")) as opened:
            taken.append(opened.take(message, lambda envelope: None))
    assert taken == [True, False]


def test_the_text_that_is_signed_is_the_documented_one():
    # https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
    message = {
        "Type": "Notification",
        "Message": "one\ntwo",
        "MessageId": "m",
        "Timestamp": "t",
        "TopicArn": "a",
        "x": "y",
    }
    assert signed_text(message) == b"Message\none\ntwo\nMessageId\nm\nTimestamp\nt\nTopicArn\na\nType\nNotification\n"
