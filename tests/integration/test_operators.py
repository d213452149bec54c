"""What a clause means: to the table in memory, and to the expression that the real adapter sends."""

from typing import Any

import pytest
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.dynamodb.attribute_values import encode_item
from serverless_tasks.core.dynamodb.expressions import TEMPLATES, Clause, Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.testing.table import HOLDS, MemoryTable

from tests.support.clients import driver_client, worker_client
from tests.support.moto_stack import MotoStack

KEY = {"pk": "TASK#mbc", "sk": "cat#0"}
NOTHING = object()
FOUND: list[Any] = [NOTHING, "", "a", "b", "c", 0, 1, 2, 3, frozenset({1}), frozenset({2, 3}), True]
VALUES: dict[str, list[Any]] = {
    "equals": ["b", 1, True],
    "exists": [None],
    "absent": [None],
    "absent or at most": ["b", 2],
    "lacks": [1],
}


def test_every_operator_is_tried() -> None:
    assert set(VALUES) == set(TEMPLATES) == set(HOLDS)


@pytest.mark.parametrize("where", ["mark", "attributes.mark"])
@pytest.mark.parametrize("operator", VALUES)
def test_both_tables_agree(stack: MotoStack, operator: str, where: str) -> None:
    for found in FOUND:
        for value in VALUES[operator]:
            if _comparable(operator, found, value):
                clause = Clause(where, operator, value)
                assert _holds_in_memory(clause, found) == _holds_over_moto(clause, found), f"{found!r}: {clause}"


def test_an_item_that_is_not_there_has_no_attribute(stack: MotoStack) -> None:
    for clause, holds in [
        (Clause("a", "absent"), True),
        (Clause("a", "lacks", 1), True),
        (Clause("a", "exists"), False),
    ]:
        assert _written(MemoryTable(), clause) is holds
        assert _written(TaskTable(worker_client("dynamodb"), "tasks"), clause) is holds
        driver_client("dynamodb").delete_item(TableName="tasks", Key=encode_item(KEY))


def _comparable(operator: str, found: Any, value: Any) -> bool:
    """Whether our items could hold this: memory compares as Python does, so types that never meet are left out."""
    if found is NOTHING:
        return True
    if operator == "absent or at most":
        return type(found) is type(value)
    if operator == "lacks":
        return isinstance(found, frozenset)
    return type(found) is type(value) or operator != "equals"


def _item(clause: Clause, found: Any) -> dict[str, Any]:
    held = {} if found is NOTHING else {"mark": found}
    item = {**KEY, "kind": "TASK", "change": "data", "attributes": held}
    return {**item, **held} if "." not in clause.path else item


def _holds_in_memory(clause: Clause, found: Any) -> bool:
    table = MemoryTable()
    table.items[KEY["pk"], KEY["sk"]] = _item(clause, found)
    return _written(table, clause)


def _holds_over_moto(clause: Clause, found: Any) -> bool:
    driver_client("dynamodb").put_item(TableName="tasks", Item=encode_item(_item(clause, found)))
    return _written(TaskTable(worker_client("dynamodb"), "tasks"), clause)


def _written(table: Any, clause: Clause) -> bool:
    update = Update(KEY["pk"], KEY["sk"], set={"kind": "TASK", "change": "data"}, conditions=(clause,))
    try:
        table.update(update)
    except LostRace:
        return False
    return True
