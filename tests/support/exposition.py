"""What /metrics says, read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text


def families_of(text: str, is_open: bool = False) -> list[Metric]:
    """All families; fails on what Prometheus would not read."""
    return list(open_metrics(text) if is_open else plain_text(text))


def series_of(text: str, is_open: bool = False) -> dict[str, float]:
    """{series: value}, with our prefix left out of the names."""
    found: dict[str, float] = {}
    for family in families_of(text, is_open):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            name = sample.name.removeprefix("nats_server_") + (f"{{{labels}}}" if labels else "")
            assert name not in found, f"{name} is there twice"
            found[name] = float(sample.value)
    return found
