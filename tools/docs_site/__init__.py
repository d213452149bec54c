"""Hooks and theme of the documentation's site, beside mkdocs.yml."""
