"""Tests of the service over the stack in memory, each with task types of its own."""

from tests.support.own_types import no_task_types

__all__ = ["no_task_types"]
