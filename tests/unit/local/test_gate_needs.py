"""What calls ask IAM for, under AWS's own names for it."""

import pytest

from local.gate.needs import Place, listing, needs

PLACE = Place("000000000000", "us-east-1", {"tasks": "pk", "tasks/index/by_tenant": "tenantCode"})
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/tasks"
KEY = {"sk": {"S": "s"}, "pk": {"S": "TASK#a"}}
QUEUE = "http://127.0.0.1:4566/000000000000/work"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:fan-out"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:fan-out:1"


def asked(service, operation, **params):
    return [(each.action, each.resource, dict(each.context)) for each in needs(service, operation, params, PLACE)]


def in_partitions(action, *keys, resource=TABLE):
    return (f"dynamodb:{action}", resource, {"dynamodb:leadingkeys": keys})


@pytest.mark.parametrize("table", ["tasks", TABLE])
def test_an_item_is_asked_for_in_its_partition(table):
    assert asked("dynamodb", "GetItem", TableName=table, Key=KEY) == [in_partitions("GetItem", "TASK#a")]
    assert asked("dynamodb", "PutItem", TableName=table, Item=KEY) == [in_partitions("PutItem", "TASK#a")]
    assert asked("dynamodb", "PutItem", TableName="foreign", Item=KEY)[0][2] == {"dynamodb:leadingkeys": ("s",)}


@pytest.mark.parametrize(
    ("condition", "names"),
    [("pk = :p AND sk >= :s", {}), ("sk >= :s AND #p=:p", {"#p": "pk"}), ("(pk = :p) AND sk = :s", {})],
)
def test_a_query_is_asked_for_in_its_partition(condition, names):
    values = {":p": {"S": "TASK#a"}, ":s": {"S": "s"}}
    query = {"TableName": "tasks", "KeyConditionExpression": condition, "ExpressionAttributeValues": values}
    assert asked("dynamodb", "Query", **query, ExpressionAttributeNames=names) == [in_partitions("Query", "TASK#a")]


def test_a_query_of_an_index_is_asked_for_under_the_index_and_its_own_key():
    query = {"TableName": "tasks", "IndexName": "by_tenant", "KeyConditionExpression": "tenantCode = :t"}
    found = asked("dynamodb", "Query", **query, ExpressionAttributeValues={":t": {"S": "mbc"}})
    assert found == [in_partitions("Query", "mbc", resource=f"{TABLE}/index/by_tenant")]


def test_a_scan_names_no_partition():
    assert asked("dynamodb", "Scan", TableName="tasks") == [("dynamodb:Scan", TABLE, {})]


def test_a_batch_names_all_its_partitions():
    keys = [KEY, {**KEY, "pk": {"S": "SUB_TASK#b"}}, KEY]
    found = asked("dynamodb", "BatchGetItem", RequestItems={"tasks": {"Keys": keys}})
    assert found == [in_partitions("BatchGetItem", "SUB_TASK#b", "TASK#a")]
    writes = [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": keys[1]}}]
    found = asked("dynamodb", "BatchWriteItem", RequestItems={"tasks": writes})
    assert found == [in_partitions("BatchWriteItem", "SUB_TASK#b", "TASK#a")]


def test_a_transaction_asks_for_each_of_its_items():
    given = {"TableName": "tasks", "Key": KEY}
    items = [{"Update": given}, {"ConditionCheck": given}, {"Delete": given}, {"Put": {**given, "Item": KEY}}]
    found = asked("dynamodb", "TransactWriteItems", TransactItems=items)
    names = ("UpdateItem", "ConditionCheckItem", "DeleteItem", "PutItem")
    assert found == [in_partitions(name, "TASK#a") for name in names]
    assert asked("dynamodb", "TransactGetItems", TransactItems=[{"Get": given}]) == [in_partitions("GetItem", "TASK#a")]


def test_partiql_has_actions_of_its_own():
    found = asked("dynamodb", "ExecuteStatement", Statement="SELECT * FROM \"tasks\" WHERE pk = 'a'")
    assert found == [("dynamodb:PartiQLSelect", TABLE, {})]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("HeadObject", {"Key": "a"}, [("s3:GetObject", "b/a")]),
        ("GetObject", {"Key": "a", "VersionId": "1"}, [("s3:GetObjectVersion", "b/a")]),
        ("HeadBucket", {}, [("s3:ListBucket", "b")]),
        ("UploadPart", {"Key": "a"}, [("s3:PutObject", "b/a")]),
        ("AbortMultipartUpload", {"Key": "a"}, [("s3:AbortMultipartUpload", "b/a")]),
        ("CopyObject", {"Key": "a", "CopySource": "c/d"}, [("s3:PutObject", "b/a"), ("s3:GetObject", "c/d")]),
        (
            "CopyObject",
            {"Key": "a", "CopySource": {"Bucket": "c", "Key": "d"}},
            [("s3:PutObject", "b/a"), ("s3:GetObject", "c/d")],
        ),
        ("PutObject", {"Key": "a", "Tagging": "x=y"}, [("s3:PutObject", "b/a"), ("s3:PutObjectTagging", "b/a")]),
        (
            "DeleteObjects",
            {"Delete": {"Objects": [{"Key": "a"}, {"Key": "d", "VersionId": "1"}]}},
            [("s3:DeleteObject", "b/a"), ("s3:DeleteObjectVersion", "b/d")],
        ),
        ("GetObjectAttributes", {"Key": "a"}, [("s3:GetObjectAttributes", "b/a"), ("s3:GetObject", "b/a")]),
    ],
)
def test_s3_calls_are_permitted_under_other_names(operation, params, expected):
    found = [(action, resource) for action, resource, _ in asked("s3", operation, Bucket="b", **params)]
    assert found == [(action, f"arn:aws:s3:::{path}") for action, path in expected]


def test_a_listing_says_of_what():
    prefix = {"s3:prefix": ("payloads/",)}
    assert asked("s3", "ListObjectsV2", Bucket="b", Prefix="payloads/") == [("s3:ListBucket", "arn:aws:s3:::b", prefix)]
    assert dict(listing({"Bucket": "b", "Key": "payloads/a"}).context) == {"s3:prefix": ("payloads/a",)}


@pytest.mark.parametrize(
    ("service", "operation", "params", "action", "resource"),
    [
        ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:work"),
        ("sqs", "ListQueues", {}, "sqs:ListQueues", "*"),
        ("sns", "PublishBatch", {"TopicArn": "arn:aws:sns:r:a:t"}, "sns:Publish", "arn:aws:sns:r:a:t"),
        ("sns", "Publish", {"PhoneNumber": "+1"}, "sns:Publish", "*"),
        ("states", "StartExecution", {"stateMachineArn": MACHINE}, "states:StartExecution", MACHINE),
        ("states", "StopExecution", {"executionArn": EXECUTION}, "states:StopExecution", EXECUTION),
        ("s3", "ListBuckets", {}, "s3:ListAllMyBuckets", "*"),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f"},
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
        ),
        (
            "ssm",
            "GetParameter",
            {"Name": "/a/b"},
            "ssm:GetParameter",
            "arn:aws:ssm:us-east-1:000000000000:parameter/a/b",
        ),
        ("kms", "Decrypt", {"KeyId": "1"}, "kms:Decrypt", "arn:aws:kms:us-east-1:000000000000:key/1"),
        ("kms", "Decrypt", {"KeyId": "alias/a"}, "kms:Decrypt", None),
        ("secretsmanager", "GetSecretValue", {"SecretId": "name"}, "secretsmanager:GetSecretValue", None),
        ("monitoring", "PutMetricData", {}, "cloudwatch:PutMetricData", None),
        ("translate", "TranslateText", {}, "translate:TranslateText", None),
    ],
)
def test_other_services(service, operation, params, action, resource):
    assert asked(service, operation, **params) == [(action, resource, {})]


def test_events_are_asked_for_by_their_buses():
    entries = [{"EventBusName": "b"}, {}, {"EventBusName": "b"}]
    here = "arn:aws:events:us-east-1:000000000000:event-bus"
    found = asked("events", "PutEvents", Entries=entries)
    assert [resource for _, resource, _ in found] == [f"{here}/b", f"{here}/default"]
