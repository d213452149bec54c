"""A fork's code: found, given its input, run within its time."""
