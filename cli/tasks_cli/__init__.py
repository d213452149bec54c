"""`tasks`: the tasks of a stack from a terminal. It talks to the HTTP API and imports nothing of the stack itself."""
