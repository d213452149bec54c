"""Payloads and inputs: JSON text, lines, records, and where they begin."""
