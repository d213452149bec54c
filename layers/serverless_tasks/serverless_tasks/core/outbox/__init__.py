"""Messages about tasks, and the ends that are undelivered yet."""
