"""For tests: the stack in memory. No AWS, no network, no clock but the test's own."""

from serverless_tasks.testing.cloud import MemoryCloud
from serverless_tasks.testing.stack import MemoryStack, VirtualClock, WorkerKilled

__all__ = ["MemoryCloud", "MemoryStack", "VirtualClock", "WorkerKilled"]
