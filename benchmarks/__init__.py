"""What a task costs in calls, units, dollars, time and memory: measured, written to ``results.json``, shown in docs."""
