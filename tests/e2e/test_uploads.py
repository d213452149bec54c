"""Inputs that do not pass through the API: uploaded by a link, worked off line by line."""

import json

from tests.support.driver import counters_of, follow, put

INLINE = 262_144


def orders(count, padding=""):
    return [{"do": "echo", "value": number, "padding": padding} for number in range(count)]


def json_lines(elements):
    return b"".join(json.dumps(element).encode() + b"\r\n\n" for element in elements)


def test_json_lines(tasks):
    """GIVEN lines of either end, with blank ones between; WHEN they are worked off; THEN each was, in its place."""
    elements = orders(7)
    task = tasks.wait(tasks.fan_out_of("probe", tasks.upload(json_lines(elements).rstrip())))
    assert task["status"] == "COMPLETED"
    assert task["input"] == elements
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["input"] for sub_task in sub_tasks] == elements
    assert [sub_task["attributes"]["result"]["value"] for sub_task in sub_tasks] == list(range(7))


def test_csv(tasks):
    """GIVEN a CSV with quotes and a newline in them; WHEN it is worked off; THEN every record is an object."""
    content = b'\xef\xbb\xbfdo,value\r\necho,1\r\necho,"a ""b""\nc"\r\n"echo",'
    task = tasks.wait(tasks.fan_out_of("probe", tasks.upload(content, "csv")))
    assert task["status"] == "COMPLETED"
    values = ["1", 'a "b"\nc', ""]
    assert task["input"] == [{"do": "echo", "value": value} for value in values]
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["attributes"]["result"]["value"] for sub_task in sub_tasks] == values


def test_more_than_a_request_may_have(tasks):
    """GIVEN 12 MB, which are read in two parts; WHEN they are worked off; THEN each chunk had its own lines."""
    elements = orders(1200, "x" * 10_000)
    content = json_lines(elements)
    task = tasks.wait(tasks.fan_out_of("probe", tasks.upload(content)))
    assert counters_of(task) == (1200, 1200, 0, 0)
    assert follow(task["inputUrl"]) == content.decode()
    found = [sub_task["attributes"]["result"]["value"] for sub_task in tasks.sub_tasks(task)]
    assert found == list(range(1200))


def test_the_fan_in_has_all_of_it(tasks):
    """GIVEN a type with a fan-in; WHEN an upload is worked off; THEN it gets inputs and outcomes."""
    task = tasks.wait(tasks.fan_out_of("tolerant", tasks.upload(json_lines(orders(5)))))
    assert task["attributes"]["result"]["inputs"] == 5
    assert len(task["attributes"]["result"]["outcomes"]) == 5


def test_a_broken_line(tasks):
    """GIVEN a line that is no JSON; WHEN the task is planned; THEN it ends FAILED, names the line, and ran nothing."""
    task = tasks.wait(tasks.fan_out_of("probe", tasks.upload(b'{"do": "echo"}\n\n{"do": }\n')))
    assert task["status"] == "FAILED"
    error = task["attributes"]["error"]
    assert error == {"type": "InvalidInput", "message": "inputRef: line 3: is not JSON: Expecting value at character 8"}
    assert tasks.sub_tasks(task) == []


def test_a_link_takes_one_object_once(tasks):
    """GIVEN an upload; WHEN another is put by the same link; THEN it is refused, and the first one is the input."""
    upload = tasks.upload(b"1\n2\n")
    assert put(upload, b"3\n").status == 412
    assert tasks.fan_out_of("probe", upload)["input"] == [1, 2]


def test_only_ones_own_upload_that_is_there_is_taken(tasks):
    """GIVEN uploads of another tenant, and one that nobody put; THEN they are refused alike."""
    foreign = tasks.upload(b"1\n", user="bob")
    missing = tasks.call("POST", "/uploads").body
    answers = [
        tasks.call("POST", "/tasks/step-function-task", {"taskType": "probe", "inputRef": upload["inputRef"]})
        for upload in (foreign, missing)
    ]
    assert [answer.status for answer in answers] == [400, 400]
    assert answers[0].body == answers[1].body
    assert tasks.fan_out_of("probe", foreign, user="bob")["tenantCode"] == "acme"
