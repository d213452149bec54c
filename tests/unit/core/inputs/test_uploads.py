"""Uploads: keys that name their tenant, and references that tell nothing of another's."""

import pytest
from serverless_tasks import InvalidInput
from serverless_tasks.core.inputs.uploads import (
    UPLOAD_LIMIT,
    Format,
    check_input_ref,
    check_size,
    format_named,
    format_of,
    is_upload,
    upload_key,
)

from tests.support.examples import CODE


@pytest.mark.parametrize("written", Format)
def test_a_key_names_tenant_and_format(written):
    key = upload_key("m.b-c", CODE, written)

    assert key == f"uploads/m.b-c/{CODE}.{written}"
    assert format_of(key) is written
    assert is_upload(key)
    assert check_input_ref("m.b-c", key) == key


def test_what_the_api_wrote_is_no_upload_and_has_lines():
    assert not is_upload("payloads/mbc/1/input.jsonl")
    assert format_of("payloads/mbc/1/input.jsonl") is Format.JSONL


@pytest.mark.parametrize(
    "wrong",
    [
        f"uploads/acme/{CODE}.jsonl",
        f"uploads/mxb/{CODE}.jsonl",  # the tenant is no pattern
        f"uploads/m.b/{CODE}.json",
        f"uploads/m.b/{CODE}.jsonl\n",
        f"uploads/m.b/../acme/{CODE}.jsonl",
        f"uploads/m.b/{CODE.lower()}.jsonl",
        f"payloads/m.b/{CODE}/input.jsonl",
        f"/uploads/m.b/{CODE}.jsonl",
        "",
        None,
        7,
        {"key": f"uploads/m.b/{CODE}.jsonl"},
    ],
)
def test_every_other_reference_is_one_that_is_not_there(wrong):
    with pytest.raises(InvalidInput, match=r"^inputRef: there is no such upload; it must be one of your tenant's"):
        check_input_ref("m.b", wrong)


@pytest.mark.parametrize("name", Format)
def test_a_format_is_named(name):
    assert format_named(str(name)) is name


@pytest.mark.parametrize("name", ["", "CSV", "xlsx", None, 1, ["csv"]])
def test_another_format_is_refused(name):
    with pytest.raises(InvalidInput, match=r"^format: must be one of jsonl, csv$"):
        format_named(name)


def test_an_upload_may_have_what_s3_takes_in_one_put():
    check_size(0)
    check_size(UPLOAD_LIMIT)
    with pytest.raises(
        InvalidInput, match=r"^inputRef: the upload has 5368709121 bytes, 5368709120 are allowed; split"
    ):
        check_size(UPLOAD_LIMIT + 1)
