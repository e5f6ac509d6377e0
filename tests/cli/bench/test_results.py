"""The figures of a benchmark, as lines, rows and a document."""

from __future__ import annotations

import csv
import json

import pytest
from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.lines import csv_text, result_lines
from pynats_cli.commands.bench.results import Outcome

from tests.cli.bench.made import outcome, share


def test_one_client() -> None:
    some = outcome(plan.PUB, share(1, 1_500_000, 1.0, operations=[80, 99, 250]))
    assert result_lines(some) == [
        "",
        "NATS Core NATS publisher stats: 1,500,000 msgs/sec ~ 183 MiB/sec ~ min: 0.08us ~ "
        "avg: 0.14us ~ max: 0.25us ~ P50: 0.09us ~ P90: 0.25us ~ P99: 0.25us ~ P99.9: 0.25us",
        "",
    ]


def test_one_client_without_latencies() -> None:
    assert result_lines(outcome(plan.SUB, share(1, 10, 0.5)))[1] == (
        "NATS Core NATS subscriber stats: 20 msgs/sec ~ 2.5 KiB/sec"
    )


def test_deliveries_come_after_the_documented_lines() -> None:
    lines = result_lines(outcome(plan.SUB, share(1, 10, 0.5, deliveries=[100, 200])))
    assert lines[2:] == [
        " delivery latencies min 0.10us | avg 0.15us | max 0.20us | stddev 0.05us | P50 0.10us | "
        "P90 0.20us | P99 0.20us | P99.9: 0.20us",
        "",
    ]


def test_several_clients() -> None:
    some = outcome(
        plan.KV_GET,
        share(1, 334, 1.0, begins=0.0, operations=[100]),
        share(2, 333, 1.0, begins=1.0, operations=[200, 240]),
    )
    assert result_lines(some) == [
        "",
        "  [1] 334 msgs/sec ~ 42 KiB/sec ~ min: 0.10us ~ avg: 0.10us ~ max: 0.10us ~ P50: 0.10us "
        "~ P90: 0.10us ~ P99: 0.10us ~ P99.9: 0.10us (334 msgs)",
        "  [2] 333 msgs/sec ~ 42 KiB/sec ~ min: 0.20us ~ avg: 0.22us ~ max: 0.24us ~ P50: 0.20us "
        "~ P90: 0.24us ~ P99: 0.24us ~ P99.9: 0.24us (333 msgs)",
        "",
        " NATS JetStream KV getter aggregated stats: 333 msgs/sec ~ 42 KiB/sec",
        " message rates min 333 | avg 333 | max 334 | stddev 0 msgs",
        " latencies per operation min 0.10us | avg 0.18us | max 0.24us | stddev 0.05us | "
        "P50 0.20us | P90 0.24us | P99 0.24us | P99.9: 0.24us",
        "",
    ]


def test_what_has_done_nothing_is_not_shown() -> None:
    assert result_lines(outcome(plan.SUB, share(1, 0, 0.0))) == []
    some = outcome(plan.SUB, share(1, 5, 1.0), share(2, 0, 0.0))
    assert [line for line in result_lines(some) if line.startswith("  [")] == [
        "  [1] 5 msgs/sec ~ 640 B/sec (5 msgs)"
    ]


def test_one_message_takes_no_time() -> None:
    assert result_lines(outcome(plan.SUB, share(1, 1, 0.0)))[1].endswith(": 0 msgs/sec ~ 0 B/sec")


def rows_of(some: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(csv_text(some).splitlines()))


def test_rows() -> None:
    some = outcome(
        plan.JS_ASYNC,
        share(1, 200, 0.5, operations=[100, 200]),
        share(2, 100, 2.0, operations=[240]),
    )
    first, second = rows_of(some)
    assert first == {
        "#RunID": "RUN", "ClientID": "P0", "MsgCount": "200", "MsgBytes": "25600",
        "MsgsPerSec": "400", "BytesPerSec": "51200.000000", "DurationSecs": "0.500000",
        "MinLatencyMicroSecs": "0.100000", "AvgLatencyMicroSecs": "0.150000",
        "MaxLatencyMicroSecs": "0.200000", "P50LatencyMicroSecs": "0.100000",
        "P90LatencyMicroSecs": "0.200000", "P99LatencyMicroSecs": "0.200000",
        "P99.9LatencyMicroSecs": "0.200000", "StdDevLatencyMicroSecs": "0.050000",
    }  # fmt: skip
    assert (second["ClientID"], second["StdDevLatencyMicroSecs"]) == ("P1", "0.000000")


def test_rows_without_latencies() -> None:
    assert csv_text(outcome(plan.SUB, share(1, 10, 0.5))) == (
        "#RunID,ClientID,MsgCount,MsgBytes,MsgsPerSec,BytesPerSec,DurationSecs\n"
        "RUN,S0,10,1280,20,2560.000000,0.500000\n"
    )


def test_the_document() -> None:
    some = outcome(plan.PUB, share(1, 10, 0.5, operations=[100]), error="lost", warnings=["w"])
    document = json.loads(json.dumps(some.to_json()))
    assert document["complete"] is False
    assert (document["error"], document["warnings"]) == ("lost", ["w"])
    assert document["settings"] == {
        "clients": 1, "msg_size_bytes": 128, "msgs": 10, "subject": "foo"
    }  # fmt: skip
    assert document["clients"][0]["operation_ns"]["p99.9"] == 100
    assert document["aggregate"]["messages_per_second"] == pytest.approx(20)
    assert document["aggregate"]["client_rates"] == {"min": 20, "avg": 20, "max": 20, "stddev": 0}
