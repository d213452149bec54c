"""axe-core, the rules of accessibility that a program can check, on the page that the browser shows."""

import json
from typing import Any

from axe_core_python.base import AXE_SCRIPT

from tests.support.browser import Browser

SERIOUS = ("serious", "critical")
RUN = "return await axe.run(document, { resultTypes: ['violations'] })"


def issues(browser: Browser, script: str = AXE_SCRIPT) -> list[str]:
    """What is seriously wrong, one line for each place; ``script`` is axe-core itself."""
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(script)
    found: dict[str, Any] = browser.module(RUN)
    return [
        f"{violation['id']}: {violation['help']}, at {json.dumps(node['target'])}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
