"""User code reaches only its own: what it does to its process harms neither the framework nor other tasks.

Here is what only a process shows. The rest is in tests/unit/workers/user_code and tests/unit/local.
"""

import time

import pytest

PATIENCE = 120
STREAMS = {
    "a process that prints": "import subprocess; subprocess.run(['seq', '1', '1000'], check=True)",
    "bytes": r"import os; os.write(1, b'\xff\n'); os.write(2, b'\xff\n')",
    "a process that reads": "import subprocess; subprocess.run(['cat'], check=True)",
    "input": "try: input()\nexcept EOFError: pass",
    "breakpoint": "import bdb\ntry: breakpoint()\nexcept bdb.BdbQuit: pass",
    "a closed output": "import os; os.close(1)",
}
CHANGES = {
    "another address of AWS": "import os; os.environ['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:9'",
    "another profile": "import os; os.environ['AWS_PROFILE'] = 'nobody'",
    "another folder": "import os; os.chdir('/')",
    "strict warnings": "import warnings; warnings.simplefilter('error')",
    "no log": "import logging; logging.disable()",
    "a fork that ends": "import os, sys; os.fork() or sys.exit()",
    "a fork that returns": "import os; os.fork()",
}


def ran(code: str) -> dict[str, str]:
    return {"do": "run", "code": code}


@pytest.mark.parametrize("harms", [STREAMS, CHANGES], ids=["streams", "process"])
def test_what_user_code_does_to_its_process_harms_no_other_task(tasks, harms):
    """GIVEN sub-tasks that do harm; WHEN others run before, between and after; THEN all of them are done, at once."""
    large = {"do": "return", "bytes": 5000}
    elements = [each for code in harms.values() for each in (ran(code), large)]
    task = tasks.wait(tasks.fan_out("together", elements), seconds=PATIENCE)
    sub_tasks = tasks.sub_tasks(task)
    assert [(one["status"], one["attempt"]) for one in sub_tasks] == [("COMPLETED", 1)] * len(elements)


def test_a_large_result_and_the_next_type_survive_another_address_of_aws(tasks):
    """GIVEN a handler that sets AWS_ENDPOINT_URL; WHEN it returns 5 KB, and another type runs; THEN both complete."""
    code = f"{CHANGES['another address of AWS']}\ncontext.checkpoint('x' * 5000)"
    first = tasks.run("together", ran(code))
    after = tasks.run("shout", {"word": "on"})
    assert (first["status"], after["attributes"]["result"]) == ("COMPLETED", "ON!")


def test_a_timeout_holds_though_the_handler_takes_the_alarm(tasks):
    """GIVEN a handler that has cancelled the alarm; WHEN its time is up; THEN it ends, and says where it was."""
    task = tasks.run("once", ran("import signal, time; signal.alarm(0); time.sleep(30)"))
    error = task["attributes"]["error"]
    assert (task["status"], error["type"]) == ("FAILED", "AttemptTimeout")
    assert "it was at task_types/probe.py:" in error["message"]


def test_what_a_handler_prints_says_its_task(tasks):
    """GIVEN a handler that prints; WHEN its log is read; THEN the line carries the task."""
    began = time.time()
    task = tasks.run("alone", ran("print('printed by it')"))
    line = f"alone/{task['code']}: printed by it"
    tasks.until(lambda: line in tasks.log_lines("QueueFunction", began), "the line is in the log")


def test_a_deployment_lets_running_invocations_finish(tasks):
    """GIVEN a running handler; WHEN its function is deployed again; THEN the handler finishes, in its first attempt."""
    task = tasks.wait(tasks.create("alone", {"do": "sleep", "seconds": 5}), "PROCESSING")
    tasks.set_timeouts(QueueFunction=15)  # a deployment that changes no more than this
    ended = tasks.wait(task)
    assert (ended["status"], ended["attempt"]) == ("COMPLETED", 1)


def test_a_log_of_many_lines_and_odd_bytes_harms_no_other_task(tasks):
    """GIVEN a handler that logs 100,000 lines; WHEN it returns; THEN it is done, and so is the next one."""
    many = "import sys, os\nos.write(2, b'\\xff\\n')\nfor n in range(100_000): print(n, file=sys.stderr)"
    noisy, quiet = tasks.create("alone", ran(many)), tasks.create("alone", {"do": "echo"})
    assert (tasks.wait(noisy)["status"], tasks.wait(quiet)["status"]) == ("COMPLETED", "COMPLETED")
