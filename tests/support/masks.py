"""JSON without what differs between two servers, two runs or two moments: `masked` shows the names
of such values instead of them, a `Shape` their types."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

MASKED = {
    "rtt", "service", "system", "total", "id", "start", "timestamp", "host", "server", "stop",
    "time",
}  # fmt: skip


def masked(value: Any, names: Collection[str]) -> Any:
    """JSON in which the values of these names are not shown."""
    if isinstance(value, dict):
        answered = value.get("status") == 200  # of a latency, in which a service may take 0
        return {
            name: "<" + name + ">"
            if name in names and (inner or answered)
            else masked(inner, names)
            for name, inner in value.items()
        }
    return [masked(each, names) for each in value] if isinstance(value, list) else value


def _as_it_is(value: dict[str, Any]) -> dict[str, Any]:
    return value


@dataclass(frozen=True, slots=True)
class Shape:
    """Names in order, and the stable values. `unordered`: lists whose order nobody promises;
    `absent`: what is left out; `prepare` may change the names of an object, too. With `shows_empty`
    a text that is empty is shown so, also where it would vary."""

    volatile: Collection[str]
    unordered: Collection[str]
    absent: Collection[str] = ()
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = _as_it_is
    shows_empty: bool = False

    def of(self, value: Any, name: str = "") -> Any:
        """The shape of a value with this name."""
        if name in self.volatile and not (self.shows_empty and value == ""):
            return "number" if isinstance(value, int | float) else type(value).__name__
        if isinstance(value, dict) and name == "metadata":
            return dict(sorted(value.items()))
        if isinstance(value, dict):
            return {
                key: self.of(item, key)
                for key, item in self.prepare(value).items()
                if key not in self.absent
            }
        if isinstance(value, list):
            items = [self.of(item) for item in value]
            return sorted(items, key=repr) if name in self.unordered else items
        return value
