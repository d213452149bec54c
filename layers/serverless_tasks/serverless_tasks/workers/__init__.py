"""What the functions do, one module each: the core's rules applied through the adapters."""
