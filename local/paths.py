"""Paths in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template.yaml"
SAM_CONFIG = ROOT / "samconfig.toml"
BUILD = ROOT / ".aws-sam" / "build"
STATE = ROOT / ".local"

SOURCES = ("template.yaml", "samconfig.toml", "functions", "layers", "statemachine")
"""Sources of a deployment: their change calls for a new one."""
