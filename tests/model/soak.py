"""Schedules without end: ``make soak``, or ``python -m tests.model.soak --steps 1000000 --seconds 3600 --seed 7``.

Each round has a seed of its own, which is printed if it finds something; with it the round is repeated exactly.
"""

import argparse
import random
import time

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.schedules import Schedules

SCHEDULES, STEPS = 500, 50
"""Of one round."""


def one_round(number: int) -> None:
    """Run a round. Raises what it finds, with the shortest schedule that hypothesis could make of it."""
    seed(number)(Schedules)
    run_state_machine_as_test(
        Schedules,
        settings=settings(
            max_examples=SCHEDULES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> None:
    """Run rounds until so many steps are done, or so much time has passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, help="of the first round; by default any")
    options = parser.parse_args()
    number = random.randrange(2**32) if options.seed is None else options.seed
    began, done = time.monotonic(), 0
    while done < options.steps and time.monotonic() - began < options.seconds:
        print(f"seed {number}: {done:,} of {options.steps:,} steps, {time.monotonic() - began:.0f} s", flush=True)
        one_round(number)
        number, done = number + 1, done + SCHEDULES * STEPS
    print(f"nothing found in {done:,} steps")


if __name__ == "__main__":
    main()
