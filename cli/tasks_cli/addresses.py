"""Which addresses a token may be sent to."""

import contextlib
import ipaddress
from urllib.parse import urlsplit

from tasks_cli.errors import BadInput


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, by its name or number."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_loopback(url: str) -> str:
    """Return the address unchanged if it is on this machine: the local cloud is nowhere else."""
    if not is_loopback(url):
        raise BadInput(f"refused: {host_of(url)} should be the local cloud, but is not on this machine")
    return url


def require_private(url: str) -> str:
    """Return the address without a slash at its end. Raises where others could read the token on its way."""
    with contextlib.suppress(ValueError):  # an address that is none
        parts = urlsplit(url)
        if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and is_loopback(url)):
            return url.rstrip("/")
    raise BadInput(f"--api-url {url}: must be an address that begins with https://")


def host_of(url: str) -> str:
    """The host of an address: all that a message needs of it."""
    return urlsplit(url).netloc or url
