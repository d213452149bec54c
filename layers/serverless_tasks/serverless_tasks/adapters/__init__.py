"""Adapters: the only code that talks to AWS, one module per service."""
