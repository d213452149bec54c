"""The console's files over HTTP: for anybody, unlike what they show."""

from local import http


def get(tasks, path="", **headers):
    return http.request("GET", tasks.cloud.stack["consoleUrl"] + path, headers=headers)


def test_the_page_needs_no_token(tasks):
    """GIVEN nobody; WHEN the console is opened; THEN there is its page, which may talk to this engine only."""
    page = get(tasks)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith("<!doctype html>")
    assert f"connect-src 'self' {tasks.cloud.stack['endpointUrl']};" in page.headers["content-security-policy"]
    assert get(tasks, **{"If-None-Match": page.headers["etag"]}).status == 304


def test_it_says_where_to_sign_in(tasks):
    """GIVEN nobody; WHEN the page asks where to sign in; THEN it learns what stack.json says, too."""
    found, stack = get(tasks, "/config.json").body, tasks.cloud.stack
    assert [found[key] for key in ("region", "userPoolId", "userPoolClientId", "cognitoEndpoint")] == [
        stack[key] for key in ("region", "userPoolId", "userPoolClientId", "endpointUrl")
    ]


def test_there_is_nothing_but_its_files(tasks):
    """GIVEN the function's own code beside its files; WHEN it is asked for; THEN 404."""
    for path in ("/app.py", "/..%2fapp.py", "/index.html", "/requirements.txt"):
        assert get(tasks, path).status == 404
