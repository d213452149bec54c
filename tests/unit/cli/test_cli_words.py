"""What the command line says again, as it is installed without the layer, is what the layer says."""

from serverless_tasks import TaskKind, TaskStatus
from tasks_cli.options import Kind, Status
from tasks_cli.watching import ENDED


def test_kinds_and_statuses_are_those_of_the_layer():
    assert [kind.value for kind in Kind] == [kind.value for kind in TaskKind]
    assert [status.value for status in Status] == [status.value for status in TaskStatus]


def test_a_watch_ends_where_a_task_does():
    assert set(ENDED) == {status.value for status in TaskStatus if status.terminal}
