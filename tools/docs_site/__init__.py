"""What the site of the documentation needs beside mkdocs.yml."""
