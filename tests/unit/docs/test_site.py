"""The documentation as a site: it can be built, shows what GitHub shows, and needs no other host to be read."""

import collections
import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt
from mkdocs.utils import yaml_load

from tests.support.pages import DOCS, ROOT
from tools.docs_site import hooks

SHOWN = {"a", "code", "em", "h1", "h2", "h3", "img", "li", "ol", "p", "pre", "strong", "td", "tr", "ul"}
VENDOR = ROOT / "docs" / "vendor"


SETTINGS = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def build(directory, *options):
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(directory), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("site")
    built = build(directory)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


# ---------------------------------------------------------------------------------------------------- the four kinds


def in_the_index():
    """Pages of docs/README.md by heading, in order. A page is what begins an item of a list."""
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    return {
        heading: re.findall(r"^- \[[^\]]+\]\(([^)]+)\)", body, re.MULTILINE)
        for heading, body in zip(sections[::2], sections[1::2], strict=True)
    }


def in_the_site():
    """The same of mkdocs.yml."""
    first, *sections = SETTINGS["nav"]
    assert first == "README.md"
    return {heading: pages for section in sections for heading, pages in section.items()}


def test_index_and_site_have_the_same_four_kinds():
    assert in_the_index() == in_the_site()
    assert list(in_the_site()) == ["Tutorial", "How-to guides", "Reference", "Explanation"]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_page_is_of_one_kind(page):
    pages = [name for section in in_the_site().values() for name in section]
    assert pages.count(page.name) == (page.name != "README.md"), "list it in docs/README.md and in mkdocs.yml"


# ---------------------------------------------------------------------------------------------------- as on GitHub


class Counted(HTMLParser):
    """How often each element is there, but for what the theme adds."""

    def __init__(self, html):
        super().__init__()
        self.elements = collections.Counter()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        added = dict(attributes).get("class") in ("headerlink", "md-content__button md-icon")
        if tag in SHOWN and not added:
            self.elements[tag] += 1


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_shows_what_github_shows(page, site):
    text = hooks.turned(page.read_text(encoding="utf-8"), SETTINGS["extra"]["repository"])
    on_github = Counted(MarkdownIt("commonmark").enable("table").render(text))
    name = "index.html" if page.name == "README.md" else f"{page.stem}.html"
    [article] = re.findall(r"<article.*?>(.*?)</article>", (site / name).read_text(encoding="utf-8"), re.DOTALL)
    here = Counted(re.sub(r"<aside.*?</aside>", "", article, flags=re.DOTALL))
    assert here.elements == on_github.elements


# ---------------------------------------------------------------------------------------------------- no other host


def test_needs_no_other_host(site):
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|img|iframe)[^>]+src=\"?(?:https?:)?//[^>]*", html), page
        assert not re.findall(
            r"<link[^>]+rel=\"?(?:stylesheet|icon|preconnect)[^>]+href=\"?(?:https?:)?//[^>]*", html
        ), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet


def test_a_page_with_pictures_has_what_draws_them_and_no_other_page(site):
    with_pictures = {page.stem for page in DOCS if "```mermaid" in page.read_text(encoding="utf-8")}
    pages = {page.stem: page.read_text(encoding="utf-8") for page in site.glob("*.html")}
    assert {name for name, html in pages.items() if 'src="vendor/mermaid.tiny.js"' in html} == with_pictures
    assert (site / "vendor" / "mermaid.tiny.js").exists()


def test_what_others_made_is_unchanged():
    rows = re.findall(r"^\| `(\S+)` \|.*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text("utf-8"), re.MULTILINE)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.js")}
    assert dict(rows) == sums
    assert sums


# ---------------------------------------------------------------------------------------------------- hooks

PAGE = """See [the template](../template.yaml), [`prices.json`](../layers/prices.json) and [this](page.md#there).

```python
link = "[x](../y)"
```

[Contributing](../CONTRIBUTING.md#what-a-change-needs)
"""


def turned(repository):
    return hooks.on_page_markdown(PAGE, page=None, config=SimpleNamespace(extra={"repository": repository}), files=None)


def test_links_out_of_docs_lead_to_the_repository():
    blob = "https://example.com/owner/name/blob/main"
    assert turned("https://example.com/owner/name/") == PAGE.replace("(../t", f"({blob}/t").replace(
        "(../l", f"({blob}/l"
    ).replace("(../C", f"({blob}/C")


def test_without_a_repository_they_are_paths():
    text = turned("")
    assert "See the template (`template.yaml`), `prices.json` and [this](page.md#there)." in text
    assert 'link = "[x](../y)"' in text
    assert text.endswith("Contributing (`CONTRIBUTING.md`)\n")


@pytest.mark.parametrize(("name", "language"), [("page.md", "en"), ("page.ja.md", "ja"), ("README.md", "en")])
def test_a_page_says_its_language(name, language):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=name))
    assert (
        hooks.on_post_page('<html lang="en" class="x">', page=page, config=None)
        == f'<html lang="{language}" class="x">'
    )


def test_a_broken_link_fails(tmp_path):
    """The settings of mkdocs.yml, on a page whose link leads to a heading that is not there."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "README.md").write_text("# Here\n\n[there](README.md#there)\n", encoding="utf-8")
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    settings = re.sub(r"^nav:.*?^\n", "nav:\n  - README.md\n\n", settings, flags=re.MULTILINE | re.DOTALL)
    settings = settings.replace("tools/docs_site", f"{ROOT}/tools/docs_site")
    (tmp_path / "mkdocs.yml").write_text(settings, encoding="utf-8")
    built = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert built.returncode == 1
    assert "there is no such anchor" in built.stderr
