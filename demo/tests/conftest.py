"""Unit tests, as those in tests/unit are."""

from tests.unit.conftest import no_network, own_task_types

__all__ = ["no_network", "own_task_types"]
