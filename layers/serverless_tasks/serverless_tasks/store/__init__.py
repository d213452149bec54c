"""Reads and writes that take several adapters: transitions, inputs, and chunks with their outcomes."""
