"""A headless Chromium for tests: one process, and for each test a tab of its own that knows nothing of the others."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.support.chromium import Found

DESKTOP = (1280, 900)
PHONE = (375, 812)
SCRIPT_SECONDS = 30
MODULE = (
    "const args = [...arguments], done = args.pop(); (async () => {",
    "})().then((value) => done({ value }), (error) => done({ error: String(error?.stack ?? error) }));",
)
"""Around the body of an async function."""


@dataclass(frozen=True)
class Exchange:
    """One answer that the browser got."""

    tab: str
    """Window handle."""
    url: str
    status: int
    """Of the server's own answer: 304 stays 304, even where the page is given 200."""
    headers: dict[str, str]
    """Names in small letters."""


class Browser(Chrome):
    """Selenium's driver, and what these tests ask of it besides."""

    downloads: Path

    def begin(self) -> None:
        """Go on in a new tab, as a user who was never here."""
        old = self.window_handles
        self.another_tab()
        new = self.current_window_handle
        for handle in old:
            self.switch_to.window(handle)
            self.close()
        self.switch_to.window(new)
        self.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for log in ("browser", "performance"):
            self.get_log(log)
        for file in self.downloads.iterdir():
            file.unlink()

    def another_tab(self) -> None:
        """Go on in a new tab, which hides this one."""
        self.switch_to.new_window("tab")
        self.execute_cdp_cmd("Page.bringToFront", {})  # else nothing in it has the focus
        self.execute_cdp_cmd("Network.enable", {})
        self.looks(DESKTOP)

    def forget(self, url: str) -> None:
        """Remove what pages of this address have stored."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})

    def looks(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        """Be a screen of this size (CSS pixels), of a user who likes it light or dark, and nothing moving."""
        width, height = size
        self.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last look: exceptions, refused resources, broken policies."""
        return [entry["message"] for entry in self.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def answers(self) -> list[Exchange]:
        """What came over the network since the last look, of all tabs."""
        shown = [(event["webview"], event["message"]) for event in self.traffic()]
        got = [(tab, one["params"]["response"]) for tab, one in shown if one["method"] == "Network.responseReceived"]
        return [
            Exchange(tab, answer["url"], answer["status"], {name.lower(): v for name, v in answer["headers"].items()})
            for tab, answer in got
        ]

    def traffic(self) -> list[dict[str, Any]]:
        """What the network's log says since the last look, as the browser says it."""
        return [json.loads(entry["message"]) for entry in self.get_log("performance")]

    def module(self, script: str, *arguments: Any) -> Any:
        """What an async function body returns in the page; it may ``await import(…)`` and reads ``args``."""
        answer = self.execute_async_script(f"{MODULE[0]}{script}{MODULE[1]}", *arguments)
        assert "error" not in answer, answer["error"]
        return answer["value"]


@contextmanager
def running(found: Found, directory: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in ``directory``; at the end its processes are gone."""
    downloads = directory / "downloads"
    downloads.mkdir(parents=True)
    options = ChromeOptions()
    options.binary_location = found.browser
    for argument in (
        "--headless=new",
        "--no-sandbox",  # which root may not have, as in most containers
        "--disable-dev-shm-usage",  # containers have 64 MB of it
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        f"--user-data-dir={directory / 'profile'}",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the driver's path, selenium looks for none, and downloads none.
    browser = Browser(options=options, service=Service(found.driver))
    browser.downloads = downloads
    browser.set_script_timeout(SCRIPT_SECONDS)
    process = browser.capabilities["goog:processID"]
    try:
        yield browser
    finally:
        browser.quit()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
