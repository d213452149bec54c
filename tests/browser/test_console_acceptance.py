"""The story that the console is for, from signing in to the file of results, in a real browser."""

import json

PARCELS = 200
LOST = 137
"""The one that nobody takes, until it is sent again."""


def parcel(index: int) -> dict[str, object]:
    return {"street": "Cat Lane", "number": index + 1, "seconds": 0.4, "lost": index == LOST}


def test_from_the_form_to_the_file(stranger, tasks):
    console = stranger

    # She signs in, and her password does not leave the page.
    console.sign_in("alice")
    assert "alice" in console.text()
    traffic = json.dumps(console.browser.traffic())
    assert "RespondToAuthChallenge" in traffic
    assert console.users["alice"]["password"] not in traffic

    # She fans 200 elements out, from the form.
    console.button("New task").click()
    console.choose("Task type", "parcel")
    console.radio("Fan-out").click()
    console.field("Name").send_keys("Two hundred parcels")
    console.radio("JSON").click()
    text = console.until(lambda: console.field("JSON list, or JSON Lines"), "the text is there")
    text.clear()
    console.paste(text, "\n".join(json.dumps(parcel(index)) for index in range(PARCELS)))
    console.until(lambda: "200 elements" in console.text(), "all are understood")
    console.one("create").click()

    # She watches the bar move.
    console.until(lambda: console.heading() == "Two hundred parcels", "its page is there")
    console.watch()
    console.until_status("FAILED")
    seen = console.watched()
    between = {value for value in seen if 0 < value < 100}
    assert len(between) >= 2, seen
    assert list(seen) == sorted(seen)
    assert seen[-1] == 100
    console.until(lambda: console.counts() == {"succeeded": PARCELS - 1, "failed": 1, "waiting": 0}, "all are counted")

    # She sees the one that failed, and why.
    console.button("Show the 1 failed").click()
    row = console.one("sub-task-row", status="FAILED")
    console.until(lambda: len(console.all("sub-task-row")) == 1, "only that one is shown")
    assert row.get_attribute("data-index") == str(LOST)
    assert f"LookupError: nobody at Cat Lane {LOST + 1}" in row.text

    # She retries it, and nothing else runs again.
    task = {"type": "parcel", "code": console.browser.current_url.rpartition("/")[2]}
    before = tasks.sub_tasks(task)
    console.one("retry").click()
    console.asked().click()
    console.until_status("COMPLETED")
    console.until(lambda: console.counts() == {"succeeded": PARCELS, "failed": 0, "waiting": 0}, "all have succeeded")
    again = [new["index"] for new, old in zip(tasks.sub_tasks(task), before, strict=True) if new != old]
    assert again == [LOST]

    # She downloads the results.
    console.one("download-results").click()
    file = console.browser.downloads / f"results-{task['code']}.jsonl"
    lines = [
        json.loads(line)
        for line in console.until(lambda: file.exists() and file.read_text(), "it is there").splitlines()
    ]
    assert [line["index"] for line in lines] == list(range(PARCELS))
    assert [line["result"] for line in lines] == [f"Cat Lane {index + 1}" for index in range(PARCELS)]

    # She finds all of it in the list.
    console.button("Tasks").click()
    assert console.one("task-row", code=task["code"]).get_attribute("data-status") == "COMPLETED"
    assert console.complaints() == []


def test_another_task_is_cancelled(console, tasks):
    task = tasks.fan_out("parcel", [{"street": "Long Road", "number": 1, "seconds": 1}] * 400)
    console.open_task(task)
    console.until_status("PROCESSING")
    console.one("cancel").click()
    console.asked().click()
    console.until_status("CANCELLED")
    assert any("cancelled" in toast for toast in console.toasts())
    assert console.all("cancel") == []
    assert tasks.look(task)["status"] == "CANCELLED"


def test_a_single_task_from_the_form_field_by_field(console, tasks):
    console.button("New task").click()
    console.choose("Task type", "parcel")
    console.radio("Task").click()
    console.until(lambda: console.field("Street"), "the form has the schema's fields").send_keys("Cat Lane")
    console.field("House number").send_keys("none")
    console.one("create").click()
    console.until(lambda: "is not a whole number" in console.text(), "the form says what is wrong")
    number = console.field("House number")
    number.clear()
    number.send_keys("7")
    console.one("create").click()
    console.until(lambda: console.heading() == "parcel", "its page is there")
    console.until_status("COMPLETED")
    code = console.browser.current_url.rpartition("/")[2]
    task = tasks.look({"type": "parcel", "code": code})
    assert (task["input"]["street"], task["input"]["number"], task["attributes"]["result"]) == (
        "Cat Lane",
        7,
        "Cat Lane 7",
    )


def test_an_input_runs_again_with_every_digit_of_it(console, tasks):
    large = {"key": 12345678901234567890, "other": [9007199254740993]}
    first = tasks.run("cat", large)
    console.open_task(first)
    console.until(lambda: "12345678901234567890" in console.text(), "it is shown as it is")
    console.button("Run again").click()
    text = console.until(lambda: console.field("JSON"), "the form is filled in")
    assert json.loads(text.get_attribute("value")) == large
    console.one("create").click()
    console.until(lambda: console.all("task-status"), "its page is there")
    code = console.browser.current_url.rpartition("/")[2]
    assert code != first["code"]
    assert tasks.look({"type": "cat", "code": code})["input"] == large
