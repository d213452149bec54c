"""Keeps everything on this machine: no client or child process ever sees the user's AWS account.

Every address must be loopback, credentials are dummies, and neither environment nor files of a real AWS profile are
read. Any breach raises, so that a mistake ends in an error and not in an account.
"""

import ipaddress
import os
import threading
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from local.errors import LocalCloudError

DUMMY_KEY = "test"
_NOWHERE = os.devnull
# Variables that botocore takes from the environment, cut off: (config file key, environment variable, default,
# conversion).
_SESSION_VARIABLES: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, _NOWHERE, None),
    "credentials_file": (None, None, _NOWHERE, None),
}


def require_loopback(url: str) -> str:
    """Return the address unchanged if it is plain HTTP on this machine, else raise."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme != "http" or not local:
        raise LocalCloudError(f"refused: {url!r} is not an address on this machine")
    return url


def environment(endpoint_url: str | None, region: str) -> dict[str, str]:
    """Environment for a child process: this one's, with everything of AWS replaced."""
    foreign = ("AWS_", "SAM_CLI_", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env.update(
        AWS_ACCESS_KEY_ID=DUMMY_KEY,
        AWS_SECRET_ACCESS_KEY=DUMMY_KEY,
        AWS_DEFAULT_REGION=region,
        AWS_REGION=region,
        AWS_CONFIG_FILE=_NOWHERE,
        AWS_SHARED_CREDENTIALS_FILE=_NOWHERE,
        AWS_EC2_METADATA_DISABLED="true",
        SAM_CLI_TELEMETRY="0",
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )
    if endpoint_url is not None:
        env["AWS_ENDPOINT_URL"] = require_loopback(endpoint_url)
    return env


def session(region: str) -> boto3.Session:
    """Return a session that knows no profile, no file and no credentials but dummies."""
    return boto3.Session(
        aws_access_key_id=DUMMY_KEY,
        aws_secret_access_key=DUMMY_KEY,
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=_SESSION_VARIABLES),
    )


class Clients:
    """boto3 clients for one local endpoint, made once each and safe to share between threads."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        self.endpoint_url = require_loopback(endpoint_url)
        self.region = region
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: Any = session(region)

    def __call__(self, service: str) -> Any:
        """Return the client of a service, such as "dynamodb"."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self.endpoint_url,
                    # An empty dict (not None) keeps a proxy of the environment out.
                    config=Config(
                        proxies={},
                        retries={"mode": "standard"},
                        max_pool_connections=50,
                        read_timeout=900,
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._clients[service]
