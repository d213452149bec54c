"""The demonstration's data set: what README and design promise of it."""

import hashlib
import json
from types import SimpleNamespace

from serverless_tasks.workers.user_code.routing import made
from task_types.daylight import Place, measure

from demo import places

ROWS = places.read("2026-06-21")


def test_it_is_the_file_that_the_readme_describes() -> None:
    readme = places.FILE.with_name("README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(places.FILE.read_bytes()).hexdigest() in readme
    assert f"{len(ROWS):,} airports" in readme


def test_it_is_large_enough_and_fits_a_request() -> None:
    assert len(ROWS) >= 3000
    assert len({row["code"] for row in ROWS}) == len(ROWS)
    assert len(json.dumps({"taskType": "daylight", "name": "x" * 256, "input": ROWS})) < 3_000_000


def test_every_row_is_a_place() -> None:
    assert {made(Place, row).date.isoformat() for row in ROWS} == {"2026-06-21"}


def test_signs_that_the_source_had_lost_are_right() -> None:
    by_code = {row["code"]: row for row in ROWS}
    pago_pago = measure(SimpleNamespace(input=made(Place, by_code["PPG"])), SimpleNamespace())
    assert pago_pago["daylightMinutes"] < 720  # June is winter there
    assert by_code["GUM"]["longitude"] > 0
    assert by_code["GSN"]["longitude"] > 0
