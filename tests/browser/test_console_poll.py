"""When the console asks again, and when no longer."""


def test_a_page_looks_less_often_while_nothing_changes(call):
    pace, delays = {"quiet": 0, "failures": 0}, []
    for _ in range(9):
        pace = call("core/schedule", "next", pace, "unchanged")
        delays.append(call("core/schedule", "delay", pace))
    assert delays == [1000, 1000, 2000, 3000, 5000, 8000, 15000, 15000, 15000]
    assert call("core/schedule", "delay", call("core/schedule", "next", pace, "changed")) == 1000
    assert call("core/schedule", "delay", {"quiet": 0, "failures": 0}, {"fastest": 5000}) == 5000


def test_it_backs_off_from_failures_and_waits_as_long_as_the_answer_says(call):
    pace, delays = {"quiet": 0, "failures": 0}, []
    for _ in range(7):
        pace = call("core/schedule", "next", pace, "failed")
        delays.append(call("core/schedule", "delay", pace))
    assert delays == [2000, 4000, 8000, 16000, 32000, 60000, 60000]
    assert call("core/schedule", "delay", pace, {"random": 1}) == 90000
    assert call("core/schedule", "delay", {"quiet": 0, "failures": 1}, {"retryAfter": 30}) == 30000
    assert [
        status for status in (0, 400, 401, 403, 404, 409, 429, 500, 503) if call("core/schedule", "passes", status)
    ] == [0, 429, 500, 503]


POLL = """
    const [base, answers, hidden] = args;
    const { Poller } = await import(`${base}/poll.js`);
    const seen = { asked: [], delays: [], shown: [] };
    let due, listener;
    const world = {
      later: (ms, action) => { seen.delays.push(ms); due = action; return 1; },
      never: () => { due = undefined; },
      hidden: () => hidden.value,
      random: () => 0,
      listen: (action) => { listener = action; return () => { seen.unlistened = true; }; },
    };
    const load = async (etag) => {
      seen.asked.push(etag ?? null);
      const answer = answers.shift();
      if (answer.hide) hidden.value = true;
      if (answer.status) throw Object.assign(new Error("no"), answer);
      return answer;
    };
    const over = (data) => data === "over";
    const show = (state) => seen.shown.push({ ...state, error: state.error?.message });
    const poller = new Poller({ load, world, over, show });
    const turn = async () => { const action = due; due = undefined; await action?.(); };
    for (let i = 0; i < 10 && due; i++) await turn();
    if (hidden.value) {
      seen.asleep = seen.asked.length;
      hidden.value = false;
      listener();
      await new Promise((resolve) => setTimeout(resolve));
      for (let i = 0; i < 10 && due; i++) await turn();
    }
    poller.stop();
    return seen;
"""


def test_a_poll_names_what_it_knows_and_ends_with_the_task(page, files):
    answers = [
        {"data": "one", "etag": "a"},
        {"unchanged": True, "etag": "a"},
        {"status": 503},
        {"data": "over", "etag": "b"},
    ]
    seen = page.module(POLL, files, answers, {"value": False})
    assert seen["asked"] == [None, "a", "a", "a"]
    assert seen["delays"] == [0, 1000, 1000, 2000]
    assert [shown.get("data") for shown in seen["shown"]] == ["one", "one", "one", "over"]
    assert [shown.get("retryIn") for shown in seen["shown"]] == [None, None, 2000, None]
    assert seen["unlistened"] is True


def test_a_poll_rests_in_a_hidden_tab_and_asks_at_once_when_it_is_seen(page, files):
    answers = [{"data": "one", "hide": True}, {"data": "over"}]
    seen = page.module(POLL, files, answers, {"value": False})
    assert (seen["asleep"], len(seen["asked"])) == (1, 2)
    assert seen["delays"] == [0]


def test_a_poll_does_not_repeat_what_is_wrong_with_the_request(page, files):
    seen = page.module(POLL, files, [{"status": 403}], {"value": False})
    assert (seen["asked"], seen["delays"], seen["shown"]) == ([None], [0], [{"data": None, "error": "no"}])


def test_what_was_over_and_is_no_longer_is_asked_for_again(page, files):
    """As the chunks of a task that had ended when its page was opened, and is retried."""
    script = """
        const [base] = args;
        const { html, render } = await import(`${base}/vendor/htm/standalone.module.js`);
        const { usePolled } = await import(`${base}/poll.js`);
        let asked = 0, refresh;
        const waiting = [];
        const until = (times) => new Promise((resolve) => waiting.push({ times, resolve }));
        const load = async () => {
          asked += 1;
          for (const { times, resolve } of waiting) if (asked >= times) resolve();
          return { data: asked };
        };
        function Part({ over }) {
          ({ refresh } = usePolled("x", { over: () => over, load }));
          return "";
        }
        const root = document.createElement("div");
        const draw = (over) => render(html`<${Part} over=${over} />`, root);
        draw(true);
        await until(1);
        draw(false);
        refresh();
        await until(4);
        render(null, root);
        return asked;
    """
    assert page.module(script, files) == 4


def test_what_a_link_says_that_is_over_is_not_taken_for_what_it_led_to(page, files):
    script = """
        const [base] = args;
        const { linked } = await import(`${base}/api.js`);
        const told = (error) => [error.status, error.message];
        return [await (await linked(`${base}/icon.svg`)).text(), await linked(`${base}/none`).catch(told)];
    """
    icon, [status, words] = page.module(script, files)
    assert icon.startswith("<svg")
    assert (status, words) == (404, "The bucket answered 404. Load the page again for a new link.")
