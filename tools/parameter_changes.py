"""Writes down what a deployment changes that gives a parameter another value: the table of docs/deploy.md.

    python -m tools.parameter_changes

Each parameter of ``template.yaml`` is given another value in turn, all others stay at their default, and the resources
of the two stacks are compared (:mod:`tools.deployment`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.paths import ROOT
from tools.deployment import Changes, Resources, changes, defaults, deployed, template

PAGE = Path("docs", "deploy.md")
VERSION = "AWS::Lambda::Version"
_BETWEEN = re.compile(r"(<!-- what each parameter changes -->\n).*?(<!-- end -->\n)", re.DOTALL)
_HEAD = ("| parameter | changes | adds | takes away | new version of the API |", "|---|---|---|---|---|")
_OTHERS = {
    "AlarmEmail": "somebody@example.com",
    "CorsOrigins": "https://app.example.com",
    "EventBusName": "default",
    "EventFactory": "task_types.factory:Factory",
    "FailureEmail": "somebody@example.com",
    "JwtIssuer": "https://login.example.com/",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "TaskQueueEventFactory": "task_types.factory:Factory",
}
"""Values for parameters that may be any text of a form."""
_TOGETHER = {
    "AWS::Serverless::Function": "every function",
    "AWS::Logs::LogGroup": "every log group",
    "AWS::CloudWatch::Alarm": "every alarm",
}
"""What all resources of a type are called where all of them change."""


@dataclass(frozen=True)
class Flip:
    """A parameter with another value, and what the deployment of that changes in a stack of defaults."""

    parameter: str
    value: str
    before: Resources
    after: Resources
    changes: Changes

    @property
    def new_version(self) -> bool:
        """Whether a version of a function is published: CloudFormation makes the resource anew."""
        made = self.changes.added | self.changes.replaced
        return any(self.after[name]["Type"] == VERSION for name in made)


@cache
def _of_defaults() -> Resources:
    return deployed({})


@cache
def flip(parameter: str) -> Flip:
    """What another value of this parameter changes."""
    value = _another(parameter, template()["Parameters"][parameter])
    before, after = _of_defaults(), deployed({parameter: value})
    return Flip(parameter, value, before, after, changes(before, after))


def line(parameter: str) -> str:
    """The parameter's line of the table."""
    done = flip(parameter)
    added, removed = _own(done.changes.added), _own(done.changes.removed)
    touched = done.changes.updated | done.changes.replaced | done.changes.added | done.changes.removed
    changed = {_owner(name) for name in touched} - added - removed
    cells = [", ".join(_named(names)) for names in (changed, added, removed)]
    return f"| `{parameter}` | {' | '.join(cells)} | {'yes' if done.new_version else ''} |"


def table() -> str:
    """The table in Markdown, a line for each parameter."""
    return "\n".join([*_HEAD, *map(line, template()["Parameters"])]) + "\n"


def write() -> None:
    """Put the table into the page."""
    page = ROOT / PAGE
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")


def with_table(page: str) -> str:
    """The page with the table as it should be. Raises ``ValueError`` if the page has no place for it."""
    written, count = _BETWEEN.subn(lambda found: f"{found[1]}\n{table()}\n{found[2]}", page)
    if count != 1:
        raise ValueError(f"{PAGE} has to have one pair of comments, {_BETWEEN.pattern}")
    return written


def _another(name: str, given: Mapping[str, Any]) -> str:
    """A value that is allowed and not the default."""
    default = defaults()[name]
    allowed = given.get("AllowedValues") or [given.get("MaxValue"), given.get("MinValue"), _OTHERS.get(name, "another")]
    return next(str(value) for value in allowed if value is not None and str(value) != default)


def _own(names: Collection[str]) -> set[str]:
    """Those that are nobody's: a role or permission comes and goes with its function."""
    return {name for name in names if _owner(name) == name}


def _owner(name: str) -> str:
    """The resource of the template that SAM made this one for, whose name it begins with; else itself."""
    return max((own for own in template()["Resources"] if name.startswith(own)), key=len, default=name)


def _named(names: set[str]) -> Iterator[str]:
    for kind, together in _TOGETHER.items():
        every = {name for name, given in template()["Resources"].items() if given["Type"] == kind}
        left = sorted(every - names)
        if len(left) <= 1 < len(every):
            yield " but ".join([together, *(f"`{name}`" for name in left)])
            names = names - every
    yield from (f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    write()
