"""A transition as a whole, for tests to say only what is particular to it."""

from serverless_tasks.core.dynamodb.expressions import absent_or_at_most, equals

from tests.support.examples import AT

ENDED = ("leaseUntil", "nextAttemptAt", "policy")
"""What every end removes."""
CLOSED = ("attention", "dueAt")
"""What every end but FAILED removes besides."""
DAYS = 30
EXPIRES = 1_797_932_376
"""2026-12-22T09:39:36Z, so many days from now on."""


def expect(task, update, status, *, sets=None, removes=(), worker=False, unless_held=False, attempt=None, **entry):
    """The update is this transition and nothing else: it expects the status and version that the caller read."""
    recorded = {"status": status, "at": AT, "attempt": task.attempt if attempt is None else attempt, **entry}
    conditions = (equals("status", task.status), equals("version", task.version))
    by = {"updatedBy": entry["by"]} if "by" in entry else {}
    expected = {
        "status": status,
        "version": task.version + 1,
        "history": [*task.history, recorded],
        "change": "status",
        "updatedAt": AT,
        **by,
        **(sets or {}),
    }
    assert (update.pk, update.sk) == (task.pk, task.sk)
    assert update.set == expected
    assert sorted(update.remove) == sorted(removes)
    mine = (equals("attempt", task.attempt),) if worker else ()
    free = (absent_or_at_most("leaseUntil", AT),) if unless_held else ()
    assert update.conditions == (*conditions, *mine, *free)
    assert (update.set_once, update.increment, update.count, update.add_to_set) == ({}, {}, {}, {})
