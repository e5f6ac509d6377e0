"""Health checks: exit codes, and the lines for Nagios where they hold no times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

SYSTEM = "--user sys --password sys"
_USAGE = "bad usage is UNKNOWN: Nagios would read 1 as a warning"
_ZERO = "a flag wins over the stream's own threshold, as its help says, also with 0"
_DEFAULTS = "the original's defaults win over the consumer's own thresholds"
_COUNT = "a count of streams has no unit"
_HEADERS = "the original sends the headers that were to be matched"
_PATIENT = " ".join(
    f"--{what}-warn 20s --{what}-critical 30s" for what in ("connect", "rtt", "req")
)
_LAST = "the original finds its own default invalid"


def api(subject: str, **request: Any) -> str:
    return f"req '$JS.API.{subject}' '{json.dumps(request)}' --raw"


def stream(name: str, **more: Any) -> str:
    config = {"name": name, "storage": "file", "retention": "limits", "num_replicas": 1}
    return api(f"STREAM.CREATE.{name}", **config, **more)


def checked(command: str, **more: Any) -> Line:
    return Line(f"server check {command}", text=True, **more)


_STREAMS = (
    stream("S1", subjects=["s1.>"]),
    "pub 's1.{{Count}}' 'hello{{Count}}' --count 14",
    stream("M1", mirror={"name": "S1"}),
    stream("SR", sources=[{"name": "S1"}]),
    api("CONSUMER.CREATE.S1.C1", stream_name="S1", config={"name": "C1", "durable_name": "C1",
                                                          "ack_policy": "explicit"}),
)  # fmt: skip
_BUCKET = (
    stream("KV_B1", subjects=["$KV.B1.>"], max_msgs_per_subject=1, allow_rollup_hdrs=True,
           deny_delete=True),
    "pub '$KV.B1.k{{Count}}' value --count 13",
    "pub '$KV.B1.k1' '' -H KV-Operation:DEL",
)  # fmt: skip

SCENES: dict[str, tuple[str, Scene]] = {
    "connection": ("system", (
        f"server check connection {_PATIENT}",
        f"server check conn --format json {_PATIENT}",
        f"server check connection --format prometheus {_PATIENT}",
        f"server check connection --format text {_PATIENT}",
        "server check connection --rtt-critical 1ns --rtt-warn 1ns",
        "server check connection --req-critical 1h --req-warn 1ns",
        "server check connection --connect-warn 0s --connect-critical 0s",
        "server check connection -s nats://127.0.0.1:1",
        "server check connection -s nats://127.0.0.1:1 --format prometheus",
        "server check connection -s nats://127.0.0.1:1 --format json",
        "server check connection --user app --password wrong",
    )),
    "stream": ("system", (
        *_STREAMS,
        checked("stream --stream S1"),
        checked("stream --stream S1 --format json"),
        checked("stream --stream S1 --format prometheus"),
        checked("stream --stream S1 --msgs-critical 200 --msgs-warn 100"),
        checked("stream --stream S1 --msgs-critical 5 --msgs-warn 14"),
        checked("stream --stream S1 --msgs-critical 14"),
        checked("stream --stream S1 --msgs-warn 13"),
        checked("stream --stream S1 --subjects-warn 10 --subjects-critical 20"),
        checked("stream --stream S1 --subjects-warn 20 --subjects-critical 10"),
        checked("stream --stream S1 --subjects-warn 30 --subjects-critical 20"),
        checked("stream --stream S1 --subjects-critical 10"),
        checked("stream --stream S1 --lag-critical 10"),
        checked("stream --stream S1 --peer-expect 1"),
        checked("stream --stream S1 --peer-lag-critical 1"),
        checked("stream --stream S1 --min-sources 1"),
        checked("stream --stream SR --min-sources 1 --max-sources 1"),
        checked("stream --stream SR --min-sources 2"),
        checked("stream --stream SR --max-sources 0"),
        "server check stream --stream M1 --seen-critical 1ns",
        checked("stream --stream NOPE"),
        checked("stream --stream 'a b'"),
        Line("server check stream", differs=_USAGE, code=3),
        Line("server check stream --stream S1 --peer-expect x", differs=_USAGE, code=3),
        Line("server check stream --stream S1 --format bogus", differs=_USAGE, code=3),
        "server check stream --stream S1 --outfile {home}/result",
        Line("server check stream --stream S1 --outfile /nowhere/result", differs=_USAGE, code=3),
    )),
    "metadata": ("system", (
        stream("T1", subjects=["t1"], metadata={
            "io.nats.monitor.msgs-critical": "10", "io.nats.monitor.msgs-warn": "20",
        }),
        stream("T2", subjects=["t2"], metadata={"io.nats.monitor.msgs-critical": "x"}),
        stream("T3", subjects=["t3"], metadata={
            "io.nats.monitor.enabled": "false", "io.nats.monitor.peer-expect": "3",
            "io.nats.monitor.min-sources": "1",
        }),
        api("CONSUMER.CREATE.T1.C1", stream_name="T1", config={
            "name": "C1", "durable_name": "C1", "ack_policy": "explicit",
            "metadata": {"io.nats.monitor.unprocessed-critical": "2"},
        }),
        "pub t1 x", "pub t1 x", "pub t1 x",
        checked("stream --stream T1"),
        checked("stream --stream T1 --msgs-critical 1 --msgs-warn 2", differs=_ZERO, code=0),
        Line("server check stream --stream T1 --msgs-critical 0 --msgs-warn 0",
             differs=_ZERO, code=0),
        "server check stream --stream T2",
        checked("stream --stream T3"),
        checked("consumer --stream T1 --consumer C1", differs=_DEFAULTS, code=2),
        checked("consumer --stream T1 --consumer C1 --unprocessed-critical 100"),
    )),
    "consumer": ("system", (
        *_STREAMS,
        checked("consumer --stream S1 --consumer C1"),
        checked("consumer --stream S1 --consumer C1 --format json"),
        checked("consumer --stream S1 --consumer C1 --unprocessed-critical 14"),
        checked("consumer --stream S1 --consumer C1 --unprocessed-critical 15"),
        checked("consumer --stream S1 --consumer C1 --waiting-critical 0"),
        checked("consumer --stream S1 --consumer C1 --outstanding-ack-critical 5 "
                "--redelivery-critical 1"),
        checked("consumer --stream S1 --consumer C1 --last-delivery-critical 1s"),
        checked("consumer --stream S1 --consumer C1 --last-ack-critical 1s"),
        checked("consumer --stream S1 --consumer C1 --pinned"),
        checked("consumer --stream S1 --consumer NOPE"),
        checked("consumer --stream NOPE --consumer C1"),
        Line("server check consumer --stream S1", differs=_USAGE, code=3),
    )),
    "message": ("system", (
        *_STREAMS,
        Line("server check message --stream S1", differs=_LAST, code=0),
        "server check message --stream S1 --subject s1.3",
        "server check message --stream S1 --subject s1.3 --age-warn 1h --age-critical 2h",
        "server check message --stream S1 --subject s1.3 --age-warn 1ns --age-critical 2h",
        "server check message --stream S1 --subject s1.3 --age-warn 1ns --age-critical 1ns",
        "server check message --stream S1 --subject s1.3 --content '^hello3$'",
        "server check message --stream S1 --subject s1.3 --content nope",
        "server check message --stream S1 --subject s1.3 --body-timestamp",
        checked("message --stream S1 --subject s1.nope"),
        checked("message --stream NOPE --subject s1.nope"),
        "pub s1.ts 1000000000",
        "server check message --stream S1 --subject s1.ts --body-timestamp --age-critical 1d",
    )),
    "servers": ("system", (
        "server check meta --expect 1 --lag-critical 1 --seen-critical 1s",
        checked(f"meta --expect 1 --lag-critical 1 --seen-critical 1s {SYSTEM}"),
        Line("server check meta", differs=_USAGE, code=3),
        "server check server --name x",
        Line("server check server", differs=_USAGE, code=3),
        checked("jetstream", differs=_COUNT, code=0),
        checked(f"jetstream --no-replicas {SYSTEM}", differs="said once", code=2),
        checked("jetstream --streams-critical 1 --streams-warn 1", differs=_COUNT,
                code=2),
        checked("jetstream --no-replicas --mem-warn=-1 --mem-critical=-1"),
        checked("jetstream --no-replicas --mem-warn=90 --mem-critical=80"),
    )),
    "bucket": ("system", (
        *_BUCKET,
        "server check kv --bucket B1",
        "server check kv --bucket B1 --values-critical 1",
        "server check kv --bucket B1 --values-warn 1",
        "server check kv --bucket B1 --values-critical 100",
        "server check kv --bucket B1 --values-warn 100 --values-critical 50",
        "server check kv --bucket B1 --values-warn 5 --values-critical 50",
        "server check kv --bucket B1 --values-warn 50 --values-critical 5",
        "server check kv --bucket B1 --key k2",
        "server check kv --bucket B1 --key k1",
        "server check kv --bucket B1 --key nope",
        checked("kv --bucket NOPE"),
        checked("kv --bucket a.b"),
        Line("server check kv", differs=_USAGE, code=3),
    )),
    "request": ("system", (
        Line("reply svc 'hello'", ready="Listening"),
        "server check request --subject svc",
        "server check request --subject svc --payload x --headers a:b --match-payload hel",
        "server check request --subject svc --match-payload nope",
        Line("server check request --subject svc --match-headers X:y", differs=_HEADERS, code=2),
        "server check request --subject svc --response-warn 1h --response-critical 2h",
        "server check request --subject nobody",
        Line("server check request", differs=_USAGE, code=3),
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tool(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
