"""Our own rules for the template, beyond those of the linters."""
