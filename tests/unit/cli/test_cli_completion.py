"""What a shell offers after a tab: it asks as the command would, and is silent whatever happens."""

import pytest

from tests.support.fake_api import task

TYPES = {"items": [{"taskType": "cat", "description": "Feeds.\nMore."}, {"taskType": "dog"}], "complete": True}


@pytest.fixture
def offered(tasks):
    """What zsh would offer for this line."""

    def complete(line):
        done = tasks(_TASKS_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1))
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout.split()

    return complete


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("line", ["tasks create ", "tasks list --type ", "tasks fan-out x.csv --type "])
def test_task_types_come_from_the_deployment(api, offered, line):
    api.says("GET", "/task-types", TYPES)
    assert offered(line) == ["cat", "dog"]
    assert offered(f"{line}d") == ["dog"]


@pytest.mark.usefixtures("signed_in")
def test_a_deployment_that_lists_none_is_asked_for_its_tasks(api, offered):
    api.says("GET", "/tasks", {"items": [task(), task(type="dog"), task()]})
    assert offered("tasks create ") == ["cat", "dog"]


@pytest.mark.usefixtures("signed_in")
def test_the_newest_tasks_are_offered(api, offered):
    api.says("GET", "/tasks", {"items": [task(), task(type="dog")]})
    assert offered("tasks show d") == ["dog/01KAFSV4XG4DXWKE1B8G6F0J2T"]


@pytest.mark.usefixtures("signed_in")
def test_profiles_statuses_and_kinds(offered):
    assert offered("tasks list --profile ") == ["default"]
    assert offered("tasks list --status CO") == ["COMPLETED"]
    assert offered("tasks list --kind ") == ["TASK", "SFN_TASK"]


@pytest.mark.parametrize("answer", [(401, {}), (200, []), (200, b"<html>"), (200, {"items": [1]}), RuntimeError("x")])
@pytest.mark.usefixtures("signed_in")
def test_nothing_is_offered_where_something_is_wrong(api, offered, answer):
    api.says("GET", "/task-types", answer)
    assert offered("tasks create ") == []


def test_nothing_is_offered_without_a_session(offered):
    assert offered("tasks create ") == []
