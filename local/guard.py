"""Stops before the engine would run a template that it only half understands."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local import isolation, understood
from local import template as templates
from local.errors import LocalCloudError
from local.settings import Settings

_SOURCES = ("CodeUri", "ContentUri", "DefinitionUri")


def check(path: Path, settings: Settings) -> None:
    """Raise if the template uses a property that the engine ignores and the launcher does not wire."""
    try:
        template = templates.load(path)
        processed = transformed(template, settings.region)
        problems = [*of_state_machines(template, path.parent), *of_resources(processed)]
    except (yaml.YAMLError, InvalidDocumentException, OSError, ValueError) as error:
        raise LocalCloudError(f"{path.name} cannot be read: {error}") from error
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise LocalCloudError(
            f"The local engine ignores these properties, so the stack here would differ from the one on AWS:\n"
            f"{listed}\nWire it in local/wiring.py, or say in local/understood.py why it is harmless here."
        )


def transformed(template: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the template after the SAM transform, as the engine sees it."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    copy = json.loads(json.dumps(template))
    for resource in copy["Resources"].values():
        # The transform insists on packaged sources; any address does here.
        properties = resource.get("Properties", {})
        properties.update({name: "s3://bucket/key" for name in _SOURCES if name in properties})
    translator = Translator({}, Parser(), boto_session=_session(region))
    result: dict[str, Any] = translator.translate(copy, parameter_values={})
    return result


_session = cache(isolation.session)
"""A session of a region, which takes longer to make than any use of it here."""


def of_resources(processed: Mapping[str, Any]) -> Iterator[str]:
    """Yield every property, of a resource type we know, that has no effect."""
    for name, resource in processed["Resources"].items():
        known = understood.RESOURCES.get(resource["Type"])
        for property_name in resource.get("Properties", {}) if known else ():
            if known and not known.knows(property_name):
                yield f"{name} ({resource['Type']}): {property_name}"


def of_state_machines(template: Mapping[str, Any], directory: Path) -> Iterator[str]:
    """Yield every field of the template's state machines that has no effect."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        definition = properties.get("Definition")
        if isinstance(source := properties.get("DefinitionUri"), str):
            text = (directory / source).read_text(encoding="utf-8")
            # A substitution may stand for a number; any number does here.
            definition = json.loads(re.sub(r"\$\{[^}]+}", "0", text))
        if definition:
            yield from (f"{name}: {problem}" for problem in of_states(definition, understood.MACHINE))


def of_states(machine: Mapping[str, Any], known: understood.Understood, jsonata: bool = False) -> Iterator[str]:
    """Yield every field of a state machine, or of the processor of a Map, that has no effect."""
    jsonata = machine.get("QueryLanguage", "JSONata" if jsonata else "JSONPath") == "JSONata"
    yield from (field for field in machine if not known.knows(field))
    for name, state in machine["States"].items():
        yield from (f"{name}: {problem}" for problem in _of_state(state, jsonata))


_PROCESSOR = understood.Understood(understood.MACHINE.honoured | {"ProcessorConfig"})


def _of_state(state: Mapping[str, Any], jsonata: bool) -> Iterator[str]:
    known = understood.STATES.get(state["Type"])
    if known is None:
        yield f"type {state['Type']}"
        return
    yield from (field for field in state if not known.knows(field))
    for retrier in state.get("Retry", []):
        yield from (f"Retry: {field}" for field in retrier if not understood.RETRIER.knows(field))
    processor = state.get("ItemProcessor") or state.get("Iterator")
    branches = state.get("Branches", []) + ([processor] if processor else [])
    speaks_jsonata = state.get("QueryLanguage", "JSONata" if jsonata else "JSONPath") == "JSONata"
    if speaks_jsonata and processor and processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        yield "JSONata in a Distributed Map"
    for branch in branches:
        yield from of_states(branch, _PROCESSOR, jsonata)
