"""The task: what it is, where it may go, what it is called."""
