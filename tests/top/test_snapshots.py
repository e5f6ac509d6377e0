"""`pynats top` without a screen, against a server: what it prints equals what the server says."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_common.go.times import parse_instant_ns

from tests.cli.conftest import Cli
from tests.support.process import ServerProcess
from tests.top.conftest import SUBJECTS, Run, port_of

SYSTEM = ("--user", "sys", "--password", "sys")
FAST = ("-d", "0.05")


def document(cli: Cli, *arguments: str) -> Any:
    result = cli.run("top", "--json", *FAST, *arguments)
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.fixture(params=["monitoring", "system"])
def way(request: pytest.FixtureRequest, server: ServerProcess) -> list[str]:
    """Both ways to the same server."""
    if request.param == "monitoring":
        return ["-s", server.monitor_url]
    return ["-s", f"nats://127.0.0.1:{server.port}", *SYSTEM]


def test_figures_equal_those_of_the_server(cli: Cli, server: ServerProcess, way: list[str]) -> None:
    (made,) = document(cli, *way, "--view", "all")["servers"]
    varz, connz = server.monitoring("/varz"), server.monitoring("/connz?auth=1&subs=1")
    head = made["server"]
    for ours, theirs in {
        "id": "server_id", "name": "server_name", "version": "version", "port": "port",
        "cores": "cores", "max_connections": "max_connections", "routes": "routes",
        "slow_consumers": "slow_consumers",
    }.items():  # fmt: skip
        assert head[ours] == varz[theirs], ours
    assert parse_instant_ns(head["start"]) == parse_instant_ns(varz["start"])
    assert head["js_storage"] == varz["jetstream"]["stats"]["storage"] > 0
    assert 0 < head["memory"] < 1 << 32

    by_name = {row["name"]: row for row in connz["connections"]}
    for row in made["connections"]:
        if row["name"] not in ("one", "two"):
            continue  # our own, by the system account
        theirs = by_name[row["name"]]
        assert row["account"] == theirs["account"] == "APP"
        for figure in ("cid", "in_msgs", "in_bytes", "out_msgs", "out_bytes", "subscriptions"):
            assert row[figure] == theirs[figure], figure
        assert row["in_msgs_rate"] == row["out_msgs_rate"] == 0
    assert {row["name"] for row in made["connections"]} >= {"one", "two"}

    accounts = {row["name"]: row for row in made["accounts"]}
    for row in server.monitoring("/accstatz?unused=1")["account_statz"]:
        if row["acc"] != "SYS":
            ours = accounts[row["acc"]]
            assert (ours["in_msgs"], ours["out_bytes"], ours["connections"]) == (
                row["received"]["msgs"], row["sent"]["bytes"], row["conns"],
            )  # fmt: skip
    (stream,) = made["streams"]
    assert (stream["account"], stream["name"], stream["subjects"]) == ("APP", "S", ["kept.>"])
    assert (stream["messages"], stream["last_seq"]) == (20, 20)
    assert made["consumers"] == []
    assert made["error"] == ""
    assert 0.04 < made["interval_seconds"] < 30


def test_csv(cli: Cli, way: list[str]) -> None:
    result = cli.run("top", "--format", "csv", *FAST, *way, "--view", "connections", "--subs")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    two = next(row for row in rows if row["name"] == "two")
    assert two["server_name"] == "n1"
    assert set(two["subjects"].split()) == SUBJECTS
    assert (two["out_msgs"], two["account"]) == ("20", "APP")
    result = cli.run("top", "--format", "csv", *FAST, *way, "--view", "servers", "-r", "2")
    assert [row["name"] for row in csv.DictReader(io.StringIO(result.out))] == ["n1", "n1"]


@pytest.mark.parametrize("view", ["accounts", "streams", "consumers", "slow", "servers", "all"])
def test_other_views_as_text(cli: Cli, server: ServerProcess, view: str) -> None:
    result = cli.run("top", "--once", *FAST, "--view", view, "-s", server.monitor_url)
    assert result.code == 0, result.err
    assert result.out.startswith("NATS server version ")
    titles = ["Connections", "Accounts", "Streams", "Consumers", "Slow"]
    shown = [title for title in titles if f"│ {title} " in result.out or f" {title} " in result.out]
    expected = {"servers": [], "all": titles}.get(view, [view.capitalize()])
    assert [title for title in shown if title in expected] == expected
    if view in ("streams", "all"):
        assert "kept.>" in result.out


def test_several_servers(cli: Cli, server: ServerProcess) -> None:
    url = server.monitor_url
    both = document(cli, "--monitor", f"{url},{url}", "--view", "servers")["servers"]
    assert [made["server"]["name"] for made in both] == ["n1", "n1"]
    text = cli.run("top", "-o", "-", "--monitor", url, "--monitor", url).out
    assert text.count("NATS server version") == text.count("Connections Polled: 2") == 2


def test_one_of_two_does_not_answer(cli: Cli, server: ServerProcess) -> None:
    where = f"{server.monitor_url},http://127.0.0.1:1"
    result = cli.run("top", "--json", *FAST, "--monitor", where)
    assert result.code == 1
    good, bad = json.loads(result.out)["servers"]
    assert good["error"] == ""
    assert "connection refused" in bad["error"]
    text = cli.run("top", "-o", "-", "--monitor", where)
    assert text.code == 1
    assert "NATS server version  (uptime: ) http://127.0.0.1:1: connection refused" in text.out


def test_servers_by_name(cli: Cli, server: ServerProcess) -> None:
    way = ["-s", f"nats://127.0.0.1:{server.port}", *SYSTEM]
    for name in ("n1", server.monitoring("/varz")["server_id"]):
        assert len(document(cli, name, *way)["servers"]) == 1
    missing = cli.run("top", "n1", "n2", "--once", *way)
    assert (missing.code, missing.err) == (
        1, 'pynats: error: server "n2" did not answer, ensure that it exists\n',
    )  # fmt: skip


def test_an_account_without_the_privileges(cli: Cli, server: ServerProcess) -> None:
    result = cli.run("top", "--once", "-s", f"nats://127.0.0.1:{server.port}")
    assert result.code == 1
    assert "ensure the account used has system privileges" in result.err
    assert result.err.count("\n") == 1


def test_a_recording_replayed_shows_the_same(
    cli: Cli, server: ServerProcess, tmp_path: Path
) -> None:
    path = str(tmp_path / "top.jsonl")
    shown = ("top", "--once", "--subs", "-r", "2")
    seen = cli.run(*shown, *FAST, "--record", path, "-s", server.monitor_url)
    again = cli.run(*shown, "--replay", path, "--speed", "1000")
    assert (again.code, again.out) == (0, seen.out)
    assert seen.out.count("Connections Polled: 2") == 2


def test_a_file(cli: Cli, server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("something longer that was there before " * 100)
    result = cli.run("top", "-o", str(path), "-s", server.monitor_url)
    assert (result.code, result.out) == (0, "")
    assert path.read_text().startswith("NATS server version ")
    assert "longer" not in path.read_text()


def test_rates_of_an_interval(cli: Cli, alone: Run, server: ServerProcess) -> None:
    """-r without a terminal is as --once, and begins with rates."""
    text = alone("-m", port_of(server), "-r", "1", "-d", "50ms", "-n", "1")
    assert text.code == 0
    assert text.out.count("NATS server version") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sort", "nope"], "--sort: must be one of cid, start, subs"),
        (["--interval", "x"], '--interval: must be seconds or a duration, got "x"'),
        (["--interval", "0"], "invalid interval of 0s"),
        (["--conns", "0"], "invalid number of connections 0"),
        (["--replay", "/nonexistent"], "--replay: path '/nonexistent' does not exist"),
        (["-s", "http://127.0.0.1:1", "name"], "servers by name are asked through the system"),
        (["-s", "http://127.0.0.1:1,nats://127.0.0.1"], "use one kind"),
        (["-s", "http://127.0.0.1:1"], "the screen needs a terminal: use --once"),
        (["-s", "http://127.0.0.1:1", "--once"], "connection refused"),
        (["-s", "nats://127.0.0.1:1", "--once"], "no servers available"),
        (["-s", "http://127.0.0.1:1", "--once", "--record", "/nonexistent/x"],
         "cannot record to /nonexistent/x: no such file or directory"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(cli: Cli, arguments: list[str], words: str) -> None:
    result = cli.run("top", *arguments)
    assert result.code == 1
    assert result.out == ""
    assert words in result.err
    assert result.err.startswith("pynats: error: ")
    assert result.err.count("\n") == 1
