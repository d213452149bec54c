# tests/unit/task_types/test_cat.py
"""The example of a task type. A test of your own looks like this one."""

from serverless_tasks.testing import call_sub_task, run_step_function_task, run_task
from task_types.cat import cat


def test_a_task_feeds_the_cat():
    ended = run_task(cat, {"key": "value1"})
    assert (ended.status, ended.result) == ("COMPLETED", {"fed": "value1"})


def test_each_sub_task_feeds_a_cat():
    ended = run_step_function_task(cat, [{"key": "value1"}, {"key": "value2"}])
    assert ended.status == "COMPLETED"
    assert [sub_task.result for sub_task in ended.sub_tasks] == [{"fed": "value1"}, {"fed": "value2"}]


def test_a_cat_without_a_key_fails_after_three_attempts():
    ended = run_step_function_task(cat, [{"key": "value1"}, {"kye": "value2"}])
    assert ended.status == "FAILED"
    assert ended.sub_tasks[1].error == {"type": "KeyError", "message": "'key'"}
    assert ended.sub_tasks[1].attempt == 3


def test_one_call():
    assert call_sub_task(cat, {"key": "value1"}, attempt=2) == {"fed": "value1"}
