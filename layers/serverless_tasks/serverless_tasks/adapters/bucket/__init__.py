"""What is done with objects of the bucket besides writing and reading payloads."""
