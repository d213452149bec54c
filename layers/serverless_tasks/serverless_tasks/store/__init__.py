"""What takes several adapters: transitions, inputs, and chunks with their outcomes."""
