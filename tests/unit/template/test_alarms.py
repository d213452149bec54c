"""Each alarm of the template on made-up series: when it begins, when it ends, and what it takes for no trouble."""

import pytest

from tests.support.alarms import ALARM, OK, ONLY, Alarm, evaluated
from tests.support.resources import TEMPLATE

DEFAULTS = {name: str(given.get("Default", "")) for name, given in TEMPLATE["Parameters"].items()}
ALARMS = {
    name: given["Properties"]
    for name, given in TEMPLATE["Resources"].items()
    if given["Type"] == "AWS::CloudWatch::Alarm"
}
SILENT = "SweeperSilentAlarm"
LASTING = {"OldMessagesAlarm", "RelayBehindAlarm", "ThrottledFunctionsAlarm", "ThrottledTableAlarm"}
"""Alarms on what is no trouble unless it lasts."""
TROUBLES = sorted(set(ALARMS) - {SILENT})
BAD = 10_000_000.0
EXTRA = (1, 2, 5)
each_extra = pytest.mark.parametrize("extra", EXTRA)
each_trouble = pytest.mark.parametrize("name", TROUBLES)


def made(name, extra):
    return Alarm(ALARMS[name], DEFAULTS, extra)


def states(alarm, *points):
    """With one metric of those points; the others have no data at all, as where nothing is wrong."""
    first, *others = alarm.metrics
    return alarm.states({first: points, **{name: [None] * len(points) for name in others}})


def of_three(points, to_alarm, treated):
    given = {
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": to_alarm,
        "Threshold": 1,
        "Namespace": "AWS/Lambda",
        "Period": 300,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": treated,
    }
    values = {"0": 0.0, "X": 1.0, "-": None}
    return Alarm(given, {}, 2).states({ONLY: [values[point] for point in points]})[-1]


@pytest.mark.parametrize(
    ("points", "to_alarm", "breaching", "not_breaching"),
    [
        ("0-X-X", 3, OK, OK),
        ("0----", 3, OK, OK),
        ("-----", 3, ALARM, OK),
        ("0XX-X", 3, ALARM, ALARM),
        ("----X", 3, ALARM, OK),
        ("X----", 3, ALARM, OK),
        ("0-X-X", 2, ALARM, ALARM),
        ("00X0X", 2, ALARM, ALARM),
        ("0-X--", 2, ALARM, OK),
        ("----0", 2, ALARM, OK),
        ("----X", 2, ALARM, OK),
    ],
)
def test_the_evaluator_says_what_the_guide_says(points, to_alarm, breaching, not_breaching):
    """The tables of "Configuring how CloudWatch alarms treat missing data", where five points are asked for."""
    assert of_three(points, to_alarm, "breaching") == breaching
    assert of_three(points, to_alarm, "notBreaching") == not_breaching


def test_metric_math_counts_what_is_missing_as_nothing():
    series = {"a": [None, 1.0, None], "b": [None, 2.0, 3.0]}
    assert evaluated("SUM(METRICS())", series) == [None, 3.0, 3.0]
    assert evaluated("SUM(FILL(METRICS(), 0))", series) == [0.0, 3.0, 3.0]
    assert evaluated("FILL(a, 7)", series) == [7.0, 1.0, 7.0]


@each_extra
@each_trouble
def test_nothing_is_no_trouble(name, extra):
    alarm = made(name, extra)
    assert set(states(alarm, *[None] * 40)) == {OK}
    assert set(states(alarm, *[0.0] * 40)) == {OK}
    assert set(states(alarm, *[0.0, None, None, 0.0, None] * 8)) == {OK}


@each_extra
@each_trouble
def test_one_spike_is_trouble_unless_it_has_to_last(name, extra):
    """And it is over some periods later, whether there is data again or not."""
    alarm = made(name, extra)
    for nothing in (0.0, None):
        found = states(alarm, *[nothing] * 10, BAD, *[nothing] * 30)
        assert set(found[:10]) == {OK}
        assert (ALARM in found) is (name not in LASTING)
        assert set(found[10 + alarm.periods + extra :]) == {OK}


@each_extra
@each_trouble
def test_trouble_that_lasts_is_seen_as_soon_as_it_has_lasted_and_ends(name, extra):
    alarm = made(name, extra)
    for nothing in (0.0, None):
        found = states(alarm, *[nothing] * 10, *[BAD] * 12, *[nothing] * 30)
        assert found.index(ALARM) == 10 + alarm.to_alarm - 1
        assert set(found[found.index(ALARM) : 22]) == {ALARM}
        assert set(found[22 + alarm.periods + extra :]) == {OK}


@each_extra
@each_trouble
def test_data_that_comes_a_period_late_is_seen(name, extra):
    """The newest period has none yet, whenever the alarm is evaluated."""
    alarm = made(name, extra)
    lasting = [0.0] * 10 + [BAD] * alarm.to_alarm
    assert states(alarm, *lasting, None)[-1] == ALARM


@each_extra
@pytest.mark.parametrize("name", ["ThrottledFunctionsAlarm", "ThrottledTableAlarm"])
def test_spikes_now_and_then_have_not_lasted(name, extra):
    """Where there is data in trouble alone, CloudWatch would take the last three of it for three in a row."""
    found = states(made(name, extra), *[BAD, None] * 20)
    assert set(found) == {OK}


@pytest.mark.parametrize("name", ["FunctionErrorsAlarm", "ThrottledFunctionsAlarm", "ThrottledTableAlarm"])
def test_troubles_of_several_are_one(name):
    """Not only those of the first: the metrics take turns."""
    alarm = made(name, 2)
    turns = {m: [BAD if k % len(alarm.metrics) == i else None for k in range(20)] for i, m in enumerate(alarm.metrics)}
    assert set(alarm.states(turns)[alarm.periods :]) == {ALARM}


@each_extra
def test_a_silent_sweeper_is_noticed_after_two_hours_and_not_before(extra):
    alarm = made(SILENT, extra)
    assert alarm.periods * alarm.seconds == 7200
    found = states(alarm, *[1.0] * 30, *[None] * 60, 1.0, 1.0)
    assert found.index(ALARM, 30) == 30 + alarm.periods - 1
    assert found[-2:] == [OK, OK]


@each_extra
@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_a_sweeper_that_runs_is_not_silent_however_seldom(extra, minutes):
    """``SweeperMinutes`` is at most 60; a run may be counted in the period after."""
    alarm = made(SILENT, extra)
    between = max(1, minutes * 60 // alarm.seconds)
    points = [1.0 if k % between == 0 else None for k in range(100)]
    assert set(states(alarm, *points)[alarm.periods :]) == {OK}
    late = [*points[:between], None, *points[between:]]
    assert set(states(alarm, *late)[alarm.periods :]) == {OK}
