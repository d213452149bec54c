"""A kind of work: its policy, the events its handlers get, and how they fail."""
