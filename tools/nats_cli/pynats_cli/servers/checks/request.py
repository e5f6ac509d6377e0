"""A service: what it answers to a request, and how soon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pynats_common.go.durations import format_duration_ns

from pynats_cli.servers.checks.patterns import require
from pynats_cli.servers.checks.result import Result, seconds


@dataclass(kw_only=True)
class AnswerExpectation:
    """What is expected of an answer; None = not checked. Durations in nanoseconds."""

    payload: re.Pattern[str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    response_warn: int | None = None
    response_critical: int | None = None


def judge_answer(
    body: bytes, headers: Mapping[str, str], took_ns: int, expected: AnswerExpectation,
    result: Result,
) -> None:  # fmt: skip
    """Judges an answer and the time it took."""
    measure_time(took_ns, expected, result)
    if expected.payload is not None:
        require(expected.payload, body, "response does not match regexp", result)
    for name, wanted in expected.headers.items():
        if name not in headers:
            result.critical(f"header {name} is missing")
        elif headers[name] != wanted:
            result.critical(f"header {name} does not match")
    took = f"response took {format_duration_ns(took_ns)}"
    if expected.response_critical is not None and took_ns >= expected.response_critical:
        result.critical(took)
    elif expected.response_warn is not None and took_ns >= expected.response_warn:
        result.warn(took)
    if not result.criticals and not result.warnings:
        result.ok("Valid response")


def measure_time(took_ns: int, expected: AnswerExpectation, result: Result) -> None:
    """Adds the time; also for a request that failed."""
    result.measured(
        "time", took_ns / 1e9, "How long the request took",
        warning=seconds(expected.response_warn), critical=seconds(expected.response_critical),
        unit="s",
    )  # fmt: skip
