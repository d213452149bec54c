"""Objects that are renewed: young again, and the same to everything that refers to them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from serverless_tasks.adapters.bucket import renewal
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.core.errors import PayloadMissing

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.stubs import stubbed

DAY = 86_400
CODE = "01KDVDNA00MR5EXME5V0BEB57M"
REFERENCE = {"key": "payloads/x", "bytes": 3, "etag": '"first"'}


@pytest.fixture
def stack(event_loops: None) -> Iterator[MotoStack]:
    with MotoStack() as stack:
        yield stack


def renew(stack: MotoStack, prefix: str, seconds: float = 100) -> bool:
    with stack.invocation("sweeper"):
        older = stack.clock.now
        return stack.clouds["sweeper"].payloads.renew(prefix, CODE, older, lambda: seconds)


def head(stack: MotoStack, key: str) -> Any:
    found = driver_client("s3").head_object(Bucket=stack.resources.name("PayloadBucket"), Key=key)
    return found["LastModified"], found["ContentType"], found["ContentLength"]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("part_bytes", [renewal.PART_BYTES, 5_242_880])
def test_an_object_is_young_again_and_reads_as_before(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch, times: int, part_bytes: int
) -> None:
    # GIVEN an object, and one of another task; where it is above a size it is copied in parts, and has another ETag
    monkeypatch.setattr(renewal, "PART_BYTES", part_bytes)
    payloads, text = stack.clouds["queue"].payloads, f'"{"x" * 6_000_000}"'
    with stack.invocation("queue"):
        reference = payloads.put("payloads/mbc/1/input.json", text)
        payloads.put("payloads/mbc/2/input.json", "1")
    written = head(stack, "payloads/mbc/2/input.json")

    # WHEN it is renewed a month later
    for _ in range(times):
        stack.clock.advance(15 * DAY)
        assert renew(stack, "payloads/mbc/1/") is True

    # THEN it is as young as that, and its reference is still good; the other is as it was
    modified, content_type, size = head(stack, reference["key"])
    assert modified.timestamp() == pytest.approx(stack.clock().timestamp(), abs=1)
    assert (content_type, size) == ("application/json", len(text))
    with stack.invocation("queue"):
        assert payloads.load(reference) == text[1:-1]
    assert head(stack, "payloads/mbc/2/input.json") == written


def test_an_upload_that_was_renewed_makes_tasks_that_read_it(stack: MotoStack) -> None:
    upload = stack.service.create_upload("mbc")
    stack.upload(upload, b"1\n2\n")
    with stack.calls.of("api"):
        before = stack.clouds["api"].payloads.find(upload.input_ref)
    stack.clock.advance(DAY)

    assert renew(stack, upload.input_ref) is True

    with stack.calls.of("api"):
        assert stack.clouds["api"].payloads.find(upload.input_ref) == before


def test_what_is_young_stays_as_it_is(stack: MotoStack) -> None:
    with stack.invocation("queue"):
        stack.clouds["queue"].payloads.put("payloads/mbc/1/x", "1")
    before = head(stack, "payloads/mbc/1/x")
    stack.clock.advance(-DAY)
    assert renew(stack, "payloads/mbc/1/") is True
    assert head(stack, "payloads/mbc/1/x") == before


def test_without_time_the_rest_waits_for_the_next_look(stack: MotoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "PAGE", 2)
    with stack.invocation("queue"):
        for number in range(3):
            stack.clouds["queue"].payloads.put(f"payloads/mbc/1/{number}", "1")
    stack.clock.advance(DAY)

    assert renew(stack, "payloads/mbc/1/", seconds=59) is False
    assert renew(stack, "payloads/mbc/1/") is True
    assert renew(stack, "payloads/mbc/1/", seconds=59) is True


@pytest.mark.parametrize(
    ("metadata", "same"), [({"written-as": '"first"'}, True), ({"written-as": "x"}, False), ({}, False)]
)
def test_an_object_with_another_etag_is_read_only_if_it_is_a_copy(metadata: dict[str, str], same: bool) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", "PreconditionFailed")
        stub.add_response("get_object", {"Body": _Body(), "Metadata": metadata})
        payloads = PayloadStore(client, "bucket")

        if same:
            assert payloads.load(REFERENCE) == 123
        else:
            with pytest.raises(PayloadMissing, match="the bucket has no payloads/x as it was written"):
                payloads.load(REFERENCE)


def test_a_fault_at_the_second_look_is_no_missing_object() -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", "PreconditionFailed")
        stub.add_client_error("get_object", "SlowDown")

        with pytest.raises(ClientError, match="SlowDown"):
            PayloadStore(client, "bucket").load(REFERENCE)


class _Body:
    """What is read of an object."""

    def __init__(self) -> None:
        self._left = [b"123", b""]

    def read(self, _: int) -> bytes:
        return self._left.pop(0)
