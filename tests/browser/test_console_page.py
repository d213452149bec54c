"""The page does its work unnoticed: few requests, none from a hidden tab, no script but its own."""

from functools import partial

from tests.support.driver import path_of

MARKUP = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"


def test_an_unchanged_task_is_asked_for_by_its_tag_and_by_no_hidden_tab(console, waiting):
    browser, hidden = console.browser, console.browser.current_window_handle
    console.open_task(waiting)
    seen = console.resume_in_another_tab()
    statuses = {hidden: [], seen: []}

    def look():
        for answer in browser.answers():
            if path_of(waiting) in answer.url:
                statuses[answer.tab].append(answer.status)
        return statuses

    look()
    statuses[hidden].clear()
    console.open_task(waiting)
    console.until(lambda: look()[seen].count(304) >= 4, "the tab that is seen asks four times")
    assert set(statuses[seen][1:]) == {304}
    assert len(statuses[hidden]) <= 1, "only what was on its way when it was hidden"

    browser.close()
    browser.switch_to.window(hidden)
    before = len(statuses[hidden])
    console.until(lambda: len(look()[hidden]) > before, "seen again, it asks at once")


def shows(console, words):
    return words in console.text()


def test_names_errors_and_results_are_text(console, tasks):
    task = tasks.run_fan_out(
        "parcel",
        [{"street": MARKUP, "number": 1}, {"street": MARKUP, "number": 2, "lost": True}],
        name=MARKUP,
    )
    single = tasks.run("parcel", {"street": MARKUP, "number": 3}, name="javascript:window.hacked=1")
    console.open()
    console.until(lambda: console.all("task-row", code=single["code"]), "the list is there")
    assert MARKUP in console.one("task-row", code=task["code"]).text
    for one, words in ((task, f"nobody at {MARKUP} 2"), (single, f"{MARKUP} 3")):
        console.open_task(one)
        console.until(partial(shows, console, words), "error or result is there")
        assert console.browser.execute_script("return document.querySelectorAll('main img, main script').length") == 0
        assert console.browser.execute_script("return 'hacked' in window") is False
    assert console.heading() == "javascript:window.hacked=1"
    assert console.complaints() == []


def test_a_script_from_elsewhere_would_not_run(console):
    console.browser.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script)"
    )
    assert console.browser.execute_script("return 'hacked' in window") is False
    [complaint] = console.complaints()
    assert "Content Security Policy" in complaint


def test_a_page_of_which_a_file_did_not_come_loads_again(console):
    """As where Lambda has no room for all the calls of a first look."""
    devtools = console.browser.execute_cdp_cmd
    devtools("Network.enable", {})
    devtools("Network.setCacheDisabled", {"cacheDisabled": True})
    devtools("Network.setBlockedURLs", {"urls": ["*/views/list.js"]})
    console.browser.refresh()
    tries = "return Number(sessionStorage.getItem('tasks.loads'))"
    console.until(lambda: console.browser.execute_script(tries) > 0, "it failed, and will try again")
    assert console.heading() == ""
    devtools("Network.setBlockedURLs", {"urls": []})
    console.until(lambda: console.heading() == "Tasks", "the page is there")
    assert console.browser.execute_script(tries) == 0
