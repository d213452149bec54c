"""Runs the engine, and ends it with the process that started it, even a killed one."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

GRACE_SECONDS = 3


def end_with_the_launcher() -> None:
    """Wait until standard input closes: the launcher is gone. Then end the whole process group."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_launcher, daemon=True).start()
    from ministack.app import main

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from local.gate import engine_limits, engine_workers

    engine_workers.install()
    if "LOCAL_GATE_RULES" in os.environ:
        engine_limits.install()
    del sys.path[0]
    main()
