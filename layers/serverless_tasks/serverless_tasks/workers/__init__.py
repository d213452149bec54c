"""The work of the functions, one module each: the core's rules applied through the adapters."""
