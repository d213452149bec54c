"""README and quickstart, followed to the letter from a fresh clone, give what they promise.

What is written down as a file is written there, and what is a shell's is run, as it is printed, in one shell. Only
`make demo`, `make test` and the deployment are left out: the first two are what runs this.
"""

import json
import os
import subprocess
import time

import pytest

from tests.support.fork import TASK_TYPES, clone, set_up
from tests.support.pages import ROOT, blocks

SECONDS = 60
"""How long the work of a few sub-tasks may take."""


class Reader:
    """A shell in a clone; what a page says is done there."""

    def __init__(self, root):
        self.root = root
        self.complaints = root.parent / "stderr"
        # pytest runs below a make, and has paths of its own.
        own = {
            name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHONPATH")
        }
        with self.complaints.open("w") as stderr:
            self.shell = subprocess.Popen(
                ["bash", "-euo", "pipefail"],
                cwd=root,
                env=own,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def does(self, block):
        """Do what a block says; returns what was printed."""
        if block.file:
            path = self.root / block.file
            assert path.parent.is_dir(), "the page names a folder that a clone does not have"
            path.write_text(block.text, encoding="utf-8")
            return ""
        script = self.root.parent / "block.sh"
        script.write_text(block.text, encoding="utf-8")
        self.shell.stdin.write(f". '{script}' </dev/null\nprintf '\\n%s\\n' done:\n")
        self.shell.stdin.flush()
        printed = []
        for line in self.shell.stdout:
            if line == "done:\n":
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"{block.text}\n{''.join(printed)}\n{self.complaints.read_text()}")

    def does_until(self, block, wanted):
        """Do it again and again, as a reader would who has read that it takes a moment."""
        deadline = time.monotonic() + SECONDS
        while not wanted(printed := json.loads(self.does(block))):
            assert time.monotonic() < deadline, printed
        return printed

    def leaves(self):
        self.shell.stdin.close()
        self.shell.stdout.close()
        self.shell.wait()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    root = clone(tmp_path_factory.mktemp("reader") / "serverless-tasks")
    set_up(root)
    reader = Reader(root)
    yield reader
    reader.leaves()
    subprocess.run(["make", "local-down"], cwd=root, check=True, stdout=subprocess.DEVNULL)


def steps(page, after):
    """What a page says to do after a line of it: files and shell commands, in order."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    if after not in lines:
        pytest.skip(f"a fork whose {page.name} is another one: it has no {after!r}")
    begin = lines.index(after)
    shown = [block for block in blocks(page, "python", "bash") if block.line > begin]
    return [block for block in shown if block.file or block.language == "bash"]


def ended(task):
    return task["status"] == "COMPLETED"


def all_ended(page):
    return bool(page["items"]) and all(map(ended, page["items"]))


def test_readme_leads_from_a_clone_to_a_task_type_of_ones_own(reader):
    [get, write, start, look, stop, *_] = steps(ROOT / "README.md", "## Your own task type")
    assert get.text.startswith("git clone ")
    assert write.file == "functions/worker/task_types/dog.py"
    reader.does(write)
    assert '"status":"CREATED"' in reader.does(start)
    sub_tasks = reader.does_until(look, all_ended)["items"]
    assert [item["attributes"]["result"] for item in sub_tasks] == [{"walked": "Rex"}, {"walked": "Bello"}]
    assert stop.text == "make local-down\n"  # done by the next test, which goes on in the cloud that is up


def test_quickstart_goes_on_from_there(reader):
    """Alone, it starts the local cloud itself; after the other test, that one's is up already."""
    if not (ROOT / TASK_TYPES / "cat.py").exists():
        pytest.skip("a fork without cat.py, of which the quickstart creates tasks")
    page = ROOT / "docs" / "quickstart.md"
    [start, meet, create, fan_out, look, write, deploy, look_again, stop] = steps(page, "## Start the local cloud")
    for block in (start, meet, create, fan_out):
        reader.does(block)
    shown = reader.does_until(look, all_ended)["items"]
    assert [task["kind"] for task in shown if task["type"] == "cat"] == ["SFN_TASK", "TASK"]
    reader.does(write)
    reader.does(deploy)
    assert reader.does_until(look_again, ended)["attributes"]["result"] == {"walked": "Rex", "attempt": 1}
    assert reader.does(stop).strip() == "Stopped"
    assert not (reader.root / ".local" / "stack.json").exists()
