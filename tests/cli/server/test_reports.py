"""`pynats server report` and `pynats account report`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.server.conftest import UserCli
from tests.cli.server.test_looking import rows

REPORTS = ("accounts", "connections", "cpu", "mem", "health", "jetstream", "leafnodes", "routes",
           "gateways")  # fmt: skip


def table(cli: Cli, *words: str) -> list[list[str]]:
    done = cli.run("server", "report", *words)
    assert done.code == 0, done.err
    return rows(done.out)


def connections(cli: Cli, *words: str) -> list[str]:
    """The names of connections in a report, without our own."""
    done = cli.run("server", "report", "connections", "--json", *words)
    assert done.code == 0, done.err
    return [each["name"] for each in json.loads(done.out) if each["account"] != "SYS"]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_a_table_one_document_and_in_an_archive(
    system: Cli, lone_cli: Cli, archive: Path, name: str
) -> None:
    assert system.run("server", "report", name).out
    done = system.run("server", "report", name, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)
    csv = system.run("server", "report", name, "--output", "csv")
    assert csv.code == 0 and len(csv.out.splitlines()) >= 2
    archived = lone_cli.run("server", "report", name, "--archive", str(archive))
    assert archived.code == 0, archived.err
    assert archived.out


def test_connections_ascend_and_totals_count_all(system: Cli, listeners: list[str]) -> None:
    done = system.run("server", "report", "connections", "--sort", "out-msgs", "--top", "2",
                      "--account", "A")  # fmt: skip
    assert "Top 2 Connections out of 2 by out-msgs" in done.out
    headers, first, second, totals = rows(done.out)[:4]
    assert headers == ["CID", "Name", "Server", "Cluster", "IP", "Account", "Uptime", "In Msgs",
                       "Out Msgs", "In Bytes", "Out Bytes", "Subs"]  # fmt: skip
    assert (first[1], second[1], second[8], second[10]) == ("c2", "c1", "2", "10 B")
    assert totals[1] == "Totals for 2 connections" and totals[8:] == ["2", "0 B", "10 B", "2"]
    assert rows(done.out)[-1] == ["p1", "", "2"]


def test_top_takes_the_first_ones_of_the_order(system: Cli, listeners: list[str]) -> None:
    by = ("--account", "A", "--sort", "out-msgs", "--top", "1")
    assert connections(system, *by) == ["c2"]
    assert connections(system, *by, "-R") == ["c1"]
    done = system.run("server", "report", "-R", "connections", *by)
    assert "Top 1 Connections out of 2 by out-msgs" in done.out
    one = system.run("server", "report", "connections", "--account", "B")
    assert "Totals" not in one.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--subject", "two", "--account", "A"], {"c2"}),
        (["--username", "b"], {"c3"}),
        (["--filter", 'conns.name == "c1"'], {"c1"}),
        (["--filter", 'account == "A" and server.name == "p1"'], {"c1", "c2"}),
        (["--filter", "conns.out_msgs >= 2 and account != 'SYS'"], {"c1"}),
        (["--sort", "uptime", "--account", "B"], {"c3"}),
    ],
)
def test_connections_are_filtered(
    system: Cli, listeners: list[str], words: list[str], expected: set[str]
) -> None:
    assert set(connections(system, *words)) == expected


def test_a_bad_filter_is_one_line(system: Cli) -> None:
    done = system.run("server", "report", "connections", "--filter", "conns.name ==")
    assert done.code == 1 and done.err.startswith("pynats: error: invalid expression")
    assert len(done.err.splitlines()) == 1


def test_closed_connections_have_a_reason(system: Cli, as_user: UserCli) -> None:
    assert as_user("a").run("pub", "x", "y", "--connection-name", "gone").code == 0
    done = system.run("server", "report", "connections", "--state", "closed", "--account", "A")
    assert rows(done.out)[0][-1] == "Reason"
    found = connections(system, "--state", "closed", "--closed-reason", "Client Closed")
    assert "gone" in found
    none = system.run("server", "report", "connections", "--state", "closed", "--closed-reason",
                      "Stale Connection")  # fmt: skip
    assert (none.code, none.err) == (1, "pynats: error: did not get results from any servers\n")


def test_a_number_is_how_many_servers_are_expected(system: Cli) -> None:
    done = system.run("server", "report", "connections", "2", "--timeout", "300ms")
    assert (done.code, done.err) == (0, "Missing 1 server(s)\n")
    assert "Top 1 Connections out of 1 by subs" in done.out


def test_accounts(system: Cli, listeners: list[str]) -> None:
    found = table(system, "accounts", "--sort", "conns", "-R")
    assert found[0] == ["Account", "Connections", "In Msgs", "Out Msgs", "In Bytes", "Out Bytes",
                        "Subs"]  # fmt: skip
    assert found[1][:2] == ["A", "2"]
    assert {row[0] for row in found[1:]} == {"A", "B", "SYS"}
    assert [row[0] for row in table(system, "accounts", "--sort", "conns", "-R", "--top", "1")] == [
        "Account",
        "A",
    ]
    of_one = system.run("server", "report", "accounts", "A")
    assert "Top 2 Connections out of 2 by subs" in of_one.out
    (data,) = json.loads(system.run("server", "report", "accounts", "A", "--json").out)
    assert (data["account"], data["connections"], len(data["connection_info"])) == ("A", 2, 2)
    none = system.run("server", "report", "accounts", "nope")
    assert (none.code, none.err) == (1, "pynats: error: did not get results from any servers\n")


def test_usage(system: Cli) -> None:
    done = system.run("server", "report", "mem")
    assert done.out.startswith("Memory Usage\n\n  p1: ██████████████████████████████ (")
    assert json.loads(system.run("server", "report", "mem", "--json").out)["p1"] > 2**20
    assert system.run("server", "report", "cpu").out.startswith("CPU Usage\n\n  p1: ")


def test_health(system: Cli) -> None:
    found = table(system, "health")
    assert found[1:] == [["p1", "", "", "ok (200)", "", ""],
                         ["1", "1", "", "ok: 1 / err: 0", "", "0"]]  # fmt: skip
    found = table(system, "health", "--account", "nope")
    assert found[1][3] == "error (404)" and found[2][4] == "ACCOUNT"
    assert 'account "nope" not found' in found[2][5]
    assert found[3][3:] == ["ok: 0 / err: 1", "", "1"]


def test_jetstream(system: Cli) -> None:
    found = table(system, "jetstream")
    assert found[0] == ["Server", "Cluster", "Streams", "Consumers", "Messages", "Bytes",
                        "Memory", "File", "API Req", "Pending", "Quorum Sz",
                        "Rescuing"]  # fmt: skip
    assert found[1][:3] == ["p1", "", "0"] and found[2][0] == ""
    done = system.run("server", "report", "jetstream", "--account", "nope")
    assert done.code == 1 and 'account "nope" has no JetStream' in done.err


def test_filters_that_no_server_matches(system: Cli) -> None:
    done = system.run("server", "report", "cpu", "--host", "nope", "--timeout", "300ms")
    assert (done.code, done.err) == (1, "pynats: error: no server matches the filters\n")
    assert system.run("server", "report", "cpu", "--tags", "SSD", "--tags", "rack:1").code == 0


def test_watch_repeats_until_it_is_interrupted(system: Cli) -> None:
    import signal

    from tests.support.deadline import wait_until

    running = system.start("server", "report", "cpu", "--watch", "1")
    wait_until(lambda: running.out().count("CPU Usage") >= 2, "a second report")
    running.signal(signal.SIGINT)
    done = running.finish()
    assert (done.code, done.err) == (130, "")


def test_watch_does_not_go_with_an_archive(lone_cli: Cli, tmp_path: Path) -> None:
    done = lone_cli.run("server", "report", "cpu", "--watch", "1", "--archive", "x")
    assert (done.code, done.out) == (1, "")
    assert done.err == "pynats: error: --watch is not supported when using --archive\n"


def test_an_account_reports_its_own_connections(as_user: UserCli, listeners: list[str]) -> None:
    done = as_user("a").run("account", "report", "connections", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert {each["account"] for each in found} == {"A"}
    assert {"c1", "c2"} < {each["name"] for each in found}
    shown = as_user("a").run("account", "report", "conns", "--sort", "out-msgs", "-R", "--top", "1")
    assert rows(shown.out)[1][1] == "c1"


def test_an_account_reports_its_traffic(as_user: UserCli, listeners: list[str]) -> None:
    done = as_user("a").run("account", "report", "statistics")
    assert done.code == 0, done.err
    headers, server, totals = rows(done.out)
    assert headers[:5] == ["Server", "Cluster", "Version", "Tags", "Connections"]
    assert server[:5] == ["p1", "", "2.15.1", "rack:1, ssd", "3"]
    assert totals[0] == "1" and totals[4:] == server[4:]
    (data,) = json.loads(as_user("a").run("account", "report", "stats", "--json").out)
    assert data["statistics"]["acc"] == "A"
