"""No request of one tenant reads, lists, changes or infers anything of another: not by keys, cursors or references.

The attacker knows everything about mbc but its tokens: codes, cursors, keys of objects, idempotency keys. Each request
is held against three things: what it asked AWS for, what it was answered, and what it would have been answered if the
victim did not exist.
"""

import json
import string
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.calls import Call
from tests.support.permissions import needs
from tests.unit.api.client import ALICE, Client, event, person

SECRET = "only-for-mbc"
FAR_FUTURE = "7ZZZZZZZZZZZZZZZZZZZZZZZ"
"""How a code begins that no task has."""
NAMES = {"tasks": "TasksTable", "payloads": "PayloadBucket"}
NEAR = ("acme", "mb", "mbc-2", "mbc.", "mbc_", "MBC", "m", "mbc.cat")
"""Tenants, most of them as like mbc as can be."""
LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "TASK"},
    {"taskType": "cat"},
    {"kind": "TASK", "taskType": "cat"},
    {"kind": "SFN_TASK", "taskType": "cat"},
    {"status": "FAILED"},
    {"status": "CREATED"},
)
ANY = st.text(string.printable, min_size=1, max_size=30)
ONE_AFTER_ANOTHER = settings(
    max_examples=75,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # an example that is shrunk is sent again, and keys may then be known
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass
class Victim:
    """What there is of mbc, and what an attacker may know of it."""

    codes: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@pytest.fixture
def victim(api: Client, cloud: Any, end: Any, fan_out: Any) -> Victim:
    """Tasks of mbc: of both kinds, open, completed and failed, small and large, with sub-tasks, cursors and keys."""
    found = Victim(keys=["key-of-mbc"])
    large = SECRET * 30_000
    tasks = [api.create("cat", SECRET, name=SECRET), api.create("cat", large), api.create("dog", SECRET)]
    tasks += [api.create_list("cat", [SECRET, large]), api.create_list("cat", [SECRET] * 3)]
    end(tasks[1], result=large)
    end(tasks[2], error=SECRET)
    fan_out(tasks[4], lambda value: large)
    header = {"idempotency-key": found.keys[0]}
    body = {"taskType": "cat", "input": SECRET}
    tasks.append(api.post_text("/tasks", json.dumps(body), **header).body)
    failed = api.create("cat", SECRET)
    end(failed, error=SECRET)
    found.codes = [task["code"] for task in [*tasks, failed]]
    pages = [api.get("/tasks", limit=1, **query) for query in LISTS]
    pages += [api.get(f"/tasks/cat/{tasks[4]['code']}/sub-tasks", limit=1)]
    found.cursors = [page.body["cursor"] for page in pages if "cursor" in page.body]
    assert len(found.cursors) == len(pages)
    objects = cloud.payloads._client.list_objects_v2(Bucket="payloads", Prefix="payloads/mbc/")["Contents"]
    found.references = [item["Key"] for item in objects] + ["uploads/mbc/01KAFSV4XG4DXWKE1B8G6F0J2T.jsonl"]
    return found


@pytest.fixture
def asked(cloud: Any, victim: Victim) -> Any:
    """Every call of AWS from now on, links included, in a list that the test may empty."""
    made: list[Call] = []

    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append(Call("api", model.service_model.service_name, model.name, params))

    emitters = [client.meta.events for client in (cloud.table._client, cloud.payloads._client)]
    for events in emitters:
        events.register("before-parameter-build", hear)
    yield made
    for events in emitters:
        events.unregister("before-parameter-build", hear)


def owned(tenant: str, call: Call) -> bool:
    """Whether a call names nothing but partitions and objects of the tenant."""
    partitions = {f"{kind}#{tenant}" for kind in ("TASK", "SFN_TASK", "IDEMPOTENCY", "FAILED")} | {tenant}
    for need in needs(call, NAMES):
        if not all(key in partitions or key.startswith(f"SUB_TASK#{tenant}#") for key in need.keys):
            return False
        if need.resource.startswith("PayloadBucket") and need.resource.split("/")[2] != tenant:
            return False
    return True


def without(answer: Any, *words: str) -> tuple[int, str]:
    """What was answered, but for words of the request itself."""
    text = answer.text
    for word in words:
        text = text.replace(word, "…")
    return answer.status, text


TENANTS = st.sampled_from(NEAR)
GROUPS = st.sampled_from([(), ("task-admin",), ("task-reader",)])


@given(data=st.data(), tenant=TENANTS, groups=GROUPS)
@ONE_AFTER_ANOTHER
def test_a_task_of_another_tenant_is_as_missing_as_none(api, victim, asked, data, tenant, groups):
    mallory = api.by(person("mallory", tenant, *groups))
    code = data.draw(st.sampled_from(victim.codes))
    task_type = data.draw(st.sampled_from(["cat", "dog", "mbc", "TASK", "cat#", "..", "SFN_TASK#mbc#cat"]) | ANY)
    rest = data.draw(st.sampled_from(["", "/sub-tasks", "/chunks", "/cancel", "/retry"]))
    method = "POST" if rest in ("/cancel", "/retry") else "GET"
    nobody = FAR_FUTURE + code[-2:]
    asked.clear()

    answers = [
        mallory.send(event(method, f"/tasks/{quote(task_type, safe='')}/{given}{rest}", mallory.claims))
        for given in (code, nobody)
    ]

    assert without(answers[0], code) == without(answers[1], nobody)
    assert answers[0].status in (403, 404)
    assert all(owned(tenant, call) for call in asked)


@given(data=st.data(), tenant=TENANTS)
@ONE_AFTER_ANOTHER
def test_a_list_shows_the_own_tenant_only_and_takes_no_foreign_cursor(api, victim, asked, data, tenant):
    mallory = api.by(person("mallory", tenant))
    query = dict(data.draw(st.sampled_from(LISTS)))
    stolen = st.sampled_from(victim.cursors)
    cut = st.builds(lambda cursor, at: cursor[:at] + "A" + cursor[at + 1 :], stolen, st.integers(0, 30))
    cursor = data.draw(st.none() | stolen | cut | ANY)
    asked.clear()

    answer = mallory.get("/tasks", **query, **({} if cursor is None else {"cursor": cursor}))

    if cursor is None:
        assert answer.status == 200
        assert all(item["tenantCode"] == tenant for item in answer.body["items"])
        assert SECRET not in answer.text
    else:
        assert answer.status == 400
        assert answer.body["details"][0]["field"] == "cursor"
    assert all(owned(tenant, call) for call in asked)


def test_a_cursor_goes_on_with_its_own_query_only(api, victim):
    for made_for in LISTS:
        cursor = api.get("/tasks", limit=1, **made_for).body["cursor"]

        answers = {str(asked_for): api.get("/tasks", limit=1, cursor=cursor, **asked_for) for asked_for in LISTS}

        assert [asked_for for asked_for, answer in answers.items() if answer.status == 200] == [str(made_for)]
        assert {answer.status for answer in answers.values()} == {200, 400}
        for code in victim.codes:
            assert api.get(f"/tasks/cat/{code}/sub-tasks", cursor=cursor).status in (400, 404)


@given(data=st.data(), tenant=TENANTS)
@ONE_AFTER_ANOTHER
def test_what_a_tenant_creates_is_its_own_whatever_the_request_names(api, victim, asked, data, tenant):
    mallory = api.by(person("mallory", tenant, sub=ALICE["sub"]))  # even a user of the same id
    many = data.draw(st.booleans())
    body: dict[str, Any] = {"taskType": data.draw(st.sampled_from(["cat", "dog"])), "input": [1] if many else 1}
    body["name"] = data.draw(st.sampled_from([*victim.codes, "TASK#mbc"]))
    named = data.draw(st.sampled_from([None, "mbc", "MBC", "mbc#", tenant]))
    forged = {"tenantCode": named} if named else {}
    headers = {"x-tenant-code": "mbc", "tenantCode": "mbc"}
    key = data.draw(st.none() | st.sampled_from(victim.keys))
    headers |= {"idempotency-key": key} if key else {}
    route = "/tasks/step-function-task" if many else "/tasks"
    asked.clear()

    answer = mallory.post_text(route, json.dumps({**body, **forged}), **headers)

    if named not in (None, tenant):
        assert answer.status == 403
    elif answer.status in (200, 201):
        assert answer.body["tenantCode"] == tenant
        assert answer.body["code"] not in victim.codes
    else:
        # Mallory's own key, used again with another body: never the victim's.
        assert answer.status == 409
        assert key is not None
    assert SECRET not in answer.text
    assert all(owned(tenant, call) for call in asked)


def test_the_first_use_of_a_foreign_idempotency_key_makes_a_task(api, victim):
    body = json.dumps({"taskType": "cat", "input": SECRET})
    for tenant in NEAR:
        mallory = api.by(person("mallory", tenant, sub=ALICE["sub"]))

        answer = mallory.post_text("/tasks", body, **{"idempotency-key": victim.keys[0]})

        assert (answer.status, answer.body["tenantCode"]) == (201, tenant)
        assert answer.body["code"] not in victim.codes


@given(data=st.data(), tenant=TENANTS)
@ONE_AFTER_ANOTHER
def test_a_reference_to_another_tenant_s_object_is_refused(api, victim, asked, data, tenant):
    mallory = api.by(person("mallory", tenant))
    known = data.draw(st.sampled_from(victim.references))
    forms = [known, f"uploads/{tenant}/../mbc/{known.rpartition('/')[2]}", f"s3://payloads/{known}", f"/{known}"]
    reference = data.draw(st.sampled_from([*forms, {"key": known, "bytes": 1, "etag": "x"}]))
    asked.clear()

    answer = mallory.post("/tasks/step-function-task", {"taskType": "cat", "inputRef": reference})

    assert answer.status == 400
    assert all(owned(tenant, call) for call in asked)


def test_the_attacks_would_be_seen(api, victim, asked):
    # GIVEN the owner, who may do what mallory may not; WHEN she asks the same; THEN all three checks would object
    answer = api.get(f"/tasks/cat/{victim.codes[0]}")

    assert answer.status == 200
    assert SECRET in answer.text
    assert asked
    assert not any(owned("acme", call) for call in asked)
