"""Families of series, and the text formats that Prometheus reads them in.

https://prometheus.io/docs/instrumenting/exposition_formats and https://openmetrics.io.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pynats_server.monitor.json import PAUSE, Pieces
from pynats_server.work.lists import slices

PREFIX = "nats_server_"
STEP = 256  # series written in one step
OPEN_METRICS = "application/openmetrics-text"
_TYPES = {
    False: "text/plain; version=0.0.4; charset=utf-8",
    True: f"{OPEN_METRICS}; version=1.0.0; charset=utf-8",
}

Kind = Literal["gauge", "counter", "histogram"]
Series = tuple[str, float]  # labels as text, value


@dataclass(slots=True)
class Family:
    """Series of one name, which for counters is without its `_total`. The last word of a name that
    measures something is its unit."""

    name: str
    kind: Kind
    help: str
    series: list[Series] = field(default_factory=list)

    def of(self, value: float, **labels: str) -> Family:
        """Adds a series."""
        self.series.append((labels_text(labels.items()), value))
        return self


def gauge(name: str, text: str, value: float | None = None) -> Family:
    """What goes up and down; with one series if a value is given."""
    family = Family(PREFIX + name, "gauge", text)
    return family if value is None else family.of(value)


def counter(name: str, text: str, value: float | None = None) -> Family:
    """What only grows."""
    family = Family(PREFIX + name, "counter", text)
    return family if value is None else family.of(value)


def histogram(
    name: str, text: str, bounds: Iterable[float], counts: Iterable[int], total: float
) -> Family:
    """How often something was up to each bound and above the one before; the last count is of
    those above all bounds. `total` is the sum of all."""
    family = Family(PREFIX + name, "histogram", text)
    so_far = 0
    for bound, count in zip([*map(float, bounds), float("inf")], counts, strict=True):
        so_far += count
        end = "+Inf" if bound == float("inf") else repr(bound)
        family.series.append((f'_bucket{{le="{end}"}}', so_far))
    family.series += [("_count", so_far), ("_sum", total)]
    return family


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels as they stand behind a name."""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def wants_open_metrics(accept: str) -> bool:
    """Whether who sends this Accept header reads OpenMetrics."""
    return any(
        part.split(";")[0].strip().lower() == OPEN_METRICS and "q=0;" not in part + ";"
        for part in accept.split(",")
    )


def content_type(is_open: bool) -> str:
    return _TYPES[is_open]


def exposition(families: Iterable[Family], is_open: bool) -> Pieces:
    """The text, some series at a time."""
    for family in families:
        if not family.series:
            continue
        yield "".join(_head(family, is_open)).encode("utf-8", "replace")
        total = "_total" if family.kind == "counter" else ""
        for batch in slices(family.series, STEP):
            lines = [f"{family.name}{total}{labels} {_number(value)}\n" for labels, value in batch]
            yield "".join(lines).encode("utf-8", "replace")
            yield PAUSE
    if is_open:
        yield b"# EOF\n"


def _head(family: Family, is_open: bool) -> Iterator[str]:
    name = family.name
    if family.kind == "counter" and not is_open:
        name += "_total"
    yield f"# HELP {name} {family.help}\n"
    yield f"# TYPE {name} {family.kind}\n"
    unit = family.name.rpartition("_")[2]
    if is_open and unit in ("bytes", "seconds", "ratio"):
        yield f"# UNIT {name} {unit}\n"


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
