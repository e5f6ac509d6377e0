"""The shapes of what benchmarks print, as the original documentation shows them."""

from __future__ import annotations

import re

_TIME = r"[\d,]+\.\d\dus"
RATE = r"[\d,]+ msgs/sec ~ [\d.]+ (?:B|KiB|MiB|GiB)/sec"
LATENCY = (
    rf" ~ min: {_TIME} ~ avg: {_TIME} ~ max: {_TIME} ~ P50: {_TIME} ~ P90: {_TIME} ~ P99: {_TIME}"
    rf" ~ P99\.9: {_TIME}"
)
SPREAD = (
    rf"min {_TIME} \| avg {_TIME} \| max {_TIME} \| stddev {_TIME} \| P50 {_TIME} \| P90 {_TIME} "
    rf"\| P99 {_TIME} \| P99\.9: {_TIME}"
)
CSV_HEAD = "#RunID,ClientID,MsgCount,MsgBytes,MsgsPerSec,BytesPerSec,DurationSecs"
CSV_TIMES = "".join(
    f",{name}LatencyMicroSecs"
    for name in ("Min", "Avg", "Max", "P50", "P90", "P99", "P99.9", "StdDev")
)


def result(
    label: str, clients: list[int], timed: bool, deliveries: bool = False
) -> re.Pattern[str]:
    """What is on standard output for clients with so many messages each."""
    latency = LATENCY if timed else ""
    name = re.escape(label)
    more = rf" delivery latencies {SPREAD}\n" if deliveries else ""
    if len(clients) == 1:
        return re.compile(rf"\nNATS {name} stats: {RATE}{latency}\n{more}\n")
    rows = "".join(
        rf"  \[{number}\] {RATE}{latency} \({messages:,} msgs\)\n"
        for number, messages in enumerate(clients, 1)
    )
    spread = rf" latencies per operation {SPREAD}\n" if timed else ""
    return re.compile(
        rf"\n{rows}\n NATS {name} aggregated stats: {RATE}\n"
        r" message rates min [\d,]+ \| avg [\d,]+ \| max [\d,]+ \| stddev [\d,]+ msgs\n"
        rf"{spread}{more}\n"
    )


def untimed(text: str) -> list[str]:
    """The lines of standard error without the time before each."""
    lines = text.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines), text
    return [line[9:] for line in lines]
