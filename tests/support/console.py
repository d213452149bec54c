"""The console as a user meets it: by role, name and `data-testid`."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from local.stack import Stack
from tests.support.browser import Browser
from tests.support.driver import BUSY, POLL_SECONDS, SECONDS, Json

T = TypeVar("T")


class Console:
    """The page in one tab."""

    def __init__(self, browser: Browser, stack: Stack) -> None:
        self.browser = browser
        self.url = stack["consoleUrl"]
        self.users = {user["username"]: user for user in stack["users"]}

    # ---------------------------------------------------------------------------------------------- ways in

    def open(self, route: str = "#/") -> None:
        """Go to one of the page's own addresses; the page is loaded for it, unless it is there with another one."""
        here = self.browser.current_url
        if here.startswith(f"{self.url}#") and here != self.url + route:
            self.browser.execute_script("location.hash = arguments[0]", route)
            return
        self.browser.get("about:blank")  # else the same address loads nothing
        self.browser.get(self.url + route)

    def forget(self, storage: Json | None = None) -> None:
        """Be a user who was never here, or whose tab has kept this. A small file is enough to be at the origin."""
        self.browser.forget(self.url)
        self.browser.get(f"{self.url}/config.json")
        kept = "sessionStorage.clear(); Object.assign(sessionStorage, arguments[0])"
        self.browser.execute_script(kept, storage or {})

    def sign_in(self, username: str = "alice") -> None:
        """Fill in the form and send it."""
        self.open()
        self.until(lambda: self.field("User name or e-mail"), "the form is there").send_keys(username)
        self.field("Password").send_keys(self.users[username]["password"])
        self.one("sign-in").click()
        self.until(lambda: self.heading() == "Tasks", "the list is there")

    def storage(self) -> Json:
        """What the tab keeps of the session."""
        return self.browser.execute_script("return { ...sessionStorage }")

    def resume(self, storage: Json, route: str = "#/") -> None:
        """Go on with a session that was kept."""
        self.forget(storage)
        self.open(route)
        self.until(lambda: self.heading() not in ("", "Sign in"), "the session goes on")

    def resume_in_another_tab(self) -> str:
        """Open the console in a new tab, with the session of this one, which is hidden from now on."""
        storage = self.storage()
        self.browser.another_tab()
        self.forget(storage)
        return self.browser.current_window_handle

    def open_task(self, task: Json) -> None:
        """Open the page of a task."""
        self.open(f"#/tasks/{task['type']}/{task['code']}")
        history = (By.CSS_SELECTOR, "ol.history")
        self.until(lambda: self.browser.find_elements(*history), "the task is there")

    # --------------------------------------------------------------------------------------- what there is

    def all(self, testid: str, **data: Any) -> list[WebElement]:
        """The elements of a ``data-testid``, and of other ``data-`` attributes."""
        rest = "".join(f'[data-{name}="{value}"]' for name, value in data.items())
        return self.browser.find_elements(By.CSS_SELECTOR, f'[data-testid="{testid}"]{rest}')

    def one(self, testid: str, **data: Any) -> WebElement:
        """The only one, once it is there."""

        def found() -> WebElement | None:
            elements = self.all(testid, **data)
            assert len(elements) <= 1, f"there are {len(elements)} {testid} {data}"
            return elements[0] if elements else None

        return self.until(found, f"there is a {testid} {data}")

    def field(self, label: str) -> WebElement | None:
        """The control with this label."""
        return self._named("input, textarea, select", label)

    def choose(self, label: str, option: str) -> None:
        """Choose by its text in the list with this label."""
        Select(self.until(lambda: self.field(label), f"there is {label!r}")).select_by_visible_text(option)

    def button(self, name: str) -> WebElement:
        """The button or link with this accessible name, once it is there."""
        return self.until(lambda: self._named("button, a, [role=button], summary", name), f"there is a button {name!r}")

    def radio(self, label: str) -> WebElement:
        """The radio button whose name begins so."""
        return self.until(lambda: self._named("input[type=radio]", label), f"there is a choice {label!r}")

    def asked(self) -> WebElement:
        """The button that says yes to the question, once that is asked: it is drawn a moment before it is shown."""
        selector = "dialog[open] [data-testid=confirm]"
        return self.until(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector), "a question is asked")[0]

    def paste(self, field: WebElement, text: str) -> None:
        """Put a text into the field as from the clipboard: at once, whatever its length."""
        field.click()
        self.browser.execute_cdp_cmd("Input.insertText", {"text": text})

    def _named(self, selector: str, name: str) -> WebElement | None:
        """The first whose accessible name, as the browser tells it to screen readers, is this or begins so."""
        elements = self.browser.find_elements(By.CSS_SELECTOR, selector)
        names = [(element, element.accessible_name) for element in elements]
        exact = [element for element, known in names if known == name]
        return next(iter(exact or [element for element, known in names if known.startswith(name)]), None)

    def heading(self) -> str:
        """Of the page; empty while there is none."""
        found = self.browser.find_elements(By.TAG_NAME, "h1")
        return found[0].text if found else ""

    def text(self) -> str:
        """All that can be read."""
        return self.browser.find_element(By.TAG_NAME, "body").text

    def status(self) -> str:
        """Of the task whose page it is."""
        return self.one("task-status").get_attribute("data-status") or ""

    def counts(self) -> dict[str, int]:
        """Of the sub-tasks, by what became of them."""
        found = self.browser.execute_script(
            "return [...document.querySelectorAll('[data-testid=counts] [data-count]')]"
            ".map((count) => [count.dataset.count, count.querySelector('dd').textContent])"
        )
        return {name: int(number.replace(",", "")) for name, number in found}

    def toasts(self) -> list[str]:
        """The text of the page."""
        return [toast.text for toast in self.all("toast")]

    def complaints(self) -> list[str]:
        """What the browser's console says, without what is no fault of the page.

        That the engine was busy: the page waits and asks again. That there is no icon at the root of the host, where a
        browser looks for it while it shows the small file.
        """
        harmless = (f"status of {BUSY}", "/favicon.ico")
        return [line for line in self.browser.complaints() if not any(words in line for words in harmless)]

    # --------------------------------------------------------------------------------------------- waiting

    def until(self, condition: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
        """What ``condition`` gives, once it gives something; what is drawn anew meanwhile is looked at again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := condition():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}. The page:\n{self.text()[:2000]}"
            time.sleep(POLL_SECONDS)

    def until_status(self, *statuses: str) -> None:
        """Wait until the task whose page it is has one of these."""
        self.until(lambda: self.status() in statuses, f"it is {' or '.join(statuses)}")

    def watch(self) -> None:
        """Write down, from now on, each value of the progress bar of this page."""
        self.browser.execute_script(
            """
            window.seen = [];
            const look = () => {
              const now = document.querySelector('[data-testid=progress]')?.ariaValueNow;
              if (now !== undefined && now !== null && window.seen.at(-1) !== now) window.seen.push(now);
            };
            new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
            look();
            """
        )

    def watched(self) -> Sequence[int]:
        """What was written down."""
        return [int(value) for value in self.browser.execute_script("return window.seen")]
