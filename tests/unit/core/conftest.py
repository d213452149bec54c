"""Core tests: the same examples on every run, and no task type but a test's own."""

from hypothesis import settings

from tests.support.own_types import no_task_types

__all__ = ["no_task_types"]

settings.register_profile("same examples", max_examples=50, derandomize=True, deadline=None, database=None)
settings.load_profile("same examples")
