"""The shell commands of the docs, as they stand there, against the local cloud. Two pages: test_readme.py."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.support.pages import PAGES, ROOT, blocks

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this machine")

REPORTING = "curl() { command curl --write-out '%{stderr}%{http_code}\\n' \"$@\"; }\n"
FOLLOWED = {ROOT / "README.md", ROOT / "docs" / "quickstart.md"}
KNOWN_ALREADY = re.compile(r"^(make |API=|TOKEN=).*\n", re.MULTILINE)


def commands(page):
    """What the page does with the API, in order, without what starts and stops the local cloud."""
    shown = [KNOWN_ALREADY.sub("", block.text) for block in blocks(page, "bash") if "$API" in block.text]
    return "\n".join(shown).replace(".venv/bin/python", sys.executable)


PAGES_WITH_COMMANDS = [page for page in PAGES if page not in FOLLOWED and commands(page)]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_are_answered(page, cloud):
    if "jq " in commands(page) and not shutil.which("jq"):
        pytest.skip("there is no jq on this machine")
    stack = cloud.stack
    token = next(user["token"] for user in stack["users"] if user["username"] == "bob")
    script = f"API='{stack['apiUrl']}'\nTOKEN={token}\n{REPORTING}{commands(page)}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    statuses = done.stderr.split()
    assert len(statuses) >= commands(page).count("curl ")
    # 409: the task may have ended before it was cancelled, or be open still when its results are asked for
    assert set(statuses) <= {"200", "201", "202", "303", "304", "409"}
