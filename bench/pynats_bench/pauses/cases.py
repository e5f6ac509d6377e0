"""What one tenant may do to a server, in order of the groups that share one."""

from __future__ import annotations

from pynats_bench.pauses import (
    api_cases,
    consumer_cases,
    pending_cases,
    routing_cases,
    stream_cases,
    timed_cases,
)
from pynats_bench.pauses.world import Case

CASES: tuple[Case, ...] = (
    *stream_cases.CASES,
    *timed_cases.CASES,
    *consumer_cases.CASES,
    *pending_cases.CASES,
    *api_cases.CASES,
    *routing_cases.CASES,
)
