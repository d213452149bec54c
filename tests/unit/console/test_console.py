"""The console's function: hands out the files of its folder and nothing else, with headers that keep it harmless."""

import base64
import gzip
import importlib.util
import json
import re

import pytest

from functions.api.description import VERSION
from local.paths import ROOT
from local.template import Resolver
from tests.support.resources import TEMPLATE, properties

FOLDER = ROOT / "functions" / "console"
POOL = "us-east-1_Example"
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "USER_POOL_ID": POOL,
    "USER_POOL_CLIENT_ID": "client",
    "ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    "CONNECT_SOURCES": "https://cognito-idp.us-east-1.amazonaws.com https://payloads.s3.us-east-1.amazonaws.com",
}
STATIC = FOLDER / "static"
SHIPPED = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())


def load():
    spec = importlib.util.spec_from_file_location("console_app", FOLDER / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def app(environment, tmp_path, monkeypatch):
    """The function with files of our own."""
    module = load()
    for name, content in {
        "index.html": b'<!doctype html><script src="console/app.js">',
        "app.js": b"export {};",
        "views/list.js": b"export const list = 1;",
        "logo.png": b"\x89PNG",
        "LICENSE": b"MIT",
        "what.xyz": b"?",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path.parent / "secret.txt").write_text("secret")
    monkeypatch.setattr(module, "STATIC", tmp_path)
    monkeypatch.setattr(module, "FILES", module._files())
    return module


def ask(app, name=None, **headers):
    """The answer to a request for the page, or for a file below it."""
    event = {"routeKey": "GET /console", "headers": {key.replace("_", "-"): value for key, value in headers.items()}}
    if name is not None:
        event |= {"routeKey": "GET /console/{file+}", "pathParameters": {"file": name}}
    return json.loads(json.dumps(app.handler(event, None)))


def body(answer):
    assert answer["isBase64Encoded"]
    return base64.b64decode(answer["body"])


def test_the_page_is_at_the_console_itself(app):
    answer = ask(app)
    page = f'<!doctype html><script src="console/{app.release()}/app.js">'
    assert (answer["statusCode"], body(answer).decode()) == (200, page)
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    # Below, what it refers to would be looked for in another folder.
    assert ask(app, "index.html")["statusCode"] == 404


@pytest.mark.parametrize(
    ("name", "content_type", "content"),
    [
        ("app.js", "text/javascript; charset=utf-8", b"export {};"),
        ("views/list.js", "text/javascript; charset=utf-8", b"export const list = 1;"),
        ("logo.png", "image/png", b"\x89PNG"),
        ("LICENSE", "text/plain; charset=utf-8", b"MIT"),
        ("what.xyz", "application/octet-stream", b"?"),
    ],
)
def test_a_file(app, name, content_type, content):
    answer = ask(app, name)
    assert (answer["statusCode"], answer["headers"]["Content-Type"], body(answer)) == (200, content_type, content)


@pytest.mark.parametrize(
    "name",
    [
        *("nothing.js", "views", "views/", "/app.js", "./app.js", "views/../app.js", "APP.JS", "app.js/"),
        *("../secret.txt", "..%2fsecret.txt", "../app.py", "/etc/passwd", "app.js\x00.html", "../static/index.html"),
    ],
)
def test_what_is_no_file_of_the_folder_is_404(app, name):
    answer = ask(app, name)
    assert answer["statusCode"] == 404
    assert json.loads(body(answer)) == {"statusCode": 404, "message": "the console has no such file"}


def test_the_configuration_says_where_users_sign_in(app):
    answer = ask(app, "config.json")
    assert answer["headers"]["Content-Type"] == "application/json"
    assert json.loads(body(answer)) == {
        "region": "us-east-1",
        "userPoolId": POOL,
        "userPoolClientId": "client",
        "cognitoEndpoint": "",
        "issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
        "version": VERSION,
    }


def test_in_the_local_cloud_they_sign_in_there(environment, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    app = load()
    answer = ask(app, "config.json")
    assert json.loads(body(answer))["cognitoEndpoint"] == "http://127.0.0.1:4566"
    assert "connect-src 'self' http://127.0.0.1:4566;" in answer["headers"]["Content-Security-Policy"]


@pytest.mark.parametrize("name", [None, "app.js", "config.json", "nothing.js"])
def test_every_answer_keeps_the_page_to_itself(app, name):
    headers = ask(app, name)["headers"]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["connect-src"] == f"'self' {ENVIRONMENT['CONNECT_SOURCES']}"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["app.js", "views/list.js", "config.json"])
def test_a_file_of_this_release_is_kept_by_browsers(app, name):
    answer = ask(app, f"{app.release()}/{name}")
    assert body(answer) == body(ask(app, name))
    assert answer["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("name", ["{}/nothing.js", "{}/", "{}/{}/app.js", "0123456789abcdef/app.js"])
def test_what_is_no_file_of_this_release_is_asked_for_again(app, name):
    answer = ask(app, name.replace("{}", app.release()))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (404, "no-cache")


def test_another_file_or_configuration_is_another_release(environment, app, tmp_path, monkeypatch):
    releases = {app.release()}
    (tmp_path / "app.js").write_bytes(b"export { };")
    app.release.cache_clear()
    releases.add(app.release())
    monkeypatch.setenv("USER_POOL_CLIENT_ID", "another")
    app.release.cache_clear()
    releases.add(app.release())
    assert len(releases) == 3


def test_a_file_that_is_known_is_not_sent_again(app):
    first = ask(app, "app.js")
    tag = first["headers"]["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = ask(app, "app.js", if_none_match=known)
        assert (again["statusCode"], body(again)) == (304, b"")
        assert again["headers"]["ETag"] == tag
        assert "Content-Type" not in again["headers"]
    for unknown in ('"other"', "", tag.strip('W/"')):
        assert ask(app, "app.js", if_none_match=unknown)["statusCode"] == 200
    assert ask(app, "views/list.js")["headers"]["ETag"] != tag


def test_text_is_zipped_for_a_client_that_can_read_it(app):
    plain, zipped = ask(app, "app.js"), ask(app, "app.js", accept_encoding="br, gzip")
    assert "Content-Encoding" not in plain["headers"]
    assert zipped["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(body(zipped)) == body(plain)
    assert zipped["headers"]["ETag"] == plain["headers"]["ETag"]
    assert zipped["headers"]["Vary"] == plain["headers"]["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in ask(app, "logo.png", accept_encoding="gzip")["headers"]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_has_a_type_and_fits_into_an_answer(environment, name):
    app = load()
    answer = ask(app, None if name == "index.html" else name)
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] != "application/octet-stream"
    assert len(answer["body"]) < 6_000_000  # Lambda's limit has room for the headers, too


def test_the_template_names_user_pool_and_bucket_and_nothing_else():
    resolve = Resolver(
        TEMPLATE, {"AWS::Region": "eu-west-1", "AWS::URLSuffix": "amazonaws.com", "PayloadBucket": "p"}, {}
    )
    given = properties("ConsoleFunction")["Environment"]["Variables"]
    assert resolve(given["CONNECT_SOURCES"]).split() == [
        "https://cognito-idp.eu-west-1.amazonaws.com",
        "https://p.s3.eu-west-1.amazonaws.com",
        "https://p.s3.amazonaws.com",
    ]
    read = set(re.findall(r"environ(?:ment)?\[['\"](\w+)", (FOLDER / "app.py").read_text(encoding="utf-8")))
    assert read == {*given, "AWS_REGION"}


@pytest.mark.parametrize(
    ("parameters", "origins"),
    [
        ({"Console": "true"}, ["*"]),
        ({"Console": "true", "RestEndpoints": "false"}, None),
        ({"Console": "false"}, None),
        (
            {"Console": "false", "CorsOrigins": "https://a.example,https://b.example"},
            ["https://a.example", "https://b.example"],
        ),
    ],
)
def test_a_page_may_follow_links_where_there_is_one(parameters, origins):
    values = {"RestEndpoints": "true", "CorsOrigins": "", **parameters}
    cors = Resolver(TEMPLATE, values, {})({"cors": properties("PayloadBucket")["CorsConfiguration"]}).get("cors")
    assert (cors and cors["CorsRules"][0]["AllowedOrigins"]) == origins
