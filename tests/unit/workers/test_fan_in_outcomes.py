"""Outcomes, as a fan-in gets them: a list that is read when it is asked for."""

import pytest
from serverless_tasks import TaskType
from serverless_tasks.store.chunks import load_lines
from serverless_tasks.testing import call_finished
from serverless_tasks.workers import finisher as module


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: event.input)
    return cat


def test_outcomes_are_a_list_that_can_be_read_again(stack, cat):
    @cat.finished
    def finished(event, outcomes):
        indexes = [o.index for o in outcomes]
        assert [o.index for o in outcomes] == indexes == list(range(5))
        assert (len(outcomes), outcomes[0].index, outcomes[-1].index, outcomes[3].result) == (
            5,
            0,
            4,
            outcomes[3].result,
        )
        assert [o.index for o in outcomes[1:4]] == [1, 2, 3]
        assert [o.index for o in reversed(outcomes)] == indexes[::-1]
        assert repr(outcomes) == "<5 outcomes, read when asked for>"
        with pytest.raises(IndexError):
            outcomes[5]
        # What older handlers do with an iterator goes on as it was.
        assert (next(outcomes).index, [o.index for o in outcomes], next(outcomes, None)) == (0, [1, 2, 3, 4], None)
        return indexes

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [0, 1, 2, 3, 4]).key)
    assert (task.error, task.result) == (None, [0, 1, 2, 3, 4])


def test_an_index_reads_one_chunk_and_keeps_it(stack, cat, monkeypatch):
    read = []
    monkeypatch.setattr(
        module, "load_lines", lambda payloads, chunk: read.append(chunk.number) or load_lines(payloads, chunk)
    )
    cat.finished(lambda event, outcomes: [outcomes[n].index for n in range(len(outcomes))])

    stack.run(stack.service.create_step_function_task("mbc", "cat", [0, 1, 2, 3, 4]).key)
    assert read == [0, 1, 2]


def test_one_call_of_a_fan_in_gets_the_same_list(cat):
    cat.finished(lambda event, outcomes: [len(outcomes), outcomes[-1].result, [o.index for o in outcomes]])
    assert call_finished(cat, ["a", "b"], ["c", "d"]) == [2, "d", [0, 1]]
