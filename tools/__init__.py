"""Commands for whoever runs a stack."""
