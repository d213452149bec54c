"""Writes the API's description to the file that is named: `make openapi`."""

import sys
from pathlib import Path

from app import app

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(app.get_openapi_json_schema() + "\n", encoding="utf-8")
