"""`python -m tasks_cli` is `tasks`."""

from tasks_cli.main import main

main()
