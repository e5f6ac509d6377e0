"""Building blocks of /metrics: families of series, and rows of a limited number of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

PREFIX = "nats_server_"
ACCOUNTS_MAX = 1000  # accounts with series of their own
OTHER = "(other)"

Family = Callable[[str, str, list[str]], GaugeMetricFamily | CounterMetricFamily]
Row = tuple[list[str], list[int]]  # labels, one value per family


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """A figure of the server that goes up and down."""
    family = labelled_gauge(name, text)
    family.add_metric([], value)
    return family


def labelled_gauge(name: str, text: str, labels: list[str] | None = None) -> GaugeMetricFamily:
    """A family of figures that go up and down."""
    return GaugeMetricFamily(PREFIX + name, text, labels=labels or [])


def counter(name: str, text: str, labels: list[str] | None = None) -> CounterMetricFamily:
    """A family of figures that only grow."""
    return CounterMetricFamily(PREFIX + name, text, labels=labels or [])


def limited_rows(rows: Iterable[Row], most: int) -> list[Row]:
    """The first `most` rows, and one under OTHER with the sums of what comes after them."""
    kept: list[Row] = []
    for labels, values in rows:
        if len(kept) < most:
            kept.append((labels, values))
        elif len(kept) == most:
            kept.append(([OTHER] * len(labels), values))
        else:
            others, sums = kept[most]
            kept[most] = others, [a + b for a, b in zip(sums, values, strict=True)]
    return kept


def account_families(
    prefix: str, families: Iterable[tuple[str, str, Family]], rows: Iterable[Row]
) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    """Families (name, text, kind) of figures per account, with the values of `rows` in their
    order; what comes after ACCOUNTS_MAX accounts is summed up."""
    kept = limited_rows(rows, ACCOUNTS_MAX)
    for index, (name, text, family_of) in enumerate(families):
        family = family_of(f"{prefix}{name}", text, ["account"])
        for labels, values in kept:
            family.add_metric(labels, values[index])
        yield family
