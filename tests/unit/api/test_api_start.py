"""What the API function has ready when it has started."""

import importlib
import sys

import pytest


@pytest.mark.parametrize(("kind", "ready"), [("snap-start", True), ("on-demand", False)])
def test_only_a_snapshot_has_the_tables_client(app, monkeypatch, kind, ready):
    """GIVEN how Lambda starts it; WHEN it has started; THEN the client is there if restored processes share it."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    monkeypatch.delitem(sys.modules, "app")
    started = importlib.import_module("app")
    assert ("table" in vars(started.cloud)) is ready
