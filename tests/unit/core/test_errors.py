"""The errors of the package: one base, and those that no retry can help."""

import pytest
from serverless_tasks.core import errors
from serverless_tasks.core.errors import InvalidInput, LostRace, PermanentError, TaskError

KNOWN = {name: value for name, value in vars(errors).items() if getattr(value, "__module__", "") == errors.__name__}


@pytest.mark.parametrize("error", KNOWN.values(), ids=KNOWN)
def test_every_error_is_one_of_the_package(error):
    assert issubclass(error, TaskError)
    assert error.__doc__


@pytest.mark.parametrize("error", KNOWN.values(), ids=KNOWN)
def test_only_these_are_permanent(error):
    permanent = {"PermanentError", "InvalidResult", "PayloadMissing", "NoHandler"}
    assert issubclass(error, PermanentError) is (error.__name__ in permanent)


def test_invalid_input_names_its_field_and_is_a_value_error():
    error = InvalidInput("limit", "must be 1 to 100")
    assert (str(error), error.field, error.reason) == ("limit: must be 1 to 100", "limit", "must be 1 to 100")
    assert isinstance(error, ValueError)


def test_lost_race_has_the_item_that_was_there():
    lost = LostRace("first", {"pk": "a"})
    assert (str(lost), lost.item) == ("first", {"pk": "a"})
    assert LostRace("first").item is None
