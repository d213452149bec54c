"""Your task types, one file each. Every file here is imported when a worker starts."""
