"""Where the status of tasks is published: topics and the event bus."""
