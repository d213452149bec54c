"""Writes the API's description: ``python -m openapi_file ../../docs/openapi.json``, in this folder."""

import sys
from pathlib import Path

from app import app

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(app.get_openapi_json_schema() + "\n", encoding="utf-8")
