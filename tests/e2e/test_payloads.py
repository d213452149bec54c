"""Inputs and results of every size: in the item up to 4 KB, in the answer up to 256 KB, behind a link above."""

import json

import pytest

from tests.support.driver import follow

SIZES = [5, 3_900, 4_100, 300_000, 1_100_000]
"""Bytes of JSON text."""
INLINE = 262_144


def text(size):
    """A value whose JSON text has so many bytes."""
    return "x" * (size - 2)


def value_of(view, name):
    """An input or result, wherever it is; a link is followed by a plain GET, without a token."""
    assert (name in view) != (f"{name}Url" in view)
    return view[name] if name in view else follow(view[f"{name}Url"])


@pytest.mark.parametrize("size", SIZES)
def test_a_single_task(tasks, size):
    """GIVEN an input of a size; WHEN its task returns a result of that size; THEN both come back whole."""
    order = {"do": "return", "bytes": size, "padding": ""}
    order["padding"] = "y" * max(0, size - len(json.dumps(order, separators=(",", ":"))))
    task = tasks.run("probe", order)
    assert task["status"] == "COMPLETED"
    assert value_of(task, "input") == order
    assert value_of(task["attributes"], "result") == text(size)
    assert ("inputUrl" in task) == ("resultUrl" in task["attributes"]) == (size > INLINE)
    item = tasks.item(task)
    assert ("inputRef" in item) == (size > 4096)
    assert ("resultRef" in item["attributes"]) == (size > 4096)


def test_sub_tasks(tasks):
    """GIVEN a list with elements of all sizes; WHEN each returns as much; THEN inputs and results come back whole."""
    orders = [{"do": "return", "bytes": size, "padding": "y" * max(0, size - 44)} for size in SIZES]
    task = tasks.run_fan_out("probe", orders)
    assert task["status"] == "COMPLETED"
    # A list is in the bucket as JSON Lines, so what the link leads to is no JSON but lines of it.
    assert [json.loads(line) for line in follow(task["inputUrl"]).splitlines()] == orders
    sub_tasks = tasks.sub_tasks(task)
    for sub_task, order, size in zip(sub_tasks, orders, SIZES, strict=True):
        assert value_of(sub_task["attributes"], "result") == text(size)
        assert ("resultUrl" in sub_task["attributes"]) == (size > INLINE)
        if "inputUrl" in sub_task:
            assert size > INLINE
            lines = follow(sub_task["inputUrl"]).splitlines()
            assert json.loads(lines[sub_task["index"]]) == order
        else:
            assert sub_task["input"] == order


@pytest.mark.parametrize("size", SIZES)
def test_a_list_whose_elements_are_small(tasks, size):
    """GIVEN many small elements, in sum of a size; WHEN they are worked off; THEN each chunk had its own part."""
    count = max(1, min(1000, size // 100))
    filler = "z" * max(0, size // count - 30)
    orders = [{"do": "echo", "value": [index, filler]} for index in range(count)]
    task = tasks.run_fan_out("probe", orders)
    assert task["attributes"]["subTaskSucceedCount"] == count
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["attributes"]["result"]["value"] for sub_task in sub_tasks] == [order["value"] for order in orders]
    assert [sub_task["input"] for sub_task in sub_tasks] == orders
