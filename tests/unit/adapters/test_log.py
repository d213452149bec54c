"""The log: JSON by the line, with what helps and no more, as CloudWatch takes it in by the byte."""

import json
from datetime import datetime

import pytest
from serverless_tasks.adapters.log import logger

OF_LAMBDA = {
    "cold_start": False,
    "function_name": "QueueFunction",
    "function_memory_size": 512,
    "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:QueueFunction",
    "function_request_id": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
}


@pytest.fixture(autouse=True)
def invoked(monkeypatch):
    """As ``inject_lambda_context`` leaves the logger."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
    logger.append_keys(**OF_LAMBDA)
    yield
    logger.remove_keys(list(OF_LAMBDA))


def test_a_line_has_these_keys_and_no_others(lines):
    logger.info("task is %s", "COMPLETED", extra={"taskId": "TASK#mbc#cat#1"})

    [line] = lines()
    time = datetime.fromisoformat(line.pop("timestamp"))
    assert time.utcoffset().total_seconds() == 0
    assert line == {
        "level": "INFO",
        "message": "task is COMPLETED",
        "function_request_id": OF_LAMBDA["function_request_id"],
        "taskId": "TASK#mbc#cat#1",
    }


def test_a_time_is_one_of_rfc_3339_without_which_lambda_takes_every_line_for_info(lines):
    logger.warning("look")

    [line] = lines()
    assert (line["timestamp"][10], line["timestamp"][-6:]) == ("T", "+00:00")


def test_an_error_has_its_stack_trace_once(lines):
    try:
        json.loads("no json")
    except ValueError:
        logger.exception("it failed")

    [line] = lines()
    assert line["exception_name"] == "JSONDecodeError"
    assert "Traceback" in line["exception"]
    assert "stack_trace" not in line


def test_a_line_says_of_a_cold_start_and_of_no_other(lines):
    logger.append_keys(cold_start=True)
    logger.info("first")

    [line] = lines()
    assert line["cold_start"] is True
