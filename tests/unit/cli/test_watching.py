"""Live views: what is collected from events, and the screens of it."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_cli.commands.server.graph import Rates, jetstream_figures, server_figures
from pynats_cli.commands.server.watch import accounts, live, requests, servers
from pynats_cli.servers.watching.accounts import AccountStats
from pynats_cli.servers.watching.requests import Kind, RequestCounts, account_of, read_subject
from pynats_cli.servers.watching.servers import ServerStats

TIME = "2026-01-02T03:04:05Z"


def statsz(name: str, connections: int, **more: Any) -> dict[str, Any]:
    body = {
        "connections": connections, "subscriptions": 5, "mem": 1024, "cpu": 1.5, "cores": 2,
        "sent": {"msgs": 1000, "bytes": 2048}, "received": {"msgs": 1, "bytes": 1}, **more,
    }  # fmt: skip
    return {"server": {"name": name, "id": name, "time": TIME}, "statsz": body}


def test_servers_are_sorted_and_summed() -> None:
    stats = ServerStats()
    for name, connections in (("n1", 1), ("n2", 9), ("n3", 4)):
        stats.add(statsz(name, connections))
    stats.add(statsz("n1", 2))
    stats.add({"server": "x"})
    assert [row["connections"] for row in stats.top("conns", 0)] == [9, 4, 2]
    assert [row["server"]["name"] for row in stats.top("name", 2)] == ["n1", "n2"]
    screen = servers.servers_screen(stats, "conns", 2)
    assert "Top 2 Server activity by Connections" in screen
    assert "n1" not in screen
    (totals,) = [line for line in screen.splitlines() if "Totals (All Servers)" in line]
    assert "15" in totals  # all servers count
    assert "3,000 / 6.0 KiB" in totals


def test_the_leader_of_the_meta_group_is_marked() -> None:
    stats = ServerStats()
    meta = {"leader": "n1", "pending": 3,
            "snapshot": {"last_time": TIME, "last_duration": 197_000}}  # fmt: skip
    jetstream = {"stats": {"ha_assets": 2, "api": {"total": 7, "errors": 1}}, "meta": meta}
    stats.add(statsz("n1", 1, jetstream=jetstream))
    stats.add(statsz("n2", 1))
    now_ns = 1_767_323_045 * 10**9 + 60 * 10**9
    screen = servers.jetstream_screen(stats, "assets", 0, now_ns)
    assert "n1*" in screen
    assert "n2" not in screen
    assert "1m0s ago (197µs)" in screen
    assert "Totals (1 Servers)" in screen


def test_accounts_are_summed_over_servers() -> None:
    stats = AccountStats()

    def event(server: str, account: str, connections: int) -> dict[str, Any]:
        return {"server": {"id": server, "time": TIME}, "acc": account, "conns": connections,
                "sent": {"msgs": 1, "bytes": 10}}  # fmt: skip

    stats.add_event(event("1", "A", 3))
    stats.add_event(event("1", "A", 4))  # newer, of the same server
    stats.add_event(event("2", "A", 2))
    stats.add_answer({"server": {"id": "1", "time": TIME}, "data": {"account_statz": [
        {"acc": "BID", "name": "B", "conns": 20}]}})  # fmt: skip
    stats.add_event({})
    first, second = stats.top("conns", 0)
    assert (first.account, first.connections) == ("B", 20)
    assert (second.account, second.servers, second.connections) == ("A", 2, 6)
    assert "Top 1 Account activity by Sent Bytes" in accounts.accounts_screen(stats, "sentb", 1)


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("INFO", ("account_info_request", "")),
        ("STREAM.INFO.S", ("stream_info_request", "S")),
        ("STREAM.MSG.GET.S", ("stream_msg_get_request", "S")),
        ("CONSUMER.CREATE.S.C.a.b", ("consumer_create_request", "S > C")),
        ("CONSUMER.CREATE.S", ("consumer_create_request", "S")),
        ("CONSUMER.MSG.NEXT.S.C", ("consumer_getnext_request", "S > C")),
        ("DIRECT.GET.S.some.subject", ("stream_msg_direct_get_request", "S")),
        ("NEWER.THING", ("newer_request", "")),
    ],
)
def test_what_a_request_asks_for(subject: str, found: tuple[str, str]) -> None:
    assert read_subject(f"$JS.API.{subject}", "$JS.API") == found


def test_subjects_outside_and_accounts() -> None:
    assert read_subject("$JS.hub.API.INFO", "$JS.API") is None
    assert read_subject("$JS.hub.API.INFO", "$JS.hub.API") == ("account_info_request", "")
    assert read_subject("$JS.API.CONSUMER.INFO.S.C", "$JS.API", consumers=False) == (
        "consumer_info_request", "S",
    )  # fmt: skip
    assert account_of('{"acc":"A"}') == "A"
    assert account_of("{") == account_of(None) == account_of("[]") == ""


def test_requests_of_the_interval_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "rows_that_fit", lambda: 10)
    counts = RequestCounts(60)
    often, seldom = Kind("a", "A" * 40, "S"), Kind("b", "", "S > C")
    for now in (0.0, 1.0, 50.0):
        counts.add(often, now)
    for now in (51.0, 52.0):
        counts.add(seldom, now)
    assert [(count.kind.type, rate) for count, rate in counts.top(0, 55.0)] == [("a", 3), ("b", 2)]
    assert [(count.kind.type, count.total, rate) for count, rate in counts.top(1, 100.0)] == [
        ("b", 2, 2)
    ]
    screen = requests.requests_screen(counts, requests.RequestsOptions(), 55.0)
    assert "Event / 1m0s" in screen
    assert "…" in screen
    assert "A" * 40 in requests.requests_screen(
        counts, requests.RequestsOptions(compact=False), 55.0
    )
    empty = requests.requests_screen(RequestCounts(1), requests.RequestsOptions(), 0.0)
    assert empty == "Waiting for requests..."


def test_rates_of_a_server() -> None:
    rates = Rates()
    varz = {"now": TIME, "cpu": 50, "cores": 2, "mem": 7, "connections": 1, "subscriptions": 2,
            "in_msgs": 10, "out_msgs": 10}  # fmt: skip
    assert server_figures(varz, rates) == [25, 7, 1, 2, 0, 0]
    later = varz | {"now": "2026-01-02T03:04:07Z", "in_msgs": 30}
    assert server_figures(later, rates)[4] == 10
    restarted = varz | {"now": "2026-01-02T03:04:09Z", "in_msgs": 0, "out_msgs": 0}
    assert server_figures(restarted, rates)[4] == 0
    assert jetstream_figures({"now": TIME}, Rates()) == [0, 0, 0, 0, 0]
