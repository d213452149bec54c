"""Commands for maintainers of the repository."""
