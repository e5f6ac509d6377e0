"""Checks of what servers with replicas say: streams, consumers, the meta group, accounts."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_cli.servers.checks.connection import (
    ConnectionThresholds,
    judge_connect,
    judge_round_trip,
)
from pynats_cli.servers.checks.consumer import ConsumerThresholds, judge_consumer
from pynats_cli.servers.checks.credential import CredentialExpectation, judge_expiry
from pynats_cli.servers.checks.jetstream import JetStreamThresholds, judge_account, judge_replicas
from pynats_cli.servers.checks.meta import MetaExpectation, judge_meta
from pynats_cli.servers.checks.request import AnswerExpectation, judge_answer
from pynats_cli.servers.checks.result import Result, Status
from pynats_cli.servers.checks.server import ServerThresholds, judge_server
from pynats_cli.servers.checks.stream import StreamThresholds, judge_stream

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def new() -> Result:
    return Result(suite="s", name="n")


def perf(result: Result) -> dict[str, float]:
    return {item.name: item.value for item in result.perf}


def peer(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "current": True, "active": SECOND, **more}


def clustered(*replicas: dict[str, Any], leader: str = "n1") -> dict[str, Any]:
    cluster = {"name": "C", "raft_group": "G", "leader": leader, "replicas": [*replicas]}
    return {"config": {"name": "S", "num_replicas": 3}, "cluster": cluster, "state": {}}


@pytest.mark.parametrize(
    ("replicas", "limits", "criticals"),
    [
        ((peer("n2"), peer("n3")), {"peer_expect": 3}, []),
        ((peer("n2"), peer("n3")), {}, []),  # the original is critical without --peer-expect
        ((peer("n2"),), {"peer_expect": 3}, ["Expected 3 replicas got 2"]),
        ((peer("n2", lag=11), peer("n3")), {"peer_lag_critical": 10}, ["1 replicas lagged"]),
        ((peer("n2", lag=10), peer("n3")), {"peer_lag_critical": 10}, []),
        ((peer("n2"), peer("n3", active=3 * SECOND)), {"peer_seen_critical": 2 * SECOND},
         ["1 replicas inactive"]),
        ((peer("n2", offline=True), peer("n3")), {"peer_expect": 3}, ["1 replicas offline"]),
    ],
)  # fmt: skip
def test_replicas_of_a_stream(
    replicas: tuple[dict[str, Any], ...], limits: dict[str, int], criticals: list[str]
) -> None:
    result = new()
    judge_stream(clustered(*replicas), StreamThresholds(**limits), result)
    assert result.criticals == criticals


def test_a_stream_without_a_leader() -> None:
    result = new()
    judge_stream(clustered(peer("n2"), leader=""), StreamThresholds(), result)
    assert result.criticals == ["No leader"]


@pytest.mark.parametrize(
    ("mirror", "criticals", "oks"),
    [
        ({"name": "O", "lag": 0, "active": SECOND}, [], ["Mirror O"]),
        ({"name": "O", "lag": 5, "active": SECOND}, ["Mirror Lag 5"], []),
        ({"name": "O", "lag": 0, "active": 90 * SECOND}, ["Mirror Seen 1m30s"], []),
        ({"name": "O", "lag": 0, "active": -1}, ["Mirror Seen never"], []),
        (None, ["not mirrored"], []),
    ],
)
def test_a_mirror(mirror: dict[str, Any] | None, criticals: list[str], oks: list[str]) -> None:
    info = {"config": {"name": "S"}, "state": {}, "mirror": mirror}
    result = new()
    judge_stream(info, StreamThresholds(lag_critical=5, seen_critical=60 * SECOND), result)
    assert result.criticals == criticals
    assert [text for text in result.oks if text.startswith("Mirror")] == oks


def test_sources_that_lag_or_are_silent() -> None:
    sources = [
        {"name": "A", "lag": 5, "active": SECOND},
        {"name": "B", "lag": 0, "active": -1},
        {"name": "C", "lag": 0, "active": 0},
    ]
    result = new()
    info = {"config": {"name": "S"}, "state": {}, "sources": sources}
    judge_stream(info, StreamThresholds(lag_critical=5, seen_critical=SECOND), result)
    assert result.criticals == ["1 sources are lagged", "2 sources are inactive"]
    assert perf(result) == {"sources": 3, "sources_lagged": 1, "sources_inactive": 2}


def consumer(**more: Any) -> dict[str, Any]:
    moved = {"last_active": "2026-01-01T00:00:00.5Z"}
    return {"config": {}, "delivered": moved, "ack_floor": moved, **more}


def judged_consumer(info: dict[str, Any], **limits: Any) -> Result:
    result = new()
    now = 1_767_225_600 * SECOND + 10 * SECOND
    judge_consumer(info, ConsumerThresholds(**limits), result, now)
    return result


def test_how_long_ago_a_consumer_moved() -> None:
    late = judged_consumer(
        consumer(), last_delivery_critical=9 * SECOND, last_ack_critical=60 * SECOND
    )
    assert late.criticals == ["Last delivery 9.5s ago"]
    assert late.oks == ["Last ack 2026-01-01 00:00:00.5 +0000 UTC"]
    assert perf(late)["last_delivery"] == 9.5
    never = judged_consumer({"config": {}}, last_delivery_critical=1, last_ack_critical=1)
    assert never.criticals == ["No deliveries", "No acks"]


@pytest.mark.parametrize(
    ("pins", "criticals", "oks"),
    [(["a", "b"], [], ["2 pinned clients"]), (["a", ""], ["1 / 2 pinned clients"], [])],
)
def test_pinned_clients(pins: list[str], criticals: list[str], oks: list[str]) -> None:
    config = {"priority_policy": "pinned_client", "priority_groups": ["g", "h"]}
    states = [{"group": "g", "pinned_client_id": pin} for pin in pins]
    result = judged_consumer({"config": config, "priority_groups": states}, pinned=True)
    assert (result.criticals, result.oks) == (criticals, oks)
    assert perf(result)["groups"] == 2


def test_the_meta_group() -> None:
    expected = MetaExpectation(expect=3, lag_critical=5, seen_critical=SECOND)
    group = {"leader": "n1", "replicas": [peer("n2"), peer("n3")]}
    good = new()
    judge_meta({"meta_cluster": group}, expected, good)
    assert (good.criticals, good.oks) == ([], ["3 peers led by n1"])
    bad = new()
    group["replicas"] = [
        peer("n2", current=False, lag=6, active=2 * SECOND, offline=True)
    ]  # fmt: skip
    judge_meta({"meta_cluster": group}, expected, bad)
    assert bad.criticals == [
        "2 peers of expected 3", "1 not current", "1 inactive more than 1s", "1 offline",
        "1 lagged more than 5 ops",
    ]  # fmt: skip
    alone = new()
    judge_meta({}, expected, alone)
    assert alone.criticals == ["no cluster information"]
    lost = new()
    judge_meta({"meta_cluster": {"replicas": [peer("n1"), peer("n2"), peer("n3")]}}, expected, lost)
    assert lost.criticals == ["No leader"]


def account(**used: int) -> dict[str, Any]:
    limits = {"max_memory": 100, "max_storage": 1000, "max_streams": 4, "max_consumers": -1}
    return {"memory": 0, "storage": 0, "streams": 0, "consumers": 0, "limits": limits, **used}


def test_the_use_of_an_accounts_limits() -> None:
    result = new()
    limits = JetStreamThresholds(streams_warn=50, streams_critical=75)
    judge_account(account(memory=90, storage=932, streams=3, consumers=50), limits, result)
    assert result.criticals == ["93% storage"]
    assert result.warnings == ["90% memory", "75% streams"]
    assert perf(result)["consumers_pct"] == 0


def test_tiers_of_an_account_are_added_up() -> None:
    result = new()
    tier = account(storage=500)
    judge_account({"tiers": {"R1": tier, "R3": tier}}, JetStreamThresholds(), result)
    assert perf(result)["storage"] == 1000
    assert perf(result)["storage_pct"] == 50


def test_an_unhealthy_stream_counts_once() -> None:
    streams = [
        clustered(peer("n2", lag=500, active=60 * SECOND), peer("n3", active=60 * SECOND)),
        clustered(peer("n2"), leader=""),
        clustered(peer("n2"), peer("n3")),
        {"config": {"num_replicas": 1}},
    ]
    result = new()
    judge_replicas(streams, JetStreamThresholds(), result)
    assert result.criticals == ["2 unhealthy streams"]
    assert perf(result) == {
        "replicas_ok": 2, "replicas_no_leader": 1, "replicas_missing_replicas": 1,
        "replicas_lagged": 1, "replicas_not_seen": 1, "replicas_fail": 2,
    }  # fmt: skip


def varz(**more: Any) -> dict[str, Any]:
    return {
        "now": "2026-01-02T00:00:00Z", "start": "2026-01-01T00:00:00Z", "cpu": 60, "mem": 1000,
        "connections": 5, "subscriptions": 50, "cores": 2, **more,
    }  # fmt: skip


def judged_server(data: dict[str, Any], **limits: Any) -> Result:
    result = new()
    judge_server(data, ServerThresholds(**limits), result)
    return result


def test_a_single_threshold_of_a_server_counts() -> None:
    assert judged_server(varz(), cpu_warn=50).warnings == ["CPU 60.00"]
    assert judged_server(varz(), cpu_critical=70).oks == ["CPU 60.00"]
    assert judged_server(varz(), uptime_critical=2 * DAY).criticals == ["Up 1d0h0m0s"]
    assert judged_server(varz(), conn_warn=10).warnings == ["Connections 5.00"]


def test_what_a_server_must_require() -> None:
    required = {"auth_required": True, "tls_required": True, "js_required": True}
    bad = judged_server(varz(), **required)
    assert bad.criticals == [
        "JetStream not enabled", "Authentication not required", "TLS not required",
    ]  # fmt: skip
    good = varz(auth_required=True, tls_required=True, jetstream={"config": {"max_memory": 1}})
    assert judged_server(good, **required).criticals == []


def test_certificates_of_a_server() -> None:
    data = varz(
        tls_cert_not_after="2026-01-12T00:00:00Z",
        cluster={"tls_cert_not_after": "2026-01-04T00:00:00Z"},
        leaf={"tls_cert_not_after": "2026-01-01T00:00:00Z"},
        gateway={"tls_cert_not_after": "0001-01-01T00:00:00Z"},
    )
    result = judged_server(data, tls_cert_warn=30 * DAY, tls_cert_crit=5 * DAY)
    assert [text.split(" TLS")[0] for text in result.criticals] == ["Cluster", "Leafnode"]
    assert [text.split(" TLS")[0] for text in result.warnings] == ["Client"]
    assert "expired" in result.criticals[1]


@pytest.mark.parametrize(
    ("left_s", "status", "words"),
    [
        (0, Status.CRITICAL, "never expires"),
        (-5, Status.CRITICAL, "expired"),
        (3600, Status.CRITICAL, "expires sooner than 2h0m0s"),
        (3 * 3600, Status.WARNING, "expires sooner than 4h0m0s"),
        (5 * 3600, Status.OK, "expires in 2001-09-09 06:46:40 +0000 UTC"),
    ],
)
def test_the_end_of_a_credential(left_s: int, status: Status, words: str) -> None:
    now = 1_000_000_000
    result = new()
    expected = CredentialExpectation(
        validity_warn=4 * 3600 * SECOND, validity_critical=2 * 3600 * SECOND
    )
    judge_expiry(now + left_s if left_s else 0, expected, result, now)
    assert result.status is status
    assert words in (result.criticals + result.warnings + result.oks)[0]


def test_durations_are_told_as_durations() -> None:
    limits = ConnectionThresholds(connect_critical=1000, req_warn=1000)
    result = new()
    judge_connect(2000, "nats://h:1", limits, result)
    judge_round_trip(2000, limits, result)
    assert result.criticals == ["connected to nats://h:1, connect time exceeded 1µs"]
    assert result.warnings == ["round trip request took 0.000002s"]


def test_headers_of_an_answer_are_matched() -> None:
    expected = AnswerExpectation(headers={"A": "1", "B": "2", "C": "3"})
    result = new()
    judge_answer(b"", {"A": "1", "B": "x"}, 1, expected, result)
    assert result.criticals == ["header B does not match", "header C is missing"]
