"""A stack without REST endpoints: nothing listens, nobody signs in, and tasks are created from code."""

import pytest
from serverless_tasks import TaskKind, TaskQuery, TaskService, TaskStatus
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.settings import Settings

from local import deployment
from tests.support.driver import Driver
from tests.support.fork import Fork


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    own = Fork(tmp_path_factory.mktemp("closed") / "repo").built_like_this_repository()
    with own.with_parameters(RestEndpoints="false").running() as running:
        yield running


@pytest.fixture
def service(closed):
    """The service as code outside of the stack makes it."""
    stack = closed.stack
    settings = Settings(table_name=stack["tableName"], bucket_name=stack["bucketName"], fan_out_concurrency=8)
    return TaskService(Cloud(settings, make_client=closed.client))


def test_there_is_no_api_and_no_user(closed):
    """GIVEN RestEndpoints=false; WHEN the stack is deployed; THEN it has no API and no users, but all the rest."""
    kinds = {kind for kind, _ in deployment.resources(closed.client, closed.stack["stackName"]).values()}
    assert {kind for kind in kinds if kind.startswith(("AWS::ApiGateway", "AWS::Cognito"))} == set()
    assert {"AWS::StepFunctions::StateMachine", "AWS::DynamoDB::Table", "AWS::SQS::Queue"} <= kinds
    assert [closed.stack[key] for key in ("apiUrl", "consoleUrl", "userPoolId")] == ["", "", ""]
    assert closed.stack["users"] == []
    assert "ApiUrl" not in deployment.outputs(closed.client, closed.stack["stackName"])


def test_tasks_created_from_code_run(closed, service):
    """GIVEN only the service; WHEN it creates tasks of both kinds; THEN they run, and it shows their results."""
    one = service.create_task("mbc", "cat", {"key": "x" * 5_000})
    many = service.create_step_function_task("mbc", "cat", [{"key": index} for index in range(9)], name="Cats")
    waiting = Driver(closed)

    def ended(task):
        def found():
            now = service.get_task(task.key)
            return now if now.status.terminal else None

        return waiting.until(found, f"{task.id} has ended")

    one, many = ended(one), ended(many)
    assert (one.status, many.status) == (TaskStatus.COMPLETED, TaskStatus.COMPLETED)
    assert service.load_result(one) == {"fed": "x" * 5_000}
    sub_tasks = service.list_sub_tasks(many.key, limit=100).items
    assert [sub_task.attributes["result"]["fed"] for sub_task in sub_tasks] == list(range(9))
    assert [task.key for task in service.list_tasks(TaskQuery("mbc")).items] == [many.key, one.key]
    assert [task.kind for task in service.list_tasks(TaskQuery("mbc", TaskKind.SFN_TASK)).items] == [TaskKind.SFN_TASK]
