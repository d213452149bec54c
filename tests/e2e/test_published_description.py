"""The API answers as it describes itself, whatever it is asked, by whichever of two tenants.

schemathesis makes the requests from the description of the deployment, which knows its task types: right ones and wrong
ones, the same every time. Nothing reads the stream here: what is created stays as it is, and all the machine's time is
the API's.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from description import described
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local import deployment
from local.paths import ROOT
from tests.support.driver import BUSY, Driver
from tests.support.fork import PROBES, TASK_TYPES, Fork

REQUESTS = 2_000
TYPES = ("cat.py", "kennel.py")
OWN = shutil.ignore_patterns("task_types", "__pycache__")
PEOPLE = ("alice", "bob")
"""Of mbc and of acme: each sends every request."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def deployed() -> dict[str, Any]:
    """What a deployment of this repository says of itself: the published file, with the tests' own task types."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    program = ROOT / "layers" / "serverless_tasks" / "task_types_file.py"
    with tempfile.TemporaryDirectory() as folder:
        worker = shutil.copytree(ROOT / "functions" / "worker", Path(folder, "worker"), ignore=OWN)
        Path(worker, "task_types").mkdir()
        for name in TYPES:
            shutil.copy(PROBES / name, Path(worker, "task_types"))
        written = Path(folder, "manifest.json")
        subprocess.run([sys.executable, program, written], cwd=worker, check=True)
        types = json.loads(written.read_text(encoding="utf-8"))
    document["components"]["schemas"] |= described(document["components"]["schemas"], types)
    return document


DOCUMENT = deployed()
DESCRIPTION = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = sum(1 for _ in DESCRIPTION.get_all_operations())
EXAMPLES = math.ceil(1.5 * REQUESTS / OPERATIONS / len(PEOPLE))
"""For each operation. A quarter is sent without a token, and there is to be some room."""


@dataclass
class Asked:
    """The API, tasks of both tenants that requests may name, and the answers so far."""

    driver: Driver
    tokens: dict[str, str]
    tasks: list[tuple[str, dict[str, str]]]
    answers: Counter[int] = field(default_factory=Counter)
    turns: int = 0

    def ask(self, case, user):
        """Send the request as this user; busy is no answer."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}

        def answered():
            response = case.call(base_url=self.driver.cloud.stack["apiUrl"], headers=headers)
            return None if response.status_code == BUSY else response

        response = self.driver.until(answered, f"the API answers {case.operation.label}")
        self.answers[response.status_code] += 1
        return response

    def name_a_task(self, case):
        """Let two of three requests for a task name one that is there; returns its owner."""
        if not case.path_parameters or not self.turns % 3:
            return None
        owner, task = self.tasks[self.turns % len(self.tasks)]
        case.path_parameters.update(taskType=task["type"], code=task["code"])
        return owner


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    own = Fork(tmp_path_factory.mktemp("described") / "repo").built_like_this_repository()
    for name in TYPES:
        shutil.copy(PROBES / name, own.root / TASK_TYPES)
    with own.with_parameters(FirstLookSeconds="3600").running() as cloud:
        _, stream = deployment.resources(cloud.client, cloud.stack["stackName"])["RelayFunctionStatusChanges"]
        cloud.client("lambda").update_event_source_mapping(UUID=stream, Enabled=False)
        driver = Driver(cloud)
        tasks = []
        for user in PEOPLE:
            tasks += [(user, driver.create("cat", {"key": 1}, user=user)) for _ in range(3)]
            tasks += [(user, driver.fan_out("cat", [{"key": 1}] * 3, user=user)) for _ in range(3)]
        yield Asked(driver, {person["username"]: person["token"] for person in cloud.stack["users"]}, tasks)


def test_the_deployment_says_so(api):
    """GIVEN a deployment; WHEN it describes itself; THEN it is what is asked for below, and knows the task types."""
    assert api.driver.call("GET", "/openapi.json").body == DOCUMENT
    assert {"NewTask.kennel", "kennel.SFN_TASK"} <= DOCUMENT["components"]["schemas"].keys()


@DESCRIPTION.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(api, case):
    """GIVEN a request; WHEN two tenants send it; THEN no 5xx, nothing undescribed, and no task of the other one."""
    api.turns += 1
    owner = api.name_a_task(case)
    for user in PEOPLE:
        response = api.ask(case, user)
        case.validate_response(response, checks=CHECKS)
        with_token = "Authorization" in response.request.headers  # now and then schemathesis leaves it out
        assert with_token == (response.status_code != 401)
        if with_token and owner not in (None, user):
            assert response.status_code in (400, 404), f"{user} asked for a task of {owner}"


def test_so_many_requests_were_sent(api):
    """GIVEN all of the above; WHEN it is counted; THEN it was enough, and not all were refused."""
    assert api.answers.total() - api.answers[401] >= REQUESTS
    assert {200, 201, 202, 400, 401, 404, 409} <= api.answers.keys()
