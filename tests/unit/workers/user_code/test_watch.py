"""The watch looks seldom, and once for all threads that ask at the same time."""

import threading
from contextlib import suppress

from serverless_tasks.testing.stack import VirtualClock
from serverless_tasks.workers.user_code.runner import LOOK_SECONDS, Watch


def test_a_look_is_good_for_a_while_and_gone_is_for_ever():
    clock, answers, looks = VirtualClock(), [True, False, True], []

    def is_mine():
        looks.append(clock.now)
        return answers[len(looks) - 1]

    watch = Watch(is_mine, clock)
    seen = []
    for _ in range(4):
        seen += [watch.is_gone(), watch.is_gone()]
        clock.advance(LOOK_SECONDS)

    assert seen == [False, False, True, True, True, True, True, True]
    assert len(looks) == 2


def test_threads_that_ask_at_once_share_one_look():
    both, looks = threading.Barrier(2), []
    clock = VirtualClock()

    def meeting():
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)  # the other one comes only where nothing keeps it out
        return clock.now

    watch = Watch(lambda: looks.append(1) is None, meeting)
    threads = [threading.Thread(target=watch.is_gone) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert looks == [1]
