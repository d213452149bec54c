"""Task types of the benchmarks. The local cloud gets the files; here they are imported."""

from benchmarks.task_types import tiny

__all__ = ["tiny"]
