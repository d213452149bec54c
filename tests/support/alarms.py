"""Evaluates an alarm of the template as CloudWatch does, on series that a test makes up.

By "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" of the CloudWatch User Guide, and by
"Using metric math". A series is a list of data points, a period each, the newest last; None where there is none.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.template import Resolver

Points = Sequence[float | None]
Series = Mapping[str, Points]
"""The points of each metric that an alarm watches, by the metric's ``Id``; by ``metric`` where there is only one."""
OK, ALARM = "OK", "ALARM"
ONLY = "metric"
_BREACHES = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


class Alarm:
    """An alarm that treats missing data as breaching or as not breaching."""

    def __init__(self, properties: Mapping[str, Any], parameters: Mapping[str, str], extra: int) -> None:
        """``extra``: points that CloudWatch asks for beyond the evaluation periods. How many it does not say."""
        self._given = properties
        self._extra = extra
        self.periods = int(properties["EvaluationPeriods"])
        self.to_alarm = int(properties.get("DatapointsToAlarm", self.periods))
        self._threshold = float(Resolver({}, parameters, {})(properties["Threshold"]))
        queries = properties.get("Metrics", [])
        stats = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
        [self._expression] = [q["Expression"] for q in queries if "Expression" in q] or [ONLY]
        if isinstance(self._expression, dict):  # a query of Metrics Insights, which gives one series of its own
            self._expression = ONLY
        metrics = [stat["Metric"] for stat in stats.values()] or [properties]
        self.metrics = list(stats) or [ONLY]
        self.seconds = int(next(iter(stats.values()), properties).get("Period") or queries[0]["Period"])
        self._ignores = any(metric.get("Namespace") == "AWS/DynamoDB" for metric in metrics)

    def states(self, series: Series) -> list[str]:
        """The state at the end of each period of the series."""
        state, found = OK, []
        length = max(map(len, series.values()))
        for end in range(1, length + 1):
            first = max(0, end - self.periods - self._extra)
            state = self._state({name: points[first:end] for name, points in series.items()}, state)
            found.append(state)
        return found

    def _state(self, asked: Series, before: str) -> str:
        points = evaluated(self._expression, asked)
        there = [point for point in points if point is not None]
        missing = max(0, min(self.periods, self.periods - len(there)))
        if missing and self._ignores:  # metrics of DynamoDB: whatever TreatMissingData says
            return before
        breaching = [_BREACHES[self._given["ComparisonOperator"]](p, self._threshold) for p in there[-self.periods :]]
        breaching += [self._given["TreatMissingData"] == "breaching"] * missing
        return ALARM if sum(breaching) >= self.to_alarm else OK


def evaluated(expression: str, series: Series) -> list[float | None]:
    """A series by metric math: FILL, SUM, METRICS and names."""
    [only] = _evaluated(expression.replace(" ", ""), series)
    return only


def _evaluated(expression: str, series: Series) -> list[list[float | None]]:
    if expression == "METRICS()":
        return [list(points) for points in series.values()]
    if found := re.fullmatch(r"FILL\((.+),(\d+)\)", expression):
        filler = float(found[2])
        inner = _evaluated(found[1], series)
        return [[filler if point is None else point for point in points] for points in inner]
    if found := re.fullmatch(r"SUM\((.+)\)", expression):
        return [[_sum(points) for points in zip(*_evaluated(found[1], series), strict=True)]]
    return [list(series[expression])]


def _sum(points: Points) -> float | None:
    """What is missing counts as nothing; where all is missing there is no sum."""
    there = [point for point in points if point is not None]
    return sum(there) if there else None
