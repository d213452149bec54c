"""Calls, units, dollars, time and memory of a task: measured, written to ``results.json``, shown in docs."""
