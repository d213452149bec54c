"""The whole state of a :class:`World` as JSON: written down, compared with the one before, and taken up again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.upgrade.world import TOPICS, Json, World

GROWING = ("created", "calls", "invocations", "records", "deadLetters", *TOPICS)
"""Lists that only get longer."""


class States:
    """Writes down one state after the other, each as what has changed since the one before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before: Json = {}
        self._records: list[Any] = []

    def change(self) -> Json:
        """What has changed since the last call. Of :data:`GROWING` lists the new end; null is what is gone."""
        before, after = self._before, self._state()
        self._before = after
        changed: Json = {}
        for name, value in after.items():
            old = before.get(name, type(value)())
            if isinstance(value, dict):
                gone = {key: None for key in old if key not in value}
                changed[name] = {key: new for key, new in value.items() if old.get(key) != new} | gone
            elif name in GROWING:
                changed[name] = value[len(old) :]
            elif value != old:
                changed[name] = value
        return {name: value for name, value in changed.items() if value not in ({}, []) or name in ("broken", "down")}

    def _state(self) -> Json:
        world, memory = self._world, self._world.memory
        known = {id(record) for record in self._records}
        self._records += [record for record in memory.table.stream if id(record) not in known]
        world.running()
        return plain(
            {
                "clock": to_iso(world.clock.now),
                "items": {f"{pk} {sk}": item for (pk, sk), item in memory.table.items.items()},
                "objects": memory.payloads.objects,
                "records": self._records,
                "waitingRecords": len(memory.table.stream),
                "queue": {
                    handle: {"body": message["body"], "visible": to_iso(message["visible"])}
                    for handle, message in memory.queue.messages.items()
                },
                "deadLetters": memory.queue.dead_letters,
                "started": memory.executions.inputs,
                "stopped": sorted(memory.executions.stopped),
                "executions": {
                    name: {
                        "status": machine.status,
                        "next": machine.next,
                        "data": machine.data,
                        "wakesAt": to_iso(machine.wakes_at),
                        "retries": {str(number): count for number, count in machine._retries.items()},
                    }
                    for name, machine in world.machines.items()
                },
                **world.topics,
                "down": [name for name in TOPICS if world.topics[name].down],
                "broken": sorted(world.broken),
                "created": world.created,
                "calls": world.calls,
                "invocations": world.invocations,
            }
        )


def state_after(changes: Iterable[Mapping[str, Any]]) -> Json:
    """The state that these changes, from the first one on, led to."""
    state: Json = {name: [] for name in GROWING}
    for change in changes:
        for name, value in change.items():
            if name in GROWING:
                state[name] = [*state[name], *value]
            elif isinstance(value, dict):
                merged = {**state.get(name, {}), **value}
                state[name] = {key: kept for key, kept in merged.items() if kept is not None}
            else:
                state[name] = value
    return state


def take_up(world: World, state: Mapping[str, Any], definition: Json) -> None:
    """Put a state that another version has left into a world that is new. Its executions go on by ``definition``."""
    memory = world.memory
    world.clock.now = from_iso(state["clock"])
    world.created += state["created"]
    world.calls += state["calls"]
    world.invocations += state["invocations"]
    world.broken |= set(state.get("broken", ()))
    for name in TOPICS:
        world.topics[name].extend(state[name])
        world.topics[name].down = name in state.get("down", ())
    memory.table.items.update({tuple(key.split(" ")): item_of(item) for key, item in state.get("items", {}).items()})
    memory.table.stream += state["records"][len(state["records"]) - state.get("waitingRecords", 0) :]
    memory.payloads.objects.update(state.get("objects", {}))
    memory.queue.dead_letters += [(body, reason) for body, reason in state["deadLetters"]]
    for handle, message in state.get("queue", {}).items():
        name = f"old {handle}"
        ids = {"messageId": name, "receiptHandle": name}
        memory.queue.messages[name] = {**ids, "body": message["body"], "visible": from_iso(message["visible"])}
    memory.executions.inputs.update(state.get("started", {}))
    memory.executions.stopped |= set(state.get("stopped", ()))
    for name, given in state.get("executions", {}).items():
        machine = world.machines[name] = world.execution(name, given["data"], definition)
        machine.status, machine.next = given["status"], given["next"]
        machine.wakes_at = from_iso(given["wakesAt"])
        machine._retries = {int(number): count for number, count in given["retries"].items()}


def to_iso(moment: datetime) -> str:
    """A time as it is written down."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


from_iso = datetime.fromisoformat


def plain(value: Any) -> Any:
    """The same as JSON gives it back; a set of numbers is written as DynamoDB does."""
    match value:
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case set() | frozenset():
            return {"NS": sorted(value)}
        case str():
            return str(value)
    return value


def item_of(item: Mapping[str, Any]) -> Json:
    """The item that :func:`plain` has written down."""
    return {name: frozenset(v["NS"]) if isinstance(v, dict) and v.keys() == {"NS"} else v for name, v in item.items()}
