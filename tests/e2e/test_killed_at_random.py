"""300 tasks and a 300-element fan-out while their workers are killed: all end, and keyed effects happen once."""

import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from tests.support.driver import Driver, counters_of
from tests.support.fork import Fork

COUNT = 300
TABLE = "effects"
SEED = 20260101
KILLS = 16
GROWN_UP_SECONDS = 10
"""Age at which a worker may be killed. When one dies at its start the engine ends all others of its function, too."""
PATIENCE = 240
"""Seconds until everything has ended: a lease, its message's margin, and once more for who was killed twice."""
VICTIMS = ("QueueFunction", "ChunkFunction", "PlanFunction", "FinishFunction", "RelayFunction")
ENDS_OF_A_MESSAGE = 20
"""Seconds a message is hidden before its worker has claimed the task. A worker may die that early, too."""


@pytest.fixture
def own(tmp_path, fork, forked):
    """A fork of its own, for nobody else's workers are to die."""
    effects = f"!Sub arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{TABLE}"
    return Fork(tmp_path / "repo").built_like(fork).with_probes().with_grant("dynamodb:UpdateItem", effects)


@pytest.fixture
def tasks(own):
    with own.running() as running:
        driver = Driver(running)
        driver.set_timeouts(QueueFunction=10, ChunkFunction=10)
        running.client("sqs").set_queue_attributes(
            QueueUrl=running.stack["taskQueueUrl"], Attributes={"VisibilityTimeout": str(ENDS_OF_A_MESSAGE)}
        )
        yield driver


def with_workers(tasks):
    """Let the engine start its workers before the first of them dies."""
    calm = [{"do": "sleep", "seconds": 0.5}] * 16
    warm_up = [tasks.fan_out("mortal", calm), *(tasks.create("mortal", one) for one in calm)]
    for task in warm_up:
        tasks.wait(task)


@contextmanager
def killing(fork, times):
    """Kill a worker about every half second, so many times; gives the list of what was killed."""
    chance = random.Random(SEED)
    over = threading.Event()
    killed = []

    seen = dict.fromkeys(fork.workers(*VICTIMS), time.monotonic() - GROWN_UP_SECONDS)

    def kill():
        while len(killed) < times and not over.wait(chance.uniform(0.2, 0.8)):
            now = time.monotonic()
            ages = [(pid, now - seen.setdefault(pid, now)) for pid in fork.workers(*VICTIMS)]
            if victims := [pid for pid, age in ages if age >= GROWN_UP_SECONDS and pid not in killed]:
                killed.append(chance.choice(victims))
                with suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def effects_in(tasks, table):
    """The effects: those with a key, and how often each was tried."""
    pages = tasks.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"]]
    keyed = sorted(item["key"]["S"] for item in items if "attempt" in item)
    tried = {item["key"]["S"].removeprefix("tried "): int(item["times"]["N"]) for item in items if "times" in item}
    return keyed, tried


@pytest.mark.slow
def test_all_end_and_every_keyed_effect_happens_once(own, tasks):
    """GIVEN tasks with effects outside; WHEN their workers are killed at random; THEN all end, effects once."""
    key = [{"AttributeName": "key", "KeyType": "HASH"}]
    types = [{"AttributeName": "key", "AttributeType": "S"}]
    dynamodb = tasks.cloud.client("dynamodb")
    dynamodb.create_table(TableName=TABLE, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    order = {"do": "effect", "table": TABLE, "seed": SEED, "exit": 0.02, "seconds": 0.03}

    with_workers(tasks)
    with killing(own, KILLS) as killed:
        many = tasks.fan_out("mortal", [order] * COUNT)
        created = [tasks.create("mortal", order) for _ in range(COUNT)]
        ended = [tasks.wait(task, seconds=PATIENCE) for task in created]
        many = tasks.wait(many, seconds=PATIENCE)

    assert [task["status"] for task in ended] == ["COMPLETED"] * COUNT
    assert (many["status"], counters_of(many)) == ("COMPLETED", (COUNT, COUNT, 0, 0))
    sub_tasks = tasks.sub_tasks(many)
    assert [sub_task["index"] for sub_task in sub_tasks] == list(range(COUNT))
    assert {sub_task["status"] for sub_task in sub_tasks} == {"COMPLETED"}

    keyed, tried = effects_in(tasks, TABLE)
    everything = [*(task["id"] for task in ended), *(f"{sub_task['pk']}#{sub_task['sk']}" for sub_task in sub_tasks)]
    assert keyed == sorted(everything)
    assert tried.keys() == set(everything)
    again = {"tasks": sum(task["attempt"] > 1 for task in ended), "sub-tasks": sum(s["attempt"] > 1 for s in sub_tasks)}
    print(f"killed {len(killed)} workers; {sum(tried.values())} tries for {len(tried)} effects; again: {again}")
    assert len(killed) == KILLS
    assert sum(again.values()) >= 3
    assert sum(tried.values()) > len(tried)

    executions = tasks.cloud.client("stepfunctions").list_executions(
        stateMachineArn=tasks.cloud.stack["stateMachineArn"]
    )
    names = [execution["name"] for execution in executions["executions"]]
    assert names == [many["code"]]  # what warmed up began and ended in a lane
    dead = tasks.cloud.client("sqs").receive_message(QueueUrl=tasks.cloud.stack["deadLetterQueueUrl"])
    assert "Messages" not in dead
