"""What a task uses of AWS, and what that costs."""
