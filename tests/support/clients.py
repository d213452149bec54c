"""boto3 clients for moto: the layer's own, made once per process, and safe on a machine that has real credentials."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws  # clients made before moto is imported would talk to AWS
from moto.core.serialize import AttributePicker
from serverless_tasks.adapters.cloud import make_client

REGION = "eu-central-1"
ACCOUNT = "123456789012"

_MADE_UP = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@cache
def worker_client(service: str) -> Any:
    """The client that the functions use; its calls are recorded."""
    with nobodys_account():
        return make_client(service)


@cache
def driver_client(service: str) -> Any:
    """The client for a test that plays AWS around the functions."""
    with nobodys_account():
        return boto3.client(service)  # type: ignore[call-overload]  # one of the services that moto plays


@contextmanager
def nobodys_account() -> Iterator[None]:
    """An environment without the developer's own profile, region and endpoints."""
    foreign = [name for name in os.environ if name.startswith("AWS_")]
    with patch.dict(os.environ), patch("boto3.DEFAULT_SESSION", None):
        for name in foreign:
            del os.environ[name]
        os.environ.update(_MADE_UP)
        yield


@contextmanager
def quick_moto() -> Iterator[None]:
    """AWS in memory, without what moto spends most of its time on."""
    with mock_aws(), patch.object(AttributePicker, "__call__", _pick):
        yield


_slowly = AttributePicker.__call__


def _pick(picker: AttributePicker, context: Any) -> Any:
    """Moto looks for ten spellings of each of the ten types that an attribute may have; this is two thirds of all."""
    if context.shape.parent.name == "AttributeValue" and isinstance(context.obj, dict):
        return context.obj.get(context.key)
    return _slowly(picker, context)
