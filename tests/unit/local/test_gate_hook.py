"""The gate in a client: AWS's own exceptions, before anything is sent."""

import io
import json

import boto3
import botocore.session
import pytest
import yaml
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from local.gate.hook import Gate
from local.gate.policy import Request
from local.gate.recording import Recording
from local.gate.refusals import grant
from local.gate.rules import RulesFile

HERE = "us-east-1:000000000000"
TABLE = f"arn:aws:dynamodb:{HERE}:table/tasks"
NAMES = {
    TABLE: "!GetAtt TasksTable.Arn",
    "arn:aws:s3:::bucket": "!GetAtt PayloadBucket.Arn",
    f"arn:aws:sns:{HERE}:topic": "!Ref StatusTopic",
    f"arn:aws:states:{HERE}:stateMachine:fan-out": "!Ref FanOutStateMachine",
}
KEYS = [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}]
KEY = {"pk": {"S": "TASK#a"}, "sk": {"S": "s"}}


class World:
    """A function's process: its rules, and what it sent."""

    def __init__(self, directory, monkeypatch):
        self.path = directory / "gate.json"
        self.calls = directory / "calls"
        self.calls.mkdir()
        self.sent = []
        self.answer = (200, b"{}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setattr("local.gate.rules.WAIT_SECONDS", 0.1)
        session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        Gate(RulesFile(str(self.path), "worker"), Recording(str(self.calls), "worker")).listen(session.register)
        session.register("before-send", self._send)
        self.session = boto3.Session(region_name="us-east-1", botocore_session=session)

    def allow(self, *statements, place="TaskPermissions in template.yaml"):
        own = {"role": "arn:aws:iam::000000000000:role/its-role", "place": place, "statements": statements}
        table = {
            "account": "000000000000",
            "region": "us-east-1",
            "functions": {"worker": own},
            "resourceStatements": [],
            "tables": {"tasks": {"KeySchema": KEYS}},
            "names": NAMES,
        }
        self.path.write_text(json.dumps(table))

    def client(self, service, **options):
        return self.session.client(service, endpoint_url="http://127.0.0.1:9", **options)

    @property
    def recorded(self):
        lines = (self.calls / "worker.jsonl").read_text().splitlines()
        return [(call["operation"], call["verdict"]) for call in map(json.loads, lines)]

    def _send(self, request, **_):
        self.sent.append(request.url)
        status, body = self.answer
        raw = io.BytesIO(body)
        raw.stream = lambda: iter([body])
        return AWSResponse(request.url, status, {}, raw)


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def allowed(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refusal(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_what_is_granted_is_sent_and_nothing_else(world):
    world.allow(allowed("dynamodb:GetItem", TABLE))
    client = world.client("dynamodb")
    client.get_item(TableName="tasks", Key=KEY)
    assert len(world.sent) == 1
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_item(TableName="tasks", Key=KEY)
    assert len(world.sent) == 1
    assert world.recorded == [("GetItem", "allowed"), ("DeleteItem", "AccessDeniedException")]


def test_it_says_what_aws_says_and_which_line_is_missing(world, capsys):
    world.allow(allowed("dynamodb:GetItem", TABLE))
    code, status, said = refusal(world.client("dynamodb").delete_item, TableName="tasks", Key=KEY)
    assert (code, status) == ("AccessDeniedException", 400)
    assert said == (
        "User: arn:aws:sts::000000000000:assumed-role/its-role/worker is not authorized to perform: "
        f"dynamodb:DeleteItem on resource: {TABLE} because no identity-based policy allows the dynamodb:DeleteItem "
        "action. (The local cloud refuses what AWS would. It is about the partitions TASK#a. Add to TaskPermissions in "
        "template.yaml: - {Effect: Allow, Action: dynamodb:DeleteItem, Resource: !GetAtt TasksTable.Arn})"
    )
    assert capsys.readouterr().err == f"refused: {said}\n"


def test_a_denial_is_not_cured_by_a_grant(world):
    world.allow(allowed("*", "*"), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"})
    _, _, said = refusal(world.client("dynamodb").delete_item, TableName="tasks", Key=KEY)
    assert "with an explicit deny" in said
    assert "Add to" not in said


@pytest.mark.parametrize(
    ("service", "call", "given", "code", "status"),
    [
        ("s3", "get_object", {"Bucket": "bucket", "Key": "a"}, "AccessDenied", 403),
        ("s3", "head_object", {"Bucket": "bucket", "Key": "a"}, "403", 403),
        ("sqs", "receive_message", {"QueueUrl": "http://127.0.0.1:9/0/q"}, "AccessDenied", 403),
        ("sns", "publish", {"TopicArn": f"arn:aws:sns:{HERE}:topic", "Message": "m"}, "AuthorizationError", 403),
        ("stepfunctions", "list_state_machines", {}, "AccessDeniedException", 400),
        ("lambda", "invoke", {"FunctionName": "f"}, "AccessDeniedException", 403),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "AccessDeniedException", 400),
        ("iam", "list_users", {}, "AccessDenied", 403),
    ],
)
def test_each_service_refuses_in_its_own_words(world, service, call, given, code, status):
    world.allow()
    assert refusal(getattr(world.client(service), call), **given)[:2] == (code, status)
    assert world.sent == []


def test_a_missing_object_is_refused_to_a_role_that_may_not_list_the_bucket(world):
    world.allow(allowed("s3:GetObject", "arn:aws:s3:::bucket/*"))
    client = world.client("s3")
    world.answer = (404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>")
    code, status, said = refusal(client.get_object, Bucket="bucket", Key="payloads/a")
    assert (code, status) == ("AccessDenied", 403)
    assert "Action: s3:ListBucket, Resource: !GetAtt PayloadBucket.Arn" in said
    assert refusal(client.head_object, Bucket="bucket", Key="payloads/a")[0] == "403"


def test_a_role_that_may_list_learns_that_it_is_missing_where_it_may_list(world):
    listing = allowed("s3:ListBucket", "arn:aws:s3:::bucket", Condition={"StringLike": {"s3:prefix": "payloads/*"}})
    world.allow(allowed("s3:GetObject", "arn:aws:s3:::bucket/*"), listing)
    client = world.client("s3")
    world.answer = (404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>")
    with pytest.raises(client.exceptions.NoSuchKey):
        client.get_object(Bucket="bucket", Key="payloads/a")
    assert refusal(client.get_object, Bucket="bucket", Key="uploads/a")[0] == "AccessDenied"
    assert world.recorded[-1] == ("ListObjectsV2", "AccessDenied")


def test_a_link_is_judged_when_it_is_made(world):
    world.allow(allowed("s3:GetObject", "arn:aws:s3:::bucket/payloads/*"))
    link = world.client("s3").generate_presigned_url
    assert link("get_object", {"Bucket": "bucket", "Key": "payloads/a"}).startswith("http")
    assert refusal(link, "get_object", {"Bucket": "bucket", "Key": "uploads/a"})[0] == "AccessDenied"


def test_plain_values_of_boto3s_resources_are_judged_as_what_they_become(world):
    world.allow(allowed("dynamodb:GetItem", TABLE, Condition={"StringEquals": {"dynamodb:LeadingKeys": "TASK#a"}}))
    table = world.session.resource("dynamodb", endpoint_url="http://127.0.0.1:9").Table("tasks")
    assert table.get_item(Key={"sk": "s", "pk": "TASK#a"})["ResponseMetadata"]
    assert refusal(table.get_item, Key={"sk": "s", "pk": "TASK#b"})[0] == "AccessDeniedException"


def test_what_a_deployment_changes_holds_at_once(world):
    world.allow()
    client = world.client("dynamodb")
    assert refusal(client.get_item, TableName="tasks", Key=KEY)
    world.allow(allowed("dynamodb:GetItem", TABLE), allowed("dynamodb:GetItem", TABLE))
    client.get_item(TableName="tasks", Key=KEY)


def test_while_the_stack_is_made_calls_pass_and_the_recording_says_so(world):
    world.client("dynamodb").get_item(TableName="tasks", Key=KEY)
    assert world.recorded == [("GetItem", "not judged")]


def test_a_function_that_the_launcher_does_not_know_may_do_nothing(world):
    world.allow(allowed("*", "*"))
    world.path.write_text(world.path.read_text().replace('"worker"', '"another"'))
    code, _, _ = refusal(world.client("dynamodb").get_item, TableName="tasks", Key=KEY)
    assert code == "AccessDeniedException"
    assert world.sent == []


def test_a_role_that_the_function_assumed_has_permissions_of_its_own(world):
    world.allow()
    other = world.client("dynamodb", aws_access_key_id="other", aws_secret_access_key="test")
    other.get_item(TableName="tasks", Key=KEY)
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (TABLE, "!GetAtt TasksTable.Arn"),
        (f"{TABLE}/index/by_tenant", '!Sub "${TasksTable.Arn}/index/by_tenant"'),
        ("arn:aws:s3:::bucket/payloads/mbc/1", '!Sub "${PayloadBucket.Arn}/payloads/*"'),
        ("arn:aws:s3:::bucket/a", '!Sub "${PayloadBucket.Arn}/*"'),
        (f"arn:aws:sns:{HERE}:topic", "!Ref StatusTopic"),
        (
            f"arn:aws:states:{HERE}:execution:fan-out:1",
            '!Sub "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${FanOutStateMachine.Name}'
            ':*"',
        ),
        (f"arn:aws:sqs:{HERE}:foreign", f'"arn:aws:sqs:{HERE}:foreign"'),
        ("*", '"*"'),
        (None, '"*"'),
    ],
)
def test_the_line_names_what_the_template_names(resource, said):
    line = grant(Request("x:Do", resource), NAMES)
    assert line == f"- {{Effect: Allow, Action: x:Do, Resource: {said}}}"


def test_the_line_is_one_of_the_template():
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda loader, tag, node: {tag: loader.construct_scalar(node)})
    for resource in (TABLE, f"{TABLE}/index/x", "arn:aws:s3:::bucket/a", "*"):
        [statement] = yaml.load(grant(Request("x:Do", resource), NAMES), Loader=loader)
        assert statement["Action"] == "x:Do"
