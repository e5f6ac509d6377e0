"""Screens about servers, from what servers say."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_cli.commands.server.compact import compact_names
from pynats_cli.commands.server.info_screen import info_screen
from pynats_cli.commands.server.listing import Seen, _screens
from pynats_cli.commands.server.ping import _summary
from pynats_cli.commands.server.report.health import _screen as health_screen
from pynats_cli.commands.server.report.usage import bars
from pynats_cli.screen.columns import Columns


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["n1.eu.example.net", "n2.eu.example.net"], ["n1", "n2"]),
        (["n1.eu.example.net", "n2.us.example.net"], ["n1.eu", "n2.us"]),
        (["n1", "n2"], ["n1", "n2"]),
        (["a.b", "b"], ["a.b", "b"]),
        (["n1.example.net"], ["n1"]),
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "127.0.0.1"]),
        (["n1.x", "10.0.0.1", "n2.x", "::1"], ["n1", "10.0.0.1", "n2", "::1"]),
        ([], []),
    ],
)
def test_names_without_what_all_share(names: list[str], short: list[str]) -> None:
    assert compact_names(names) == short


def test_lines_of_a_value_and_sections_that_follow_each_other() -> None:
    screen = Columns("Heading")
    screen.section("Empty")
    screen.section("Some")
    screen.add("URLs", "one\ntwo")
    screen.space()
    screen.add("A", "b")
    assert screen.render() == (
        "Heading\n\nEmpty:\n\nSome:\n\n  URLs: one\n        two\n\n     A: b"
    )


def test_bars() -> None:
    text = bars("Title", {"a": 0, "bb": 5, "c": 10}, lambda value: f"{value}%")
    assert text == f"Title\n\n   a: ▏ (0%)\n  bb: {'█' * 15} (5%)\n   c: {'█' * 30} (10%)"
    assert bars("Title", {"a": 0}, str) == "Title\n\n  a: ▏ (0)"


def seen(name: str, cluster: str, routes: int, gateways: list[dict[str, Any]]) -> Seen:
    server = {"name": name, "host": f"{name}.example.net", "cluster": cluster, "ver": "2.15.1"}
    stats = {"routes": [{}] * routes, "gateways": gateways, "connections": 2,
             "start": "2026-01-01T00:00:00Z"}  # fmt: skip
    return Seen({"server": server, "statsz": stats}, 1_500_000)


def test_who_differs_is_marked_and_clusters_are_summed() -> None:
    gateway = {"name": "B", "inbound_connections": 3}
    text = _screens(
        [seen("n1", "A", 2, [gateway]), seen("n2", "A", 2, [gateway]), seen("n3", "A", 1, [])],
        compact=True,
    )
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines()
             if "│" in line]  # fmt: skip
    by_name = {line[0]: line for line in lines}
    assert by_name["n1"][2] == "n1" and by_name["n1"][7:9] == ["2", "1"]
    assert by_name["n3"][7:9] == ["1 X", "0 X"]
    assert by_name["A"] == ["A", "3", "2", "6", "6"]


def test_info_of_clusters_and_gateways() -> None:
    text = info_screen(
        {
            "server_name": "n1", "server_id": "NID", "version": "2.15.1", "uptime": "5s",
            "host": "h", "port": 4222, "connect_urls": ["a:1", "b:2"], "write_deadline": 10**10,
            "cluster": {"name": "C", "addr": "h", "cluster_port": 6222, "urls": ["r:1"]},
            "tags": ["x", "y"],
            "gateway": {"name": "G", "host": "h", "port": 7222, "gateways": [{"name": "G2"}]},
        }
    ).render()  # fmt: skip
    assert "Client URLs: a:1\n" in text and "Tags: x, y" in text
    assert "\nCluster:\n" in text and "\nSuper Cluster:\n" in text and "Clusters: G2" in text
    assert "JetStream" not in text


def test_times_of_pings_are_not_rounded_to_milliseconds() -> None:
    assert _summary([250_000, 1_500_000], graph=False) == (
        "\n---- ping statistics ----\n2 replies max: 1.50 min: 0.25 avg: 0.88"
    )


@pytest.mark.parametrize(("clusters", "count"), [(["", ""], "1"), (["C", "C", "D"], "2")])
def test_servers_outside_of_clusters_count_as_one(
    clusters: list[str], count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", "csv")
    healthy = {"status": "ok", "status_code": 200}
    documents = [{"server": {"name": "n", "cluster": name}, "data": healthy} for name in clusters]
    sums = health_screen(documents).splitlines()[-1].split(",")
    assert sums[:2] == [str(len(clusters)), count]
