"""GET /tasks/{taskType}/{code}/chunks: where each chunk of a fan-out is."""

from tests.unit.api.client import BOB_OF_ACME, RITA_READER


def path(task):
    return f"/tasks/{task['type']}/{task['code']}/chunks"


def odd_ones_fail(value):
    if value % 2:
        raise ValueError("odd")
    return "r" * 300


def test_everybody_of_the_tenant_sees_where_each_chunk_is(api, fan_out):
    task = api.create_list("cat", [0, 2, 4, 5, 6])
    fan_out(task, odd_ones_fail, chunk_size=2)

    for user in (api, api.by(RITA_READER)):
        answer = user.get(path(task))
        assert (answer.status, answer.body.keys()) == (200, {"items"})
        for chunk in answer.body["items"]:
            assert chunk.pop("startedAt") <= chunk.pop("finishedAt")
        assert answer.body["items"] == [
            {"number": 0, "first": 0, "count": 2, "status": "COMPLETED", "attempt": 1, "succeeded": 2, "failed": 0},
            {"number": 1, "first": 2, "count": 2, "status": "FAILED", "attempt": 1, "succeeded": 1, "failed": 1},
            {"number": 2, "first": 4, "count": 1, "status": "COMPLETED", "attempt": 1, "succeeded": 1, "failed": 0},
        ]


def test_pages_follow_each_other(api, fan_out):
    task = api.create_list("cat", [0] * 5)
    fan_out(task, odd_ones_fail, chunk_size=1)
    first = api.get(path(task), limit=3).body
    second = api.get(path(task), limit=3, cursor=first["cursor"]).body
    assert [chunk["number"] for chunk in first["items"] + second["items"]] == [0, 1, 2, 3, 4]
    assert "cursor" not in second


def test_before_the_cut_and_of_a_single_task_there_are_none(api):
    for task in (api.create_list("cat", [1]), api.create("cat", 1)):
        assert api.get(path(task)).body == {"items": []}


def test_of_another_tenant_there_is_nothing_to_see(api, fan_out):
    task = api.create_list("cat", [0])
    fan_out(task, odd_ones_fail)
    assert api.by(BOB_OF_ACME).get(path(task)).status == 404
