"""How messages and records are delivered (design, section 5, queue rules), as the template says it.

No other test would notice a change: the stack in memory plays these rules, and the local engine ignores some.
"""

from typing import Any

from tests.support.resources import properties

FOURTEEN_DAYS = 14 * 86_400


def event_source(function: str, name: str) -> dict[str, Any]:
    return properties(function)["Events"][name]["Properties"]


def test_a_message_lives_as_long_as_sqs_keeps_one_and_is_dead_lettered_by_no_count_of_receives():
    queue = properties("TaskQueue")
    assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 1000
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert properties("DeadLetterQueue")["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_the_queue_worker_gets_one_task_at_a_time_and_may_give_it_back():
    source = event_source("QueueFunction", "Messages")
    assert source["BatchSize"] == 1
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "QueueConcurrency"}}


def test_the_stream_is_read_from_its_first_record_and_no_record_holds_up_its_shard_for_ever():
    source = event_source("RelayFunction", "StatusChanges")
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BisectBatchOnFunctionError"] is True
    assert (source["MaximumRetryAttempts"], source["MaximumRecordAgeInSeconds"]) == (100, 3600)
    # S3 is the only kind of destination that keeps the whole record
    destination = {"Type": "S3", "Destination": {"Fn::GetAtt": ["PayloadBucket", "Arn"]}}
    assert source["DestinationConfig"]["OnFailure"] == destination


def test_the_stream_shows_both_images_and_the_table_forgets_what_has_expired():
    table = properties("TasksTable")
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
