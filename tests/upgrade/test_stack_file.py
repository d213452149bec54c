"""Programs read ``.local/stack.json``: that of an older local cloud is understood, and says no more than the newest."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tasks_cli import local_stack

from local import stack as stack_file
from local.users import User
from tests.upgrade.comparing import losses
from tests.upgrade.recordings import STACK, VERSIONS, load

each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
OUTPUTS = {
    "TableName": "tableName",
    "TaskQueueUrl": "taskQueueUrl",
    "DeadLetterQueueUrl": "deadLetterQueueUrl",
    "StateMachineArn": "stateMachineArn",
    "StatusTopicArn": "statusTopicArn",
    "AlarmTopicArn": "alarmTopicArn",
    "BucketName": "bucketName",
    "UserPoolId": "userPoolId",
    "UserPoolClientId": "userPoolClientId",
    "ConsoleUrl": "consoleUrl",
}
"""Outputs of the template, and what the file calls them."""


@each_version
def test_the_newest_programs_read_an_older_file(version: Path) -> None:
    recorded = load(version / STACK)
    assert local_stack.read(version / STACK) == stack_file.read(version) == recorded
    assert local_stack.person(recorded, "bob") == recorded["users"][1]


@each_version
def test_the_newest_file_has_all_that_an_older_one_had(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the stack of the older version
    recorded = load(version / STACK)
    api_id = recorded["apiUrl"].split("/")[-2]
    monkeypatch.setattr(
        stack_file,
        "deployment",
        SimpleNamespace(
            outputs=lambda *_: {output: recorded[name] for output, name in OUTPUTS.items()},
            resources=lambda *_: {"HttpApi": ("AWS::ApiGatewayV2::Api", api_id)},
        ),
    )
    clients = SimpleNamespace(endpoint_url=recorded["endpointUrl"], region=recorded["region"])

    # WHEN the newest code writes the file of it
    stack = stack_file.describe(clients, recorded["stackName"])
    stack_file.write(tmp_path, {**stack, "users": recorded["users"]})

    # THEN it says all that the older file said
    written = json.loads((tmp_path / "stack.json").read_text(encoding="utf-8"))
    assert losses(recorded, written) == []
    assert set(recorded["users"][0]) <= set(User.__annotations__)
