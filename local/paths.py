"""Where things are, seen from the root of the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template.yaml"
SAM_CONFIG = ROOT / "samconfig.toml"
BUILD = ROOT / ".aws-sam" / "build"
STATE = ROOT / ".local"

SOURCES = ("template.yaml", "samconfig.toml", "functions", "layers", "statemachine")
"""What a change of makes a new deployment necessary."""
