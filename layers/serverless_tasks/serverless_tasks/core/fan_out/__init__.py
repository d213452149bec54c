"""A list as chunks of sub-tasks: how it is cut, run in rounds and summed up."""
