"""Writes docs/sbom.json and docs/third-party-licences.md: the packages that ship with our code.

    python -m tools.shipped

They are pinned in requirements.txt of the layer and of each function. This environment has their licences, or
pyproject.toml if a package names none. Others lie in a function's folder `vendor`, whose README.md lists them. The same
packages give the same bytes: no date, no random number.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local.paths import ROOT

SBOM = Path("docs", "sbom.json")
LICENCES = Path("docs", "third-party-licences.md")

_ROW = re.compile(r"^\| `\S+` \| `(\S+)`[^|]* \| (\S+) \| ([^|]+) \|", re.MULTILINE)

_PAGE = """\
# Third-party licences

Packages of others that ship in the layer and beside the functions. `make sbom` writes this page and
[sbom.json](sbom.json), the same for programs (CycloneDX); a test says when they are old. boto3 is Lambda's own and does
not ship. The text of each licence ships with its package, in its `.dist-info` or beside its file.

| package | version | licence | ships in |
|---|---|---|---|
"""


class NotKnown(Exception):
    """The list cannot be made; the message names the package and the remedy."""


@dataclass(frozen=True, order=True)
class Package:
    """A package of others, and the directories whose requirements.txt pins it."""

    name: str
    version: str
    licence: str
    parts: tuple[str, ...]
    registry: str = "pypi"
    """Its registry, by the name in package URLs."""


def packages(root: Path = ROOT) -> list[Package]:
    """Return the packages that ship, by name.

    Raises:
        NotKnown: a requirement is not pinned, is not what is installed here, or names no licence.
    """
    looked_up = {str(canonicalize_name(name)): text for name, text in _settings(root).get("packages", {}).items()}
    parts: dict[tuple[str, str], list[str]] = {}
    for file in sorted([*root.glob("layers/*/requirements.txt"), *root.glob("functions/*/requirements.txt")]):
        for pinned in _pinned(file):
            parts.setdefault(pinned, []).append(file.parent.relative_to(root).as_posix())
    found = (
        Package(name, version, _licence(name, version, looked_up.get(name)), tuple(where))
        for (name, version), where in parts.items()
    )
    return sorted([*found, *_vendored(root)])


def not_allowed(shipped: list[Package], root: Path = ROOT) -> list[str]:
    """Return what to do about each package with a licence that pyproject.toml does not allow."""
    allowed = set(_settings(root).get("allowed", ()))
    return [
        f"{one.name}=={one.version}: its licence {one.licence} is not among those that ship here. Read it; if you can "
        f"keep to it, add it to `allowed` of [tool.licences] in pyproject.toml"
        for one in shipped
        if one.licence not in allowed and not set(one.licence.split(" AND ")) <= allowed
    ]


def _settings(root: Path) -> dict[str, Any]:
    """[tool.licences] of pyproject.toml."""
    file = root / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return dict(project.get("tool", {}).get("licences", {}))


def _vendored(root: Path) -> Iterator[Package]:
    """Packages in the repository itself: rows of `| file | package | version | licence | …`, all from npm."""
    for file in sorted(root.glob("functions/*/static/vendor/README.md")):
        part = file.relative_to(root).parts[:2]
        for name, version, licence in _ROW.findall(file.read_text(encoding="utf-8")):
            yield Package(name, version, licence, ("/".join(part),), "npm")


def _pinned(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if not (text := line.partition("#")[0].strip()):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise NotKnown(f"{file.parent.name}/{file.name}: {text!r} is no requirement") from error
        [pin, *others] = [*requirement.specifier, None]
        if pin is None or others != [None] or pin.operator != "==" or "*" in pin.version:
            raise NotKnown(f"{file.parent.name}/{file.name}: pin {requirement.name} to one version, with ==")
        yield canonicalize_name(requirement.name), pin.version


def _licence(name: str, version: str, looked_up: str | None) -> str:
    """Return the SPDX expression that was looked up, or else the one that the package gives."""
    try:
        given = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise NotKnown(f"{name}=={version} is not installed here: run `make lock`, then `make setup`") from None
    if given["Version"] != version:
        raise NotKnown(f"{name} is {given['Version']} here, not {version}: run `make lock`, then `make setup`")
    licence = looked_up or given.get("License-Expression") or given.get("License")
    if not licence or "\n" in licence:
        raise NotKnown(
            f"{name} names no licence: look it up, and write it down in pyproject.toml, under "
            f'[tool.licences.packages], as {name} = "MIT"'
        )
    return str(licence)


def page(shipped: list[Package]) -> str:
    """Return the page of licences."""
    rows = (f"| {one.name} | {one.version} | {one.licence} | {_list(one.parts)} |\n" for one in shipped)
    return _PAGE + "".join(rows)


def _list(parts: tuple[str, ...]) -> str:
    return ", ".join(f"`{part}`" for part in parts)


def sbom(shipped: list[Package], root: Path = ROOT) -> str:
    """Return the bill of materials: the application, its parts, and the packages of each."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {
        part: Component(name=part, version=project["version"], type=ComponentType.LIBRARY, bom_ref=BomRef(part))
        for part in sorted({part for one in shipped for part in one.parts})
    }
    application = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=BomRef(project["name"]),
    )
    bom = Bom(components=ours.values())
    bom.metadata.component = application
    bom.register_dependency(application, ours.values())
    carried: dict[str, list[Component]] = {part: [] for part in ours}
    for one in shipped:
        component = _component(one)
        bom.components.add(component)
        for part in one.parts:
            carried[part].append(component)
    for part, components in carried.items():
        bom.register_dependency(ours[part], components)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]  # both optional, and new each time
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _component(one: Package) -> Component:
    address = PackageURL(one.registry, None, one.name, one.version)
    return Component(
        name=one.name,
        version=one.version,
        licenses=[LicenseFactory().make_from_string(one.licence)],
        purl=address,
        bom_ref=BomRef(address.to_string()),
    )


def main() -> int:
    """Write both files."""
    try:
        shipped = packages()
    except NotKnown as error:
        print(error, file=sys.stderr)
        return 1
    (ROOT / SBOM).write_text(sbom(shipped), encoding="utf-8")
    (ROOT / LICENCES).write_text(page(shipped), encoding="utf-8")
    for problem in (problems := not_allowed(shipped)):
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
