"""What takes several adapters: inputs, outcomes and writes of chunks."""
