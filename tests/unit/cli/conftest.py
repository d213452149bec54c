"""The command line against an API that is none, with a session."""

import pytest
from tasks_cli import local_stack, profiles, transport, watching
from tasks_cli.main import app
from tasks_cli.profiles import Profile
from typer.testing import CliRunner

from tests.support import fake_api
from tests.support.fake_api import FakeApi


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty directory to work in, where no local cloud is up; settings are kept below it."""
    monkeypatch.setenv(profiles.DIRECTORY_VARIABLE, str(tmp_path / "config"))
    for name in ("TASKS_PROFILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(local_stack, "CLONE", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def api(monkeypatch):
    """The API. Nothing that is sent goes anywhere else."""
    fake = FakeApi()
    monkeypatch.setattr(transport, "adapter", lambda retry: fake)
    return fake


@pytest.fixture
def signed_in():
    """The profile of a user who is signed in."""
    profile = Profile(api_url=fake_api.URL, id_token=fake_api.token(), username="alice")
    profiles.save("default", profile)
    return profile


@pytest.fixture
def tasks():
    """Run `tasks` with these arguments."""

    def run(*arguments, stdin=None, **env):
        return CliRunner(env=env).invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def slept(monkeypatch):
    """How long a watch slept each time, without sleeping."""
    times = []
    monkeypatch.setattr(watching, "sleep", times.append)
    return times
