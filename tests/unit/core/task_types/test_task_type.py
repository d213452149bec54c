"""Task types: a policy that cannot work is refused where it is written, and every handler has its place once."""

import functools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task_types.failures import Backoff
from serverless_tasks.core.task_types.task_type import Policy, TaskType, find_task_type, forget_task_types, policy_of

from tests.support.examples import a_fan_out


def test_default_policy_is_the_documented_one():
    cat = TaskType("cat")
    assert (cat.name, cat.max_attempts, cat.timeout, cat.chunk_size, cat.tolerated_failures) == ("cat", 3, 900, None, 0)
    assert cat.concurrency == 1
    assert cat.backoff == Backoff(2.0, 2.0, 300.0)
    assert (cat.task_handler, cat.sub_task_handler, cat.finished_handler) == (None, None, None)
    assert repr(cat) == "TaskType('cat')"


@pytest.mark.parametrize(
    "policy",
    [
        {"max_attempts": 1},
        {"max_attempts": 1000},
        {"timeout": 1},
        {"timeout": 0.5 + 0.5},
        {"timeout": 14 * 86400},
        {"chunk_size": 1},
        {"chunk_size": 10_000},
        {"concurrency": 1},
        {"concurrency": 100},
        {"tolerated_failures": 7},
        {"tolerated_failures": "0%"},
        {"tolerated_failures": "100%"},
        {"tolerated_failures": "2.5%"},
        {"backoff": Backoff(base=1)},
    ],
)
def test_policy_at_its_limits_is_kept(policy):
    cat = TaskType("cat", **policy)
    assert {name: getattr(cat, name) for name in policy} == policy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("max_attempts", value) for value in (0, -1, 1001, 2.5, 3.0, True, "3", None, math.nan)),
        *(("timeout", value) for value in (0, 0.99, 14 * 86400 + 1, math.nan, math.inf, True, "60", None)),
        *(("chunk_size", value) for value in (0, -1, 10_001, 2.5, 2.0, True, "10")),
        *(("concurrency", value) for value in (0, -1, 101, 2.5, 2.0, True, "10", None)),
        *(("backoff", value) for value in (5, 0, 2.5, "2", False, {"base": 1}, Backoff)),
        *(
            ("tolerated_failures", value)
            for value in (-1, 1.5, True, None, "5", "5 %", "-1%", "%", "100.1%", "101%", "1000%", ".5%", "5.%", "5%\n")
        ),
    ],
)
def test_impossible_policy_is_refused_naming_the_field(field, value):
    with pytest.raises(InvalidInput) as caught:
        TaskType("cat", **{field: value})
    assert caught.value.field == field
    assert repr(value) in str(caught.value)
    assert find_task_type("cat") is None


@pytest.mark.parametrize("name", ["", "a#b", "x" * 65, None, 5])
def test_impossible_name_is_refused(name):
    with pytest.raises(InvalidInput) as caught:
        TaskType(name)
    assert caught.value.field == "name"


def test_name_is_taken_once():
    TaskType("cat")
    with pytest.raises(
        InvalidInput, match=r"'cat' is defined twice, in .*test_task_type\.py and in .*test_task_type\.py"
    ):
        TaskType("cat")


@pytest.mark.parametrize("kind", ["task", "sub_task", "finished"])
@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (lambda: None, "()"),
        (lambda event: None, "(event)"),
        (lambda event, context, more: None, "(event, context, more)"),
        (lambda *, event, context: None, "(*, event, context)"),
    ],
)
def test_a_handler_that_cannot_take_two_arguments_is_refused_at_once(kind, handler, said):
    with pytest.raises(InvalidInput) as caught:
        getattr(TaskType("cat"), kind)(handler)
    second = "outcomes" if kind == "finished" else "context"
    assert str(caught.value).startswith(f"{kind}: the handler ")
    assert str(caught.value).endswith(f"{said} must take (event, {second})")


@functools.wraps(lambda event: None)
def passes_on(*arguments):
    """A decorator's: what it wraps takes other arguments."""


class Handler:
    def method(self, event, context):
        """One of an object."""


@pytest.mark.parametrize(
    "handler",
    [
        lambda event, context: None,
        lambda event, context, more=1: None,
        lambda *arguments: None,
        passes_on,
        Handler().method,
        functools.partial(lambda first, event, context: None, 1),
        max,
    ],
)
def test_a_handler_that_can_take_two_arguments_is_taken(handler):
    assert TaskType("cat").task(handler) is handler


@pytest.mark.parametrize(
    ("tolerated", "count", "most"),
    [
        (0, 10, 0),
        (3, 10, 3),
        ("0%", 10, 0),
        ("50%", 3, 1),
        ("100%", 3, 3),
        ("5%", 20, 1),
        ("5%", 19, 0),
        ("2.5%", 40, 1),
        ("0.57%", 10_000, 57),
        ("0.29%", 10_000, 29),
        ("33.3%", 1000, 333),
        ("1%", 0, 0),
    ],
)
def test_exactly_so_many_failures_are_tolerated(tolerated, count, most):
    TaskType("cat", tolerated_failures=tolerated)
    assert Policy.of_code("cat").tolerates(most, count) is True
    assert Policy.of_code("cat").tolerates(most + 1, count) is False


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        (Policy(3), {}),
        (Policy(1, "5%"), {"toleratedFailures": "5%"}),
        (Policy(3, 0, True), {"fanIn": True}),
        (Policy(1000, 7, True), {"toleratedFailures": 7, "fanIn": True}),
    ],
)
def test_a_task_knows_what_it_began_with_in_few_bytes(policy, more):
    attempts = {"maxAttempts": policy.max_attempts}
    assert policy.to_item(TaskKind.TASK) == attempts
    assert policy.to_item(TaskKind.SFN_TASK) == attempts | more
    assert Policy.of(a_fan_out(policy=attempts | more)) == policy


@given(st.integers(0, 9999), st.integers(1, 10**6))
def test_percentage_is_exact(hundredths, count):
    forget_task_types()
    TaskType("cat", tolerated_failures=f"{hundredths // 100}.{hundredths % 100:02}%")
    most = hundredths * count // 10_000
    assert Policy.of_code("cat").tolerates(most, count) is True
    assert Policy.of_code("cat").tolerates(most + 1, count) is False


@pytest.mark.parametrize("kind", ["task", "sub_task", "finished"])
def test_handler_is_kept_in_its_place_and_returned_as_it_is(kind):
    cat = TaskType("cat")

    def feed(event, context):
        """Feed."""

    assert getattr(cat, kind)(feed) is feed
    for other in ("task", "sub_task", "finished"):
        assert getattr(cat, f"{other}_handler") is (feed if other == kind else None)


@pytest.mark.parametrize(("timeout", "accepted"), [(900, True), (900.5, False), (3600, False)])
def test_sub_tasks_end_within_one_invocation(timeout, accepted):
    cat = TaskType("cat", timeout=timeout)
    cat.task(max)
    if accepted:
        assert cat.sub_task(max) is max
        return
    with pytest.raises(InvalidInput, match=r"^timeout: must be a number from 1 to 900, not"):
        cat.sub_task(max)
    assert cat.sub_task_handler is None


@pytest.mark.parametrize("kind", ["task", "sub_task", "finished"])
@pytest.mark.parametrize(
    ("first", "said"), [(max, "max"), (functools.partial(max), r"functools\.partial\(<built-in function max>\)")]
)
def test_second_handler_is_refused_naming_the_first(kind, first, said):
    cat = TaskType("cat")
    getattr(cat, kind)(first)
    with pytest.raises(
        InvalidInput, match=rf"^{kind}: task type 'cat' already has a {kind} handler, {said}$"
    ) as caught:
        getattr(cat, kind)(print)
    assert caught.value.field == kind
    assert getattr(cat, f"{kind}_handler") is first


def test_task_type_is_found_by_its_name():
    cat = TaskType("cat")
    assert find_task_type("cat") is cat
    assert policy_of("cat") is cat
    assert find_task_type("dog") is None


def test_type_without_definition_has_the_default_policy_and_stays_unknown():
    assert policy_of("dog").name == "dog"
    assert policy_of("dog").max_attempts == 3
    assert find_task_type("dog") is None


def test_registry_can_be_emptied():
    TaskType("cat")
    forget_task_types()
    assert find_task_type("cat") is None
