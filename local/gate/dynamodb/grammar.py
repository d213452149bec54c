"""The grammar of DynamoDB's expressions, with what the service checks while it reads one."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any, NoReturn, Protocol

Path = tuple[str | int, ...]
Operand = tuple[str, Any]
"""``("path", path)``, ``("value", placeholder)`` or ``("call", (function, operands))``."""

TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
"""Functions that are true or false, and how many operands they take."""
SIZE = {"size": 1}
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
WORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}
MAX_OPERATORS = 300
MAX_IN = 100
TOKEN = re.compile(r"\s*(#\w+|:\w+|\w+|<=|>=|<>|[=<>+\-(),.\[\]])", re.ASCII)


with open(os.path.join(os.path.dirname(__file__), "reserved_words.txt"), encoding="utf-8") as _file:  # noqa: PTH118, PTH120, PTH123
    RESERVED = frozenset(_file.read().split())
"""Developer guide, "Reserved words in DynamoDB"."""


class Refused(Exception):
    """DynamoDB would answer ValidationException."""


class Substitutions(Protocol):
    """Names and typed values of a request, and which of them an expression used."""

    names: dict[str, str]
    values: dict[str, dict[str, Any]]
    key: dict[str, Any]
    used: set[str]
    indexed: set[str]
    """Attributes of the index that is read; empty: it is the table, which has them all."""


def refuse(problem: str) -> NoReturn:
    """Say what is wrong."""
    raise Refused(problem)


class Parser:
    """Reads one expression and notes which placeholders it uses."""

    def __init__(self, request: Substitutions, text: str) -> None:
        self.request = request
        self.tokens = _tokens(text)
        self.operators = 0

    def at(self, *tokens: str) -> bool:
        """Whether one of these is next."""
        return bool(self.tokens) and self.tokens[0] in tokens

    def at_call(self, functions: Mapping[str, int]) -> bool:
        """Whether a call of one of these is next."""
        return self.at(*functions) and self.tokens[1:2] == ["("]

    def take(self, *expected: str) -> str:
        """The next token, which must be one of these, if there are any."""
        if not self.tokens or (expected and self.tokens[0] not in expected):
            refuse(f"syntax error at {self.tokens[:3]}, expected {expected}")
        return self.tokens.pop(0)

    def operator(self, *expected: str) -> str:
        """Likewise, counted as an operator."""
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            refuse(f"more than {MAX_OPERATORS} operators and functions")
        return self.take(*expected)

    def end(self) -> None:
        """Nothing may be left."""
        if self.tokens:
            refuse(f"syntax error at {self.tokens[:3]}")

    def name(self) -> str:
        """The name of an attribute, substituted."""
        token = self.take()
        if token.startswith("#"):
            self.request.used.add(token)
            return self.request.names.get(token) or refuse(f"undefined name {token}")
        if not re.fullmatch(r"[A-Za-z]\w*", token):
            refuse(f"{token!r} is no attribute")
        if token.upper() in RESERVED:
            refuse(f"{token} is a reserved word")
        return token

    def path(self) -> Path:
        """A document path."""
        segments: list[str | int] = [self.name()]
        while self.at(".", "["):
            if self.take() == ".":
                segments.append(self.name())
            else:
                segments.append(int(self.take()))
                self.take("]")
        return tuple(segments)

    def value(self) -> str:
        """The placeholder of a value."""
        token = self.take()
        if token not in self.request.values:
            refuse(f"{token!r} is no defined value")
        self.request.used.add(token)
        return token

    def operand(self, functions: Mapping[str, int]) -> Operand:
        """An operand, where these functions may be called."""
        if self.at_call(functions):
            return "call", self.call(functions)
        if self.tokens and self.tokens[0].startswith(":"):
            return "value", self.value()
        return "path", self.path()

    def call(self, functions: Mapping[str, int]) -> tuple[str, list[Operand]]:
        """A call of one of these functions."""
        function = self.operator(*functions)
        self.take("(")
        operands = self.many(lambda: self.operand(functions))
        self.take(")")
        if len(operands) != functions[function]:
            refuse(f"{function} takes {functions[function]} operands")
        if function != "list_append" and operands[0][0] != "path":
            refuse(f"the first operand of {function} must be an attribute")
        if operands[0] in operands[1:]:
            refuse(f"the operands of {function} must be distinct")
        return function, operands

    def type_of(self, operand: Operand) -> str | None:
        """Type of a value; of anything else it is not known."""
        return next(iter(self.request.values[operand[1]])) if operand[0] == "value" else None

    def many(self, read: Callable[[], Any]) -> list[Any]:
        """What `read` reads, once or more, with commas between."""
        found = [read()]
        while self.at(","):
            self.take()
            found.append(read())
        return found


def _tokens(text: str) -> list[str]:
    found, end = [], 0
    while match := TOKEN.match(text, end):
        end = match.end()
        found.append(match[1].upper() if match[1].upper() in WORDS else match[1])
    return refuse(f"syntax error at {text[end:][:20]!r}") if text[end:].strip() else found


def update(parser: Parser) -> None:
    """Read an update expression."""
    paths: list[Path] = []
    seen: set[str] = set()
    while not seen or parser.tokens:
        section = parser.take(*({"SET", "REMOVE", "ADD", "DELETE"} - seen))
        seen.add(section)
        found: list[Path] = parser.many(partial(ACTIONS[section], parser))
        if section in ("ADD", "DELETE") and any(len(path) > 1 for path in found):
            refuse(f"{section} works on top-level attributes only: {found}")
        paths += found
    _check_overlaps(paths)
    if keys := {path[0] for path in paths} & set(parser.request.key):
        refuse(f"{keys} are part of the key")


def _assignment(parser: Parser) -> Path:
    path = parser.path()
    parser.operator("=")
    operands = [parser.operand(UPDATE_FUNCTIONS)]
    if parser.at("+", "-"):
        parser.operator()
        operands.append(parser.operand(UPDATE_FUNCTIONS))
        if any(parser.type_of(operand) not in (None, "N") for operand in operands):
            refuse("only numbers are added")
    return path


def _addition(parser: Parser) -> Path:
    path = parser.path()
    if parser.type_of(("value", parser.value())) not in ("N", "NS", "SS", "BS"):
        refuse("ADD and DELETE take a number or a set")
    return path


def _check_overlaps(paths: list[Path]) -> None:
    for one, other in combinations(paths, 2):
        shared = min(len(one), len(other))
        if one[:shared] == other[:shared]:
            refuse(f"two document paths overlap: {one} and {other}")


def projection(parser: Parser) -> None:
    """Read a projection expression."""
    paths = parser.many(parser.path)
    _check_overlaps(paths)
    indexed = parser.request.indexed
    if indexed and (missing := {str(path[0]) for path in paths} - indexed):
        refuse(f"the index does not project {sorted(missing)}")


def key_condition(parser: Parser) -> None:
    """Read a key condition expression."""
    if foreign := {"OR", "NOT", "IN", "<>"} & set(parser.tokens):
        refuse(f"a key condition knows no {sorted(foreign)}")
    condition(parser)


def condition(parser: Parser) -> None:
    """Read a condition expression or a filter expression."""
    _check_parentheses(parser.tokens)
    _any_of(parser)


def _any_of(parser: Parser) -> None:
    _all_of(parser)
    while parser.at("OR"):
        parser.operator()
        _all_of(parser)


def _all_of(parser: Parser) -> None:
    _clause(parser)
    while parser.at("AND"):
        parser.operator()
        _clause(parser)


def _clause(parser: Parser) -> None:
    if parser.at("NOT"):
        parser.operator()
        _clause(parser)
    elif parser.at("("):
        parser.take()
        _any_of(parser)
        parser.take(")")
    elif parser.at_call(TESTS):
        parser.call(TESTS)
    else:
        _comparison(parser)


def _comparison(parser: Parser) -> None:
    left = parser.operand(SIZE)
    word = parser.operator(*COMPARISONS, "BETWEEN", "IN")
    if word == "IN":
        parser.take("(")
        others = parser.many(lambda: parser.operand(SIZE))
        parser.take(")")
        if len(others) > MAX_IN:
            refuse(f"more than {MAX_IN} operands of IN")
    else:
        others = [parser.operand(SIZE)]
        if word == "BETWEEN":
            parser.take("AND")
            others.append(parser.operand(SIZE))
    if left in others:
        refuse(f"the operands of {word} must be distinct")


def _check_parentheses(tokens: list[str]) -> None:
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token == "(":  # noqa: S105 (a token of a grammar)
            opened.append(place)
        elif token == ")" and opened:  # noqa: S105
            pairs[opened.pop()] = place
    for start, end in pairs.items():
        if pairs.get(start + 1) == end - 1:
            refuse("the expression has redundant parentheses")


ACTIONS = {"SET": _assignment, "REMOVE": Parser.path, "ADD": _addition, "DELETE": _addition}
