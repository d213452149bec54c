"""The catalogue: everything that happens to tasks in a test that plays it on a whole stack."""

from tests.support.scenarios import fan_outs, losses, payloads, single_tasks
from tests.support.scenarios.catalogue import FLOWS, SCENARIOS, SWEPT, Scenario

__all__ = ["FLOWS", "SCENARIOS", "SWEPT", "Scenario", "fan_outs", "losses", "payloads", "single_tasks"]
