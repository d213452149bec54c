"""The way of the module this follows: event classes of a fork's own, ``event_handler`` and the two factories."""
