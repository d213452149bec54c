"""Queries of the table in memory, by the key conditions and projections that the layer writes."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item

KEYS = {"": ("pk", "sk"), "by_tenant": ("tenantCode", "code"), "attention": ("attention", "dueAt")}
"""Partition key and sort key of the table and of its indexes."""

_CLAUSE = re.compile(r"(\w+) (=|<=|>=) (:\w+)|begins_with\((\w+), (:\w+)\)")
_COMPARE = {"=": operator.eq, "<=": operator.le, ">=": operator.ge}


def page(
    items: Iterable[Item], condition: str, values: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[list[Item], Item | None]:
    """Items in the order of the index, and the key that the page ended at when ``Limit`` ended it."""
    index = options.get("IndexName", "")
    partition, sort = KEYS[index]
    clauses = [_clause(text, values) for text in condition.split(" AND ")]
    found = [i for i in items if {partition, sort} <= set(i) and all(holds(i) for holds in clauses)]
    if index:  # which projects keys only
        found = [{name: item[name] for name in ("pk", "sk", partition, sort)} for item in found]
    backwards = not options.get("ScanIndexForward", True)
    found.sort(key=lambda item: _position(item, sort), reverse=backwards)
    if start := options.get("ExclusiveStartKey"):
        after = operator.lt if backwards else operator.gt
        begin = _position(decode_item(start), sort)
        found = [item for item in found if after(_position(item, sort), begin)]
    limit = options.get("Limit", len(found) + 1)
    last = found[limit - 1] if len(found) >= limit else None
    return found[:limit], {name: last[name] for name in ("pk", "sk", partition, sort)} if last else None


def projected(item: Item, options: Mapping[str, Any]) -> Item:
    """What ``ProjectionExpression`` leaves of an item, all of it where there is none."""
    if "ProjectionExpression" not in options:
        return item
    names, kept = options.get("ExpressionAttributeNames", {}), {}
    for path in options["ProjectionExpression"].split(", "):
        first, *inner = [names.get(name, name) for name in path.split(".")]
        if not inner and first in item:
            kept[first] = item[first]
        elif inner and inner[0] in item.get(first, {}):
            kept.setdefault(first, {})[inner[0]] = item[first][inner[0]]
    return kept


def _clause(text: str, values: Mapping[str, Any]) -> Any:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise NotImplementedError(f"key condition {text!r}")
    name, comparison, value, prefixed, prefix = match.groups()
    if prefixed:
        return lambda item: item[prefixed].startswith(values[prefix])
    return lambda item: _COMPARE[comparison](item[name], values[value])


def _position(item: Item, sort: str) -> tuple[str, ...]:
    return (item[sort], item["pk"], item["sk"])
