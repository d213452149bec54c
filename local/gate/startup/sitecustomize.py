"""Brings the local cloud's part into a function's process: Python imports a module of this name if it is on its path.

It moves the engine's protocol out of user code's reach, and installs the gate where that is on.

So no handler, and nothing of what is shipped, knows of it. Python goes on where this module fails, so it ends the
process itself: a function without the gate would be allowed everything.
"""

import os
import sys

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))  # noqa: PTH100, PTH118, PTH120
    sys.path.insert(0, _root)
    try:
        from local.gate.hook import install
        from local.gate.streams import make_private

        make_private()
        install()
    except Exception as error:
        raise SystemExit(f"the gate of the local cloud cannot be installed: {error!r}") from error
    finally:
        sys.path.remove(_root)
        # A function's own module of this name is to be found; and nothing of the repository's root is.
        for _name in [name for name in sys.modules if name == "local" or name.startswith("local.")]:
            del sys.modules[_name]
