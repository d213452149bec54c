"""Unit tests cannot reach a network: no socket opens, to no host and to no file."""

import socket
import urllib.request

import boto3
import pytest
from botocore.exceptions import HTTPClientError
from pytest_socket import SocketBlockedError

pytestmark = pytest.mark.filterwarnings("ignore:A test tried to use socket")  # said, and then refused all the same


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_no_socket_opens(family):
    with pytest.raises(SocketBlockedError):
        socket.socket(family)


def test_no_connection_is_made():
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


def test_no_page_is_read():
    with pytest.raises(SocketBlockedError):
        urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)


def test_no_aws_service_is_called():
    made_up = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-central-1"}
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", **made_up)
    with pytest.raises(HTTPClientError, match="A test tried to use socket"):
        client.list_tables()
