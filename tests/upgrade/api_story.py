"""Plays what clients ask and what happens in between, and keeps what they were answered."""

import json
import re
from collections.abc import Callable, Iterator, Sequence

from tests.support.snapshot import all_items
from tests.upgrade.api_world import ApiWorld, api_world
from tests.upgrade.story import STORY, Entry
from tests.upgrade.world import Json

MOST_STEPS = 300
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


def record_story() -> Json:
    """The requests as they were sent, each with its answer; the states that were to be kept; the end."""
    with api_world() as world:
        return {"entries": list(play_story(world, STORY)), "end": ended(world)}


def play_story(world: ApiWorld, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The same entries, with what came of each of them: ``answer``, or ``state``."""
    known: dict[str, str] = {}
    for entry in entries:
        given = {name: part for name, part in entry.items() if name in ("ask", "happens")}
        now: Entry = json.loads(_filled_in(json.dumps(given), known))
        if "ask" in now:
            now["answer"] = world.ask(**now["ask"])
            known |= _learnt(now["answer"], sum(name.isdigit() for name in known))
        else:
            now |= _happens(world, *now["happens"])
        yield now


def ended(world: ApiWorld) -> Json:
    """What is there in the end, what was sent to whom, and every call of a handler."""
    return {"state": world.state(), "sent": world.sent(), "calls": sorted(world.calls_of_handlers)}


def _filled_in(text: str, known: Json) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(known[found[1]]), text)


def _learnt(answer: Json, count: int) -> dict[str, str]:
    """What later requests name."""
    body = answer.get("body", {})
    if answer["status"] == 201 and "code" in body:
        return {str(count): f"{body['type']}/{body['code']}"}
    if "url" in body:
        return {"upload": body["inputRef"]}
    return {"cursor": body["cursor"]} if "cursor" in body else {}


def _happens(world: ApiWorld, what: str, *given: str) -> Json:
    match what, given:
        case "pass", (seconds,):
            world.clock.advance(float(seconds))
        case "put", (key, text):
            world.put(key, text)
        case "send", (body,):
            world.send(body)
        case "until", (task, status):
            wanted = task.replace("/", "#"), status
            _step_until(world, lambda: any((item["sk"], item["status"]) == wanted for item in _tasks()))
        case "run", ():
            _step_until(world, lambda: _is_idle(world) and all(item["status"] in ENDED for item in _tasks()))
        case "keep", ():
            return world.kept()
    return {}


def _step_until(world: ApiWorld, done: Callable[[], bool]) -> None:
    for _ in range(MOST_STEPS):
        if done():
            return
        if not world.step():
            world.clock.advance(world.idle_seconds() or 1)
    raise AssertionError(f"still {[item['status'] for item in _tasks()]}")


def _is_idle(world: ApiWorld) -> bool:
    return not world.stream.waiting() and world.idle_seconds() is None


def _tasks() -> list[Json]:
    return [item for item in all_items() if item["kind"] in ("TASK", "SFN_TASK")]
