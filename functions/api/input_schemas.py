"""Checks an input against the JSON Schema of its task type, and says in words what does not fit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from serverless_tasks.adapters.log import logger
from serverless_tasks.core.inputs.json_text import size, to_json_text

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

MAX_PROBLEMS = 20
"""Problems that are looked for; an input may have as many as it has bytes."""
MAX_WORDS = 200
"""Characters about one problem."""
SLICE = 1000
"""Elements that are checked together, until one is found that does not fit."""
LARGE = 16_384
"""Bytes of JSON from which on only the first problem of an input is named: to find all takes up to 8 µs for each."""

Problems = dict[str, str]
Path = Sequence[str | int]


class UnfitInput(Exception):
    """The input does not fit; ``problems`` says what is wrong, by path."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("the input does not fit its task type")
        self.problems = problems


class InputSchema:
    """JSON Schema of one input, or of each element of a list of them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._one = _validator(schema)
        definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}  # `#/$defs/…` begins at the very top
        self._many = _validator({"type": "array", "items": schema, **definitions})

    def check(self, value: Any) -> None:
        """Raise :class:`UnfitInput` unless the value fits."""
        try:
            if not self._one.is_valid(value):
                raise UnfitInput(_first(self._problems([], value)))
        except UnicodeEncodeError:
            raise UnfitInput({"input": _HALF}) from None

    def check_each(self, values: Sequence[Any]) -> None:
        """Raise :class:`UnfitInput` unless every element fits. A million that do take a hundredth of a second."""
        try:
            if not self._many.is_valid(values):
                raise UnfitInput(_first(self._problems_of_each(values)))
        except UnicodeEncodeError:
            raise UnfitInput({"input": _HALF}) from None

    def _problems_of_each(self, values: Sequence[Any]) -> Iterator[tuple[Path, str]]:
        for start in range(0, len(values), SLICE):
            part = values[start : start + SLICE]
            if self._many.is_valid(part):
                continue
            for index, value in enumerate(part, start):
                yield from self._problems([index], value)

    def _problems(self, path: Path, value: Any) -> Iterator[tuple[Path, str]]:
        for error in _errors(self._one, value):
            for below, words in _found(error):
                yield [*path, *below], words


_HALF = "has half of a character, an escape from \\ud800 to \\udfff without the other half"


def _validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    # Imported here: only deployments with typed inputs pay for it.
    from jsonschema_rs import Draft202012Validator

    # No value gets into a message, and nothing is fetched.
    return Draft202012Validator(_any_of(schema), validate_formats=True, formats=_FORMATS, mask="", offline=True)


def _any_of(node: Any) -> Any:
    """The schema with ``anyOf`` for ``oneOf``, which is how pydantic writes a union with tags.

    A tag that a function finds (``Discriminator``) is in no schema: two of its alternatives may well fit.
    """
    if isinstance(node, Mapping):
        return {
            "anyOf" if name == "oneOf" and isinstance(value, list) and "anyOf" not in node else name: _any_of(value)
            for name, value in node.items()
        }
    return [_any_of(value) for value in node] if isinstance(node, list) else node


def _is_read_by(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return fits


def _has_scheme(text: str) -> bool:
    return ":" in text.strip()


_FORMATS = {
    "date-time": _is_read_by(datetime.fromisoformat),
    "time": _is_read_by(time.fromisoformat),
    "duration": lambda text: True,
    "uuid": _is_read_by(UUID),
    "uri": _has_scheme,
}
"""Formats of which pydantic takes more than RFCs do: times without a zone, UUIDs without hyphens, addresses with ä."""


def _errors(validator: "Draft202012Validator", value: Any) -> Iterable["ValidationError"]:
    if size(to_json_text(value, "input")) <= LARGE:
        return validator.iter_errors(value)
    return islice(_raised(validator, value), 1)


def _raised(validator: "Draft202012Validator", value: Any) -> Iterator["ValidationError"]:
    from jsonschema_rs import ValidationError

    try:
        validator.validate(value)  # it stops at the first
    except ValidationError as error:
        yield error


def _found(error: "ValidationError") -> Iterator[tuple[Path, str]]:
    """The problems, at the paths where they can be mended."""
    kind: Any = error.kind
    path: Path = error.instance_path
    if kind.name == "required":
        yield [*path, kind.property], "is missing"
    elif kind.name in ("additionalProperties", "unevaluatedProperties"):
        for name in kind.unexpected:
            yield [*path, name], "is not a field of this input"
    elif (branches := getattr(kind, "context", None)) and all(branches):  # an empty one is an alternative that fits
        yield from _alternatives(path, branches)
    else:
        yield path, error.message.strip()


def _alternatives(path: Path, branches: Sequence[Sequence["ValidationError"]]) -> Iterator[tuple[Path, str]]:
    """None of several schemas fits: the problems of the one that was meant, or the demands of each."""
    meant = [branch for branch in branches if not any(_is_another(error, path) for error in branch)]
    if len(meant) == 1:
        for error in meant[0]:
            yield from _found(error)
    else:
        found = [
            next(_found(next((one for one in branch if _is_another(one, path)), branch[0]))) for branch in branches
        ]
        [where, *others] = dict.fromkeys(tuple(where) for where, _ in found)
        yield path if others else where, ", and ".join(dict.fromkeys(words for _, words in found))


def _is_another(error: "ValidationError", path: Path) -> bool:
    """Whether the value is of another kind than this alternative: another type, or another tag."""
    kind: Any = error.kind
    return kind.name == "const" or (kind.name in ("type", "enum") and len(error.instance_path) == len(path))


def _first(problems: Iterable[tuple[Path, str]]) -> Problems:
    found: Problems = {}
    for path, words in problems:
        found.setdefault(_field(path), words[:MAX_WORDS])
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _field(path: Path) -> str:
    return "input" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def usable(schema: Mapping[str, Any]) -> InputSchema | None:
    """The schema, or None for one that cannot be checked here: then the worker alone does it."""
    try:
        return InputSchema(schema)
    except ValueError as error:
        logger.error("a schema cannot be used", extra={"problem": str(error)[:MAX_WORDS]})
        return None
