"""Console: serves the files of a web page, and its configuration.

It is public and has no permissions: the page gets its data from the HTTP API, with its user's token.
"""

import base64
import gzip
import hashlib
import json
import logging
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

VERSION = "0.1.0"
STATIC = Path(__file__).with_name("static")
CONFIGURATION = "config.json"
PAGE = ""
"""Name of the page itself: it is at ``/console``, and nothing below it is called ``index.html``."""
TYPES = {
    "": "text/plain; charset=utf-8",  # LICENSE
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
COMPRESSED = {".png", ".woff2"}
"""Kinds of files that gzip makes no smaller."""

logger = logging.getLogger()


class File(NamedTuple):
    """A file as it is sent."""

    body: bytes
    content_type: str
    tag: str
    zipped: bytes | None


def _files() -> dict[str, Path]:
    """Every file by its name below ``/console/``. Any other path does not exist."""
    found = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
    return {PAGE if name == "index.html" else name: path for name, path in found.items()}


def _configuration() -> bytes:
    """The page's configuration. The local cloud sets ``AWS_ENDPOINT_URL``, and has the user pool of the page."""
    environment = os.environ
    known = {
        "region": environment["AWS_REGION"],
        "userPoolId": environment["USER_POOL_ID"],
        "userPoolClientId": environment["USER_POOL_CLIENT_ID"],
        "cognitoEndpoint": environment.get("AWS_ENDPOINT_URL", ""),
        "issuer": environment["ISSUER"],
        "version": VERSION,
    }
    return json.dumps(known).encode()


FILES = _files()
KEPT = "public, max-age=31536000, immutable"
"""A year, the longest that browsers are asked for (RFC 9111, section 5.3)."""
HEADERS = {
    # Only our script runs, and talks only to this API, the user pool and the bucket (for uploads). A task's name, input
    # and result are text: even if the page failed to escape them, nothing in them would run.
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            f"connect-src 'self' {os.environ.get('AWS_ENDPOINT_URL') or os.environ['CONNECT_SOURCES']}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # kept by browsers, and asked for each time
    "Vary": "Accept-Encoding",
}


@cache
def release() -> str:
    """Name of the folder of the page's files: other files or another configuration have another one.

    So browsers may keep them: the page is dozens of files, and each would be a call of Lambda at every look. And after
    a deployment, no page mixes scripts of two releases.
    """
    parts = [(name, path.read_bytes()) for name, path in sorted(FILES.items())]
    digests = [
        f"{name} {hashlib.sha256(body).hexdigest()}" for name, body in [*parts, (CONFIGURATION, _configuration())]
    ]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


def _body(name: str) -> bytes:
    if name == CONFIGURATION:
        return _configuration()
    body = FILES[name].read_bytes()
    return body.replace(b'"console/', f'"console/{release()}/'.encode()) if name == PAGE else body


@cache
def _file(name: str) -> File:
    """Read the file, once per process."""
    body = _body(name)
    suffix = Path(name or "index.html").suffix
    zipped = None if suffix in COMPRESSED else gzip.compress(body, mtime=0)
    # A weak tag, since the file and its gzip share it.
    return File(
        body, TYPES.get(suffix, "application/octet-stream"), f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', zipped
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An event of the HTTP API in, one of the files out."""
    name = (event.get("pathParameters") or {}).get("file", PAGE)
    own = name.removeprefix(f"{release()}/") or name  # the page itself is at one place only
    answer = _answer(own, event["headers"])
    if own != name and answer["statusCode"] != 404:
        answer["headers"]["Cache-Control"] = KEPT
    logger.info("request", extra={"file": name[:200], "statusCode": answer["statusCode"]})
    return answer


def _answer(name: str, asked: dict[str, str]) -> dict[str, Any]:
    if name not in FILES and name != CONFIGURATION:
        missing = {"statusCode": 404, "message": "the console has no such file"}
        return _response(404, {"Content-Type": TYPES[".json"]}, json.dumps(missing).encode())
    file = _file(name)
    if _is_known(file.tag, asked.get("if-none-match", "")):
        return _response(304, {"ETag": file.tag})
    headers = {"ETag": file.tag, "Content-Type": file.content_type}
    if file.zipped is not None and "gzip" in asked.get("accept-encoding", ""):
        return _response(200, headers | {"Content-Encoding": "gzip"}, file.zipped)
    return _response(200, headers, file.body)


def _is_known(tag: str, known: str) -> bool:
    """Whether ``If-None-Match`` names the tag, weak or strong, or any (RFC 9110, section 13.1.2).

    The same as in functions/api/resolver.py: the two functions share no layer.
    """
    opaque = tag.removeprefix("W/")
    return known.strip() == "*" or opaque in re.findall(r'"[^"]*"', known)


def _response(status_code: int, headers: dict[str, str], body: bytes = b"") -> dict[str, Any]:
    encoded = base64.b64encode(body).decode()
    return {"statusCode": status_code, "headers": HEADERS | headers, "body": encoded, "isBase64Encoded": True}
