"""What a fork adds to ``template.yaml``, between marks ``Yours``: what looks at the product leaves it out."""

import re
from pathlib import Path
from typing import Any

from local.paths import TEMPLATE
from local.template import load_text

_PLACE = re.compile(r"^ *# >>> Yours: (?P<name>.*)\n(?P<text>(?:.*\n)*?) *# <<< Yours\n", re.MULTILINE)
_PERMISSIONS = {
    "Type": "AWS::IAM::ManagedPolicy",
    "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}


def product() -> dict[str, Any]:
    """Return the template without what is a fork's. The policy of handlers grants nothing."""
    found = load_text(_PLACE.sub("", TEMPLATE.read_text(encoding="utf-8")))
    found["Resources"]["TaskPermissions"] = _PERMISSIONS
    return found


def names(section: str) -> set[str]:
    """Return names of what a fork has in a section, such as ``Parameters``."""
    whole = load_text(TEMPLATE.read_text(encoding="utf-8"))
    return set(whole[section]) - set(product()[section])


def actions() -> set[str]:
    """Return the actions that a fork grants its handlers."""
    policy = load_text(TEMPLATE.read_text(encoding="utf-8"))["Resources"]["TaskPermissions"]["Properties"]
    granted = [statement["Action"] for statement in policy["PolicyDocument"]["Statement"]]
    return {action for given in granted for action in ([given] if isinstance(given, str) else given)}


def write(root: Path, place: str, block: str) -> None:
    """Put a block into the template in a folder, at the end of the place whose mark begins like this.

    What is there already is not put there twice. Raises ``ValueError`` if there is no such place.
    """
    file = root / TEMPLATE.name
    text = file.read_text(encoding="utf-8")
    found = next((one for one in _PLACE.finditer(text) if one["name"].startswith(place)), None)
    if found is None:
        raise ValueError(f"{file.name} has no marks 'Yours: {place}'")
    if block not in found["text"]:
        end = found.end("text")
        file.write_text(text[:end] + block + text[end:], encoding="utf-8")
