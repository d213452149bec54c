"""Finds a Chromium, or Chrome, and the chromedriver of its version. Run as a program, it prints both.

Nothing is downloaded. Only the standard library is needed: `.ci/run` asks before there is a virtual environment.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import product

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DRIVERS = ("chromedriver", "/usr/lib/chromium-browser/chromedriver")
HOW = (
    "Debian has both as `chromium` and `chromium-driver`, Homebrew as `google-chrome` and `chromedriver`; "
    "CHROMIUM and CHROMEDRIVER name others"
)
SECONDS = 20
"""To say a version."""


class NoBrowser(Exception):
    """There is none, or none with a driver of its version. The text says what to do."""


@dataclass(frozen=True)
class Found:
    """Paths of two programs that go together."""

    browser: str
    driver: str


def find() -> Found:
    """The first browser that has a driver of its own major version. Raises :class:`NoBrowser`."""
    browsers = _that_run("CHROMIUM", BROWSERS)
    drivers = _that_run("CHROMEDRIVER", DRIVERS)
    for what, found in (("no Chromium and no Chrome", browsers), ("no chromedriver", drivers)):
        if not found:
            raise NoBrowser(f"{what} that runs. {HOW}")
    for browser, driver in product(browsers, drivers):
        if browsers[browser] == drivers[driver]:
            return Found(browser, driver)
    said = ", ".join(f"{path} is {version}" for path, version in (browsers | drivers).items())
    raise NoBrowser(f"no browser and chromedriver of one version: {said}. {HOW}")


def _that_run(variable: str, names: tuple[str, ...]) -> dict[str, str]:
    """Major versions of those that are there and run, by path; where the variable names one, of this one only."""
    wanted = (os.environ[variable],) if os.environ.get(variable) else names
    paths = [path for name in wanted if (path := shutil.which(name))]
    return {path: version for path in paths if (version := _major_version(path))}


def _major_version(path: str) -> str | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)\.\d+", said)
    return version[1] if version else None


if __name__ == "__main__":
    try:
        found = find()
    except NoBrowser as missing:
        sys.exit(f"{missing}.")
    print(found.browser, found.driver, sep="\n")
