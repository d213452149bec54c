"""Tests of the template, which run SAM's transform more than fifty times."""

from collections.abc import Iterator
from functools import cache

import pytest
from samtranslator.translator import translator


@pytest.fixture(scope="session", autouse=True)
def policy_templates() -> Iterator[None]:
    """SAM checks its own policy templates anew for each transform, a fifth of its time: once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        name = "make_policy_template_for_function_plugin"
        patch.setattr(translator, name, cache(getattr(translator, name)))
        yield
