"""Expressions over messages, as functions: what most conditions are made of without a walk.

Fields of maps, comparisons of numbers and texts, `and`, `or`. Everything else, and every value that
is not what it should be, is left to the language itself, so that both say the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from pynats_cli.expressions import Expression, Instant, nodes
from pynats_cli.expressions.parser import parse
from pynats_cli.jetstream.query.records import Record

NAMES = ("data", "headers", "subject", "sequence", "time", "size")
"""What expressions may name."""

Get = Callable[[Record], Any]

_NAMED: dict[str, Get] = {
    "data": lambda record: record.data,
    "headers": lambda record: dict(record.headers),
    "subject": lambda record: record.subject,
    "sequence": lambda record: record.sequence,
    "time": lambda record: Instant(record.time_ns),
    "size": lambda record: len(record.body),
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le,
    ">=": operator.ge,
}  # fmt: skip
_PLAIN = (int, float, str)


class Fields(dict[str, Any]):
    """The values of the names, made when one is asked for."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def get(self, key: str, default: Any = None) -> Any:
        return _NAMED[key](self._record) if key in _NAMED else default


def compiled(text: str) -> Get:
    """The value of an expression for a message. Raises ExpressionError, now and then."""
    return _built(parse(text, frozenset(NAMES)))


def _built(node: nodes.Node) -> Get:
    match node:
        case nodes.Literal():
            value = node.value
            return lambda record: value
        case nodes.Name():
            return _NAMED[node.name]
        case nodes.Member(key=nodes.Literal(value=str())):
            return _member(node)
        case nodes.Binary() if node.sign in _COMPARISONS:
            return _comparison(node)
        case nodes.Binary() if node.sign in ("and", "or"):
            return _logic(node)
    return _walked(node)


def _walked(node: nodes.Node) -> Get:
    expression = Expression(node, {})
    return lambda record: expression.value(Fields(record))


def _member(node: nodes.Member) -> Get:
    of, walked = _built(node.of), _walked(node)
    assert isinstance(node.key, nodes.Literal)
    key = node.key.value

    def get(record: Record) -> Any:
        found = of(record)
        if type(found) is dict and key in found:
            return found[key]
        return walked(record)

    return get


def _comparison(node: nodes.Binary) -> Get:
    left, right, walked = _built(node.left), _built(node.right), _walked(node)
    compare = _COMPARISONS[node.sign]

    def get(record: Record) -> Any:
        one, other = left(record), right(record)
        kind, other_kind = type(one), type(other)
        if kind in _PLAIN and other_kind in _PLAIN and (kind is str) == (other_kind is str):
            return compare(one, other)
        return walked(record)

    return get


def _logic(node: nodes.Binary) -> Get:
    left, right, walked = _built(node.left), _built(node.right), _walked(node)
    decides = node.sign == "or"

    def get(record: Record) -> Any:
        found = left(record)
        if found is decides:
            return found
        second = right(record) if found is not decides and type(found) is bool else None
        return second if type(second) is bool else walked(record)

    return get
