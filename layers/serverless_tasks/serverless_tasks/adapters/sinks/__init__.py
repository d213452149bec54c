"""Where the status of tasks is published: a module for each sink, and the registry that names them."""
