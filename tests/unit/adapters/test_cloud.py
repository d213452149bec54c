"""Clients are made as the process began, whatever user code has done to the environment or to boto3 since."""

import os
from functools import cache

import boto3
import pytest
from serverless_tasks.adapters.cloud import Cloud, frozen_clients

FROZEN = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "role",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "HTTPS_PROXY": "http://proxy.example:1",
}
PROFILE = "[profile other]\nregion = sa-east-1\naws_access_key_id = other\naws_secret_access_key = other\n"


@cache
def expected():
    """What a client is like where user code has changed nothing."""
    return facts(frozen_clients()("sqs"))


@pytest.fixture(autouse=True)
def begins(monkeypatch, tmp_path):
    """The environment of a function when it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config").write_text(PROFILE)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    expected()


def facts(client):
    """What the environment decides of a client."""
    http = client._endpoint.http_session
    credentials = client._request_signer._credentials
    return {
        "region": client.meta.region_name,
        "endpoint": client.meta.endpoint_url,
        "credentials": credentials.get_frozen_credentials(),
        "proxies": http._proxy_config._proxies,
        "certificates": http._verify,
        "retries": client.meta.config.retries,
        "checksums": client.meta.config.request_checksum_calculation,
    }


HARM = {
    "region": {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"},
    "endpoint": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    "endpoint of a service": {
        "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    },
    "profile": {"AWS_PROFILE": "other", "AWS_CONFIG_FILE": "config"},
    "profile that is not there": {"AWS_PROFILE": "nobody's"},
    "credentials": {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"},
    "proxy": {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": "*"},
    "certificates": {"AWS_CA_BUNDLE": "/nowhere", "REQUESTS_CA_BUNDLE": "/nowhere"},
    "endpoints": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "requests": {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_MAX_ATTEMPTS": "50"},
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_what_user_code_sets_changes_no_client(harm, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make = frozen_clients()
    for name, value in harm.items():
        monkeypatch.setenv(name, value)
    changed = dict(os.environ)

    assert facts(make("sqs")) == expected()
    assert dict(os.environ) == changed, "and user code keeps what it has set"


def test_what_user_code_removes_is_there(monkeypatch):
    make = frozen_clients()
    for name in FROZEN:
        monkeypatch.delenv(name)

    assert facts(make("sqs")) == expected()
    assert not FROZEN.keys() & os.environ.keys()


def test_the_default_session_is_user_codes():
    make = frozen_clients()
    boto3.setup_default_session(region_name="us-west-2", aws_access_key_id="o", aws_secret_access_key="o")
    assert facts(make("sqs"))["region"] == "eu-central-1"


def test_a_client_that_cannot_be_made_leaves_the_environment_as_it_was(monkeypatch):
    make = frozen_clients()
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    with pytest.raises(Exception, match="Unknown service"):
        make("no such service")
    assert os.environ["AWS_REGION"] == "us-west-2"


def test_workers_have_such_clients_made_when_first_used(monkeypatch):
    monkeypatch.setenv("TABLE_NAME", "tasks")
    cloud = Cloud.before_user_code()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert cloud._clients == {}
    assert cloud.table is cloud.table
    assert cloud._clients["dynamodb"].meta.endpoint_url == "https://dynamodb.eu-central-1.amazonaws.com"
