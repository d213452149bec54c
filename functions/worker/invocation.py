"""What the four entries of this folder share: the stack's resources and the fork's code, made once per process."""

from collections.abc import Callable
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.workers.user_code.loading import load_user_code

cloud = Cloud.before_user_code()
router = load_user_code(cloud.settings)


def remaining_seconds(context: Any) -> Callable[[], float]:
    """How long this invocation may still run, as a function."""
    return lambda: context.get_remaining_time_in_millis() / 1000
