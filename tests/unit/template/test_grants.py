"""What the roles grant: named resources, reviewed exceptions, and the tables of docs/security.md."""

import re

import pytest

from tests.support.grant_tables import parts, tables
from tests.support.grants import Grant, Need, grants
from tests.support.resources import ROOT, properties
from tests.support.reviewed import reviewed

ENTRIES = [*reviewed("service"), *reviewed("error")]


def test_the_page_has_the_tables():
    _, inside, _ = parts()
    assert inside.strip() == tables().strip(), "run: python -m tests.support.grant_tables"


@pytest.mark.parametrize("role", grants())
def test_a_grant_of_everything_is_reviewed(role):
    wide = [grant for grant in grants()[role] if "*" in grant.action or grant.resource == "*"]
    assert all(any(entry.names(role, grant) for entry in reviewed("service")) for grant in wide), wide


def test_there_are_at_most_ten_reasons():
    assert len(ENTRIES) <= 10


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.actions[0]} of {entry.roles[0]}")
def test_a_reviewed_grant_is_there_and_so_is_its_test(entry):
    for role in entry.roles:
        named = {grant.action for grant in grants()[role] if entry.names(role, grant)}
        assert named == set(entry.actions)
    assert len(entry.reason) > 20
    if entry in reviewed("error"):
        path, _, name = entry.test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ["FanOutStateMachine", "FastLaneStateMachine"])
def test_a_state_machine_may_do_what_its_definition_says(role):
    text = (ROOT / properties(role)["DefinitionUri"]).read_text(encoding="utf-8")
    called = {Grant("lambda:InvokeFunction", name) for name in re.findall(r"\$\{(\w+Function)Arn\}", text)}
    starts = "DISTRIBUTED" in text or "${StartExecutionArn}" in text
    children = {Grant("states:StartExecution", "FanOutStateMachine")} if starts else set()
    left = {grant for grant in grants()[role] if not any(entry.names(role, grant) for entry in reviewed("service"))}
    assert left == called | children


def test_a_stack_with_an_event_bus_may_put_events_there_and_nowhere_else():
    named = grants(EventBusName="tasks.of-ours")
    bus = Grant("events:PutEvents", "arn:aws:events:region:account:event-bus/tasks.of-ours")
    assert {role: named[role] - grants()[role] for role in named if named[role] != grants()[role]} == {
        "RelayFunction": {bus},
        "SweeperFunction": {bus},
    }
    assert not any(grant.action.startswith("events:") for granted in grants().values() for grant in granted)


def test_partitions_are_held_apart():
    inside = Grant("dynamodb:UpdateItem", "TasksTable", ("TASK#*",))
    outside = Grant("dynamodb:UpdateItem", "TasksTable", ("!SUB_TASK#*",))

    def need(key):
        return Need("dynamodb:UpdateItem", "TasksTable", (key,))

    assert inside.covers(need("TASK#mbc"))
    assert not inside.covers(need("SUB_TASK#mbc#0"))
    assert outside.covers(need("FOREIGN#1"))
    assert not outside.covers(need("SUB_TASK#mbc#0"))
