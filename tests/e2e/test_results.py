"""All results of a fan-out, behind links, as a client gets them."""

import json

from tests.support.driver import follow, path_of


def lines(url):
    """The outcomes that a link leads to, by a plain GET, without a token."""
    return [json.loads(line) for line in str(follow(url)).splitlines()]


def test_of_few_the_one_link_is_where_the_answer_leads(tasks):
    """GIVEN ten sub-tasks, one of which fails; WHEN the results are asked for; THEN one object has them in order."""
    orders = [{"do": "echo", "value": index} for index in range(10)]
    orders[3] = {"do": "fail"}
    task = tasks.run_fan_out("once", orders)
    answer = tasks.call("GET", f"{path_of(task)}/results")
    assert answer.status == 303
    [link] = answer.body["items"]
    assert (answer.headers["location"], link["first"], link["count"]) == (link["url"], 0, 10)
    found = lines(answer.headers["location"])
    assert [line["index"] for line in found] == list(range(10))
    assert [line["status"] for line in found] == ["COMPLETED"] * 3 + ["FAILED"] + ["COMPLETED"] * 6
    assert found[4]["result"]["value"] == 4
    assert found[3]["error"]["type"]


def test_of_many_there_is_a_link_for_each_large_chunk(tasks):
    """GIVEN small and large results; WHEN all are asked for; THEN the links follow each other and miss nothing."""
    orders = [{"do": "return", "bytes": 5000 if 40 <= index < 60 else 10} for index in range(200)]
    task = tasks.run_fan_out("probe", orders)
    answer = tasks.call("GET", f"{path_of(task)}/results")
    assert answer.status == 200
    parts = [lines(link["url"]) for link in answer.body["items"]]
    assert [len(part) for part in parts] == [link["count"] for link in answer.body["items"]]
    assert [part[0]["index"] for part in parts] == [link["first"] for link in answer.body["items"]]
    found = [line for part in parts for line in part]
    assert [line["index"] for line in found] == list(range(200))
    assert [len(line["result"]) for line in found] == [order["bytes"] - 2 for order in orders]


def test_the_results_of_one_tenant_are_none_of_anothers_business(tasks):
    """GIVEN an ended fan-out of mbc; WHEN bob of acme asks for its results; THEN there is no such task."""
    task = tasks.run_fan_out("probe", [{"do": "echo"}])
    assert tasks.call("GET", f"{path_of(task)}/results", user="bob").status == 404
