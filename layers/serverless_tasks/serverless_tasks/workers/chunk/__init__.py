"""One chunk's run."""
