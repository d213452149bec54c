"""State transitions of ``statemachine/fan_out.asl.json``, as Step Functions bills them.

One into each state and one out of the last, of the execution and of each child of a map. Each function counts those
that its own call stands for; retries of a state are not known to any.
"""

from __future__ import annotations

from serverless_tasks.core.usage.amounts import Usage

PLAN = Usage(state_transitions=2)
"""Plan, WhatNext."""
LOOK = Usage(state_transitions=3)
"""Of each further plan: RunChunks or Wait, then Plan, WhatNext."""
CHILD = Usage(state_transitions=2)
"""RunChunk, and out."""
FINISH = Usage(state_transitions=2)
"""Finish, and out."""
