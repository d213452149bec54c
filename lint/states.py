"""Checks the template's state machines: statelint by the language's specification, and their substitutions.

python -m lint.states template.yaml
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from local import template as templates

# statelint wants 2.0 for 2, but JSON has one kind of number.
_LINTER = Config({ProblemType.FLOAT})
_SUBSTITUTION = re.compile(r"\$\{([^}]+)}")
_NUMBER, _ARN = "1", "arn:aws:lambda:us-east-1:123456789012:function:any"


def problems(path: Path) -> Iterator[str]:
    """Yield problems of a template's state machines, whose definitions are files beside it."""
    for name, resource in templates.load(path)["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            properties = resource["Properties"]
            text = (path.parent / properties["DefinitionUri"]).read_text(encoding="utf-8")
            yield from (f"{name}: {problem}" for problem in _of(text, properties.get("DefinitionSubstitutions", {})))


def _of(text: str, given: Mapping[str, Any]) -> Iterator[str]:
    used = set(_SUBSTITUTION.findall(text))
    yield from (f"${{{name}}} is used: give it in DefinitionSubstitutions" for name in sorted(used - given.keys()))
    yield from (f"DefinitionSubstitutions gives {name}: nothing uses it" for name in sorted(given.keys() - used))
    # Any value of the right type does: an ARN inside quotes, a number outside of them.
    filled = re.sub(r'"\$\{[^}]+}"', f'"{_ARN}"', text)
    yield from Linter.validate(_SUBSTITUTION.sub(_NUMBER, filled), _LINTER)


def main(arguments: list[str]) -> int:
    """Print problems; return 1 if there are any."""
    found = [problem for argument in arguments for problem in problems(Path(argument))]
    print(*found, sep="\n" if found else "", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
