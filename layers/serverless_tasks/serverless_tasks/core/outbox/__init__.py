"""What is said about tasks: messages, and what was not delivered yet."""
