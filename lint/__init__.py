"""What `make check` asks of the template beyond the linters' own rules."""
