"""The pure core: what a task is and what may happen to it. No boto3, no clock, no environment."""
