"""The figures of a benchmark: those of each client, and of all together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_common.go.durations import SECOND_NS

from pynats_cli.commands.bench.plan import Plan

if TYPE_CHECKING:
    from pynats_bench.clients.histogram import Histogram
    from pynats_bench.clients.model import Share
    from pynats_bench.clients.timeline import Timeline


@dataclass(frozen=True)
class Figures:
    """Messages over time; of one client, or of all from the first message to the last."""

    messages: int
    payload_bytes: int
    first_ns: int
    last_ns: int
    operations: Histogram | None = None
    deliveries: Histogram | None = None

    @property
    def seconds(self) -> float:
        return max(self.last_ns - self.first_ns, 0) / SECOND_NS

    @property
    def rate(self) -> float:
        """Messages a second; 0 when they took no time that can be measured."""
        return self.messages / self.seconds if self.seconds else 0.0

    @property
    def byte_rate(self) -> float:
        """Payload a second."""
        return self.payload_bytes / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "messages": self.messages,
            "bytes": self.payload_bytes,
            "seconds": self.seconds,
            "messages_per_second": self.rate,
            "bytes_per_second": self.byte_rate,
        }
        for name, times in (
            ("operation_ns", self.operations), ("delivery_ns", self.deliveries)
        ):  # fmt: skip
            if times is not None and times.count:
                document[name] = times.to_json()
        return document


def _figures(share: Share) -> Figures:
    return Figures(
        share.messages, share.payload_bytes, share.first_ns, share.last_ns,
        share.operations, share.deliveries,
    )  # fmt: skip


@dataclass
class Outcome:
    """How a benchmark ended: complete, or with what was done before an interrupt or an error."""

    plan: Plan
    run_id: str
    shares: Sequence[Share]
    error: str = ""
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)
    timeline: Timeline | None = None

    @property
    def clients(self) -> list[tuple[int, Figures]]:
        """The number of each client that has done anything, and what."""
        return [(share.number, _figures(share)) for share in self.shares if share.messages]

    @property
    def total(self) -> Figures:
        """All clients together."""
        parts = [figures for _, figures in self.clients]
        if not parts:
            return Figures(0, 0, 0, 0)
        from pynats_bench.clients.histogram import all_together

        return Figures(
            sum(part.messages for part in parts),
            sum(part.payload_bytes for part in parts),
            min(part.first_ns for part in parts),
            max(part.last_ns for part in parts),
            all_together(part.operations for part in parts),
            all_together(part.deliveries for part in parts),
        )

    def rates(self) -> dict[str, int]:
        """How the clients' rates are spread, in whole messages a second."""
        rates = [int(figures.rate) for _, figures in self.clients]
        mean = sum(rates) / len(rates) if rates else 0.0
        spread = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / len(rates)) if rates else 0.0
        return {
            "min": min(rates, default=0),
            "avg": int(mean),
            "max": max(rates, default=0),
            "stddev": int(spread),
        }

    def to_json(self) -> dict[str, Any]:
        """The one document of `--json`."""
        document: dict[str, Any] = {
            "run_id": self.run_id,
            "benchmark": self.plan.kind.label,
            "settings": self.plan.settings_json(),
            "complete": not self.error and not self.interrupted,
            "clients": [
                {"client": number, **figures.to_json()} for number, figures in self.clients
            ],
            "aggregate": {**self.total.to_json(), "client_rates": self.rates()},
        }
        if self.timeline is not None:
            document["timeline"] = self.timeline.to_json()
        if self.error:
            document["error"] = self.error
        if self.warnings:
            document["warnings"] = self.warnings
        return document
