"""What README and docs say is there: files, headings, addresses, commands. And their data parses."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
import click
import pytest
import typer
from botocore import xform_name
from samcli.cli.main import cli as sam
from tasks_cli.main import app as tasks

from local import template as templates
from tests.support.pages import DOCS, PAGES, ROOT, blocks, prose
from tests.support.shell import commands, options

LANGUAGES = {"", "bash", "json", "mermaid", "python", "text", "toml", "typescript", "yaml"}
ANY_COMMAND = {"cd", "curl", "echo", "git", "jq", "pipx", "uv"}
"""Commands of which only the name is known here."""
AWS_OWN = {"configure export-credentials", "configure sso", "login", "s3 rm"}
"""Commands of the AWS CLI that are no call of AWS."""
AWS_RENAMED = {"sns subscribe": {"--endpoint": "--notification-endpoint"}}
"""Options of the AWS CLI that are not named after the call's parameter, by command."""
MAY_GO = ("demo", "benchmarks", "examples")
"""Folders that a fork may delete, and to which pages lead."""
AWS_ANYWHERE = {"--endpoint-url", "--output", "--profile", "--query", "--region"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


# ---------------------------------------------------------------------------------------------------- data


@each_page
def test_data_parses(page, tmp_path):
    for block in blocks(page):
        assert block.language in LANGUAGES, f"a block of {block.language!r}, which no test reads"
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            assert tomllib.loads(block.text)
        elif block.language == "yaml":
            (tmp_path / "block.yaml").write_text(block.text, encoding="utf-8")
            assert templates.load(tmp_path / "block.yaml")
        elif block.language == "mermaid":
            kind, *body = block.text.split("\n")
            assert re.fullmatch(r"flowchart (TD|LR)|stateDiagram-v2|sequenceDiagram", kind)
            assert any(line.strip() for line in body)


# ---------------------------------------------------------------------------------------------------- links


def anchors(page):
    """What GitHub makes of the headings; of the same one a second time, with a number."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", other) is not None for other in found)
        found.add(f"{anchor}-{again}" if again else anchor)
    return found


def targets(page):
    """Where the links and images of a page lead."""
    return re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", prose(page))


def is_gone(path):
    """Whether a fork may delete what this is part of, and has."""
    return any(path.is_relative_to(ROOT / name) and not (ROOT / name).exists() for name in MAY_GO)


@each_page
def test_links_lead_somewhere(page):
    for target in targets(page):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_relative_to(ROOT), target
        if not there.exists() and is_gone(there):
            continue
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@each_page
def test_other_places_are_named_in_full(page):
    for target in targets(page):
        if not re.match(r"\w+:", target):
            continue
        address = urlsplit(target)
        assert address.scheme == "https", target
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", address.netloc), target
        assert not re.search(r"[.,;:]$", target), target


@each_page
def test_links_are_written_in_the_way_that_is_checked(page):
    text = re.sub(r"`[^`\n]*`", "", re.sub(r"<!--.*?-->", "", prose(page), flags=re.DOTALL))
    assert not re.search(r"^\[[^\]]+\]: ", text, re.MULTILINE), "a link by reference"
    assert not re.search(r"<(a|img)\b", text), "HTML"
    assert not re.search(r"(?<!\()https?://", text), "an address that is no link"


def test_a_second_heading_of_the_same_name_has_a_number(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One, two\n\n## Two\n\n## Two\n\n## Übung 1\n", encoding="utf-8")
    assert anchors(page) == {"one-two", "two", "two-1", "übung-1"}


# ---------------------------------------------------------------------------------------------------- languages


def outline(page):
    """What a page and its translation have in common: headings by their level, tables by their size, code."""
    lines = prose(page).splitlines()
    headings = [re.match("#+", line)[0] for line in lines if line.startswith("#")]
    tables = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    return headings, tables, [(block.language, block.text) for block in blocks(page)]


def pages_led_to(page):
    """Where it leads outside of itself and of its translation."""
    return {target for target in targets(page) if not target.startswith(("#", "coming-from-"))}


def test_a_translation_has_what_its_page_has():
    for page in (page for page in DOCS if page.stem.endswith(".ja")):
        english = page.with_name(page.name.replace(".ja.md", ".md"))
        assert outline(page) == outline(english), page.name
        assert pages_led_to(page) == pages_led_to(english), page.name
        assert english.name in targets(page)
        assert page.name in targets(english)


# ---------------------------------------------------------------------------------------------------- commands


def shown(page):
    """The commands of a page's blocks, and those that stand in a sentence."""
    spoken = re.findall(r"`((?:aws|sam|make|tasks|python -m|\.venv/bin/\w+) [^`]+)`", prose(page).replace("\n", " "))
    return [
        command for script in [*(block.text for block in blocks(page, "bash")), *spoken] for command in commands(script)
    ]


@cache
def make_targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def is_module(name):
    """Whether `python -m` finds it from the root of the repository."""
    return importlib.util.find_spec(name) is not None


@cache
def calls_of(service):
    """What botocore knows of a service, read once for all pages."""
    return botocore.session.get_session().get_service_model(service)


def unknown_to_aws(words):
    """What AWS, or its command line, does not know of a command; empty if all is well."""
    if " ".join(words[:2]) in AWS_OWN:
        return set()
    [service, operation, *rest] = words
    calls = calls_of(service)
    [name] = [name for name in calls.operation_names if xform_name(name, "-") == operation] or [None]
    if name is None:
        return {operation}
    members = calls.operation_model(name).input_shape
    known = {f"--{xform_name(member, '-')}" for member in (members.members if members else {})}
    renamed = AWS_RENAMED.get(f"{service} {operation}", {})
    known = {renamed.get(option, option) for option in known}
    known |= {f"--no-{option[2:]}" for option in known}
    return set(options(rest)) - known - AWS_ANYWHERE


def unknown_to_sam(words):
    return unknown_options(sam.get_command(click.Context(sam, obj=True), words[0]), words)  # no object: no import


def unknown_to_tasks(words):
    program = typer.main.get_command(tasks)
    return unknown_options(program if words[0].startswith("-") else program.commands.get(words[0]), words)


def unknown_options(command, words):
    assert command, f"there is no command {words[0]!r}"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return set(options(words)) - known


@each_page
def test_commands_exist(page):
    for command in shown(page):
        [name, *words] = command
        if name == "make":
            assert {word for word in words if re.fullmatch(r"[a-z-]+", word)} <= make_targets(), command
        elif name.rpartition("/")[2] == "python":
            assert words[0] == "-c" or (words[0] == "-m" and is_module(words[1])), command
        elif name.rpartition("/")[2] == "tasks":
            assert not unknown_to_tasks(words), command
        elif name.startswith(".venv/bin/"):
            assert Path(sys.executable).with_name(Path(name).name).exists(), command
        elif name == "aws":
            assert not unknown_to_aws(words), command
        elif name == "sam":
            assert not unknown_to_sam(words), command
        else:
            assert name in ANY_COMMAND, command


@each_page
def test_shell_is_shell(page):
    script = "\n".join(re.sub(r"<(\w+)>", r"\1", block.text) for block in blocks(page, "bash"))
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("dynamodb list-tables --limit 3", set()),
        ("dynamodb list-table", {"list-table"}),
        ("cognito-idp admin-set-user-password --user-pool-id x --username y --no-permanent", set()),
        ("cognito-idp admin-set-user-password --user-pool x --region y", {"--user-pool"}),
    ],
)
def test_knows_what_aws_knows(command, wrong):
    assert unknown_to_aws(command.split()) == wrong


def test_knows_what_sam_knows():
    assert unknown_to_sam(["deploy", "--config-env", "dev", "--no-config"]) == {"--no-config"}


def test_knows_what_our_own_command_line_knows():
    assert unknown_to_tasks(["fan-out", "cities.csv", "--type", "cat", "--no-watch"]) == set()
    assert unknown_to_tasks(["fan-out", "--types", "cat"]) == {"--types"}
    assert unknown_to_tasks(["--version"]) == set()
    with pytest.raises(AssertionError, match="no command 'fan'"):
        unknown_to_tasks(["fan"])


def test_takes_a_script_apart():
    script = """
A=1 make up   # and down
for x in 1 2; do
  curl -s "$API" \\
    -d '{"a": 1}
' | jq .b > file
done
sam init --location gh:<owner>/<name>
"""
    assert commands(script) == [
        ["make", "up"],
        ["curl", "-s", "$API", "-d", '{"a": 1}\n'],
        ["jq", ".b"],
        ["sam", "init", "--location", "gh:owner/name"],
    ]
