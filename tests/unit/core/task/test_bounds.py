"""Bounds: in which windows a request counts, what is written for it, and what is said when one is full."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from serverless_tasks.core.errors import BoundReached
from serverless_tasks.core.task.bounds import TASKS, UPLOADS, windows

NOW = datetime(2026, 11, 22, 9, 39, 36, 123000, tzinfo=UTC)
BOTH = {"user": 2, "tenant": 5}


def of(bounded=TASKS, limits=BOTH, user="alice", now=NOW):
    return list(windows(bounded, limits, "mbc", user, now))


def test_a_user_is_counted_before_the_tenant():
    assert [(window.user, window.limit) for window in of()] == [("alice", 2), (None, 5)]


@pytest.mark.parametrize(
    ("limits", "user", "counted"),
    [
        ({"user": 0, "tenant": 0}, "alice", []),
        ({"user": 2, "tenant": 0}, "alice", ["alice"]),
        ({"user": 0, "tenant": 5}, "alice", [None]),
        (BOTH, None, [None]),
    ],
)
def test_what_has_no_bound_and_no_user_is_not_counted(limits, user, counted):
    assert [window.user for window in of(limits=limits, user=user)] == counted


def test_a_window_is_an_item_that_is_counted_up_to_the_limit_and_then_deleted():
    user, tenant = of()
    update = user.count("token")
    begin, name = (
        "2026-11-22T09:39:00.000Z",
        "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90",
    )  # alice
    assert (update.pk, update.sk) == ("BOUND#mbc", f"TASKS#{begin}#{name}")
    assert tenant.count("token").sk == f"TASKS#{begin}"
    assert [str(clause) for clause in update.conditions] == ["used absent or at most 1"]
    assert update.count == {"used": 1}
    end = int(datetime(2026, 11, 22, 9, 40, tzinfo=UTC).timestamp())
    assert update.set == {"kind": "BOUND", "change": "data", "token": "token", "expiresAt": end + 60}


@pytest.mark.parametrize(
    ("bounded", "now", "begin", "seconds"),
    [
        (TASKS, NOW, "2026-11-22T09:39:00.000Z", 24),
        (TASKS, NOW.replace(second=59, microsecond=999_999), "2026-11-22T09:39:00.000Z", 1),
        (TASKS, NOW.replace(second=0, microsecond=0), "2026-11-22T09:39:00.000Z", 60),
        (UPLOADS, NOW, "2026-11-22T09:00:00.000Z", 1224),
    ],
)
def test_windows_turn_with_the_clock(bounded, now, begin, seconds):
    window = of(bounded, now=now)[1]
    assert window.count("").sk == f"{bounded.name}#{begin}"
    assert window.full(now).retry_after == seconds


def test_a_clock_that_is_behind_is_never_told_to_come_back_at_once():
    window = of()[0]
    assert window.full(window.end).retry_after == 1


@pytest.mark.parametrize("user", ["", "a#b", "\ud800", "猫" * 2000])
def test_any_text_may_name_a_user(user):
    window = of(user=user)[0]
    assert len(window.count("").sk) == len("TASKS#2026-11-22T09:39:00.000Z#") + 64
    assert replace(window, user="other").count("").sk != window.count("").sk


@pytest.mark.parametrize(
    ("bounded", "place", "bound", "message"),
    [
        (
            TASKS,
            0,
            "UserTasksPerMinute",
            "one user may create or retry 2 tasks within a minute (UserTasksPerMinute), and you have done so; "
            "try again in 24 s",
        ),
        (
            UPLOADS,
            1,
            "TenantUploadsPerHour",
            "one tenant may ask for 5 uploads within an hour (TenantUploadsPerHour), and your tenant has done so; "
            "try again in 1224 s",
        ),
    ],
)
def test_the_error_names_whose_bound_it_is_the_limit_the_window_and_what_to_do(bounded, place, bound, message):
    error = of(bounded)[place].full(NOW)
    assert isinstance(error, BoundReached)
    assert (str(error), error.bound, error.tenant_code) == (message, bound, "mbc")
