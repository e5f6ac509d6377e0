"""What an expression of PromQL names: metrics, and the labels asked of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_METRIC = re.compile(r"\b(nats_server_\w+|up)\b(?:\s*\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Named:
    """A metric, and the labels that are asked of its series."""

    metric: str
    labels: frozenset[str]


def metrics(expression: str) -> Iterator[Named]:
    """All of them."""
    for metric, matchers in _METRIC.findall(expression):
        yield Named(metric, frozenset(_MATCHER.findall(matchers)))


def groupings(expression: str) -> set[str]:
    """Labels that the expression groups by."""
    return {
        label.strip()
        for listed in _GROUPING.findall(expression)
        for label in listed.split(",")
        if label.strip()
    }
