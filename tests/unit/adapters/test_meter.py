"""What the meter hands to which write."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from serverless_tasks import LostRace
from serverless_tasks.adapters.meter import CLOSING_MILLISECONDS, Meter, with_usage
from serverless_tasks.core.dynamodb.expressions import Put, Update
from serverless_tasks.core.usage.amounts import NOTHING, Usage

SENT, READ = Usage(queue_requests=1), Usage(read_units=1)


class Ticks:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def meter(ticks):
    """In an invocation of 512 MB, which is recorded already."""
    meter = Meter(ticks)
    meter.begin(512)
    meter.take("first")
    return meter


def test_the_first_task_pays_for_the_invocation(ticks):
    meter = Meter(ticks)
    meter.begin("256")
    closing = 256 * CLOSING_MILLISECONDS
    assert meter.take("a") == Usage(invocations=1, megabyte_milliseconds=closing)
    assert meter.take("b") == NOTHING


def test_every_task_pays_for_its_own_requests(meter):
    meter.note(SENT, "a")
    meter.note(SENT, "b")
    meter.note(READ, "b")
    assert meter.take("b") == SENT + READ
    assert meter.take("a") == SENT
    assert meter.take("a") == NOTHING


def test_the_next_task_pays_for_what_belongs_to_no_task(meter):
    meter.note(READ)
    assert (meter.take("a"), meter.take("b")) == (READ, NOTHING)


def test_every_task_pays_for_the_time_since_the_last_one(meter, ticks):
    ticks.now += 0.5
    assert meter.take("a") == Usage(megabyte_milliseconds=500 * 512)
    ticks.now += 0.0015
    assert meter.take("b") == Usage(megabyte_milliseconds=768)


def test_a_new_invocation_forgets_what_the_last_one_left(meter, ticks):
    meter.note(SENT, "a")
    ticks.now += 60
    meter.begin(512)
    assert meter.take("a") == Usage(invocations=1, megabyte_milliseconds=512 * CLOSING_MILLISECONDS)


def test_outside_of_an_invocation_nothing_is_counted(ticks):
    meter = Meter(ticks)
    meter.note(SENT, "a")
    ticks.now += 60
    assert meter.take("a") == NOTHING


def test_unrecorded_usage_is_noted_again(meter, ticks):
    meter.note(READ, "a")
    ticks.now += 0.001
    meter.note_again("a", 2)
    assert meter.take("a") == Usage(read_units=3, megabyte_milliseconds=3 * 512)


def test_what_a_write_recorded_is_recorded(meter):
    meter.note(READ, "a")
    with meter.recording("a") as unrecorded:
        assert unrecorded == READ
    assert meter.take("a") == NOTHING


@pytest.mark.parametrize(("item", "units"), [(None, 1), ({"pk": "x" * 1000}, 1), ({"pk": "x" * 3000}, 3)])
def test_what_a_refused_write_was_to_record_stays_unrecorded_and_it_is_billed(meter, item, units):
    meter.note(READ, "a")
    with pytest.raises(LostRace), meter.recording("a"):
        raise LostRace("another writer was first", item)
    assert meter.take("a") == READ + Usage(write_units=units)


def test_what_a_failed_write_was_to_record_stays_unrecorded(meter):
    meter.note(READ, "a")
    with pytest.raises(ConnectionError), meter.recording("a"):
        raise ConnectionError
    assert meter.take("a") == READ


def test_threads_may_share_a_meter(meter):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: meter.note(SENT, str(number % 2)), range(2000)))
    assert (meter.take("0"), meter.take("1")) == (SENT.times(1000), SENT.times(1000))


def test_a_write_alone_leaves_unrecorded_usage_to_the_next_one(meter):
    meter.note(READ, "a")
    with meter.recording("a", alone=True) as unrecorded:
        assert unrecorded == NOTHING
    with pytest.raises(LostRace), meter.recording("a", alone=True):
        raise LostRace("it is there already", None)
    assert meter.take("a") == READ + Usage(write_units=1)


def test_usage_is_added_to_what_a_write_counts_and_to_what_it_sets():
    update = Update("p", "s", (), set={"uW": 1, "b": "x"}, count={"uR": 2})
    used = Usage(write_units=3, read_units=4, invocations=5)
    assert with_usage(update, used) == Update("p", "s", (), set={"uW": 4, "b": "x"}, count={"uR": 6, "uI": 5})
    assert with_usage(update, NOTHING) == update
    assert with_usage(Put({"pk": "p", "uW": 1}), SENT + Usage(write_units=2)) == Put({"pk": "p", "uW": 3, "uQ": 1})
