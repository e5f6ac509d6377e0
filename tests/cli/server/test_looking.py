"""`pynats server list|ping|info|account info|request`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.server.conftest import UserCli

NO_RIGHTS = (
    "no results received, ensure the account used has system privileges and appropriate permissions"
)
REQUESTS = (
    "variables", "connections", "subscriptions", "accounts", "jetstream", "jetstream-health",
    "raft", "routes", "gateways", "leafnodes", "ipqueue",
)  # fmt: skip


def rows(text: str) -> list[list[str]]:
    """Cells of a table's rows, its headers first; without the title, which has one cell."""
    lines = [line for line in text.splitlines() if line.startswith("│")]
    found = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    return [row for row in found if len(row) > 1]


def test_list_shows_the_server_and_totals(system: Cli) -> None:
    done = system.run("server", "ls")
    assert done.code == 0, done.err
    headers, server, totals = rows(done.out)
    assert headers == ["Name", "Cluster", "Host", "Version", "JS", "Conns", "Subs", "Routes",
                       "GWs", "Mem", "CPU %", "Cores", "Slow", "Uptime", "RTT"]  # fmt: skip
    # An address is no name with a domain.
    assert server[:5] == ["p1", "", "127.0.0.1", "2.15.1", "yes"]
    assert totals[:5] == ["", "0", "1", "", "1"]
    assert "Cluster Overview" not in done.out


def test_list_as_json_is_what_the_servers_said(system: Cli) -> None:
    (server,) = json.loads(system.run("server", "list", "--json").out)
    assert server["server"]["name"] == "p1"
    assert server["statsz"]["active_servers"] == 1
    assert system.run("server", "list", "--names").out == "p1\n"


@pytest.mark.parametrize("command", ["ls", "ping"])
def test_fewer_servers_than_expected_are_an_error(system: Cli, command: str) -> None:
    done = system.run("server", command, "3", "--timeout", "300ms")
    assert (done.code, done.err) == (1, "Missing 2 server(s)\n")
    assert "p1" in done.out


@pytest.mark.parametrize(
    "command",
    [
        "ls", "ping", "info", "account info A", "config reload p1 -f", "cluster step-down",
        "cluster balance -f", "request kick 1 p1",
        *(f"request {name}" for name in REQUESTS),
        *(f"report {name}" for name in
          ("accounts", "cpu", "mem", "health", "jetstream", "leafnodes", "routes", "gateways",
           "downgrade 1")),
    ],
)  # fmt: skip
def test_without_a_system_account_everything_says_so_at_once(
    as_user: UserCli, command: str
) -> None:
    done = as_user("a").run("server", *command.split(), "--timeout", "1m")
    assert (done.code, done.out) == (1, "")
    assert NO_RIGHTS in done.err.splitlines()[-1]


def test_ping_statistics_are_of_fractions_of_milliseconds(system: Cli) -> None:
    done = system.run("server", "ping", "1", "--graph", "--id")
    assert done.code == 0, done.err
    assert re.search(r"(?m)^N[A-Z0-9]{55} p1 +rtt=[\d.]+[mµ]?s$", done.out)
    times = re.search(r"1 replies max: (\d+\.\d\d) min: (\d+\.\d\d) avg: (\d+\.\d\d)", done.out)
    assert times is not None and len(set(times.groups())) == 1 and times[1] != "0.00"
    assert "Responses per 25ms" in done.out
    (answer,) = json.loads(system.run("server", "ping", "1", "--json").out)
    assert answer["server"]["name"] == "p1" and answer["rtt"] > 0


@pytest.mark.parametrize("which", ["", "p1", "id"])
def test_info_of_a_server_by_name_or_id(system: Cli, which: str) -> None:
    first = json.loads(system.run("server", "info", "--json").out)
    which = first["server_id"] if which == "id" else which
    done = system.run("server", "info", *([which] if which else []))
    assert done.code == 0, done.err
    assert done.out.startswith(f"Server information for p1 ({first['server_id']})\n\nProcess Det")
    for row in ("Version: 2.15.1", "Auth Required: true", "API Support Level: ",
                "Maximum Payload: 1.0 MiB", f"Host: 127.0.0.1:{first['port']}",
                "Maximum HA Assets: unlimited", "TLS Timeout: 2.00s"):  # fmt: skip
        assert row in done.out


def test_info_of_an_unknown_server(system: Cli) -> None:
    done = system.run("server", "info", "nope", "--timeout", "300ms")
    assert (done.code, done.out) == (1, "")
    assert 'server "nope" did not answer' in done.err


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_prints_a_compact_document_for_each_server(system: Cli, name: str) -> None:
    done = system.run("server", "request", "--name", "p1", name)
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    assert json.loads(line)["server"]["name"] == "p1"
    assert ", " not in line.split('"tags"')[0]


def test_a_request_that_nobody_matches_prints_nothing(system: Cli) -> None:
    done = system.run("server", "request", "varz", "--name", "nope", "--timeout", "300ms")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_flags_of_requests_reach_the_server(system: Cli, listeners: list[str]) -> None:
    done = system.run("server", "req", "connz", "--filter-account", "A", "--subscriptions",
                      "--limit", "1", "--offset", "1")  # fmt: skip
    data = json.loads(done.out)["data"]
    assert (data["total"], data["limit"], data["offset"]) == (2, 1, 1)
    assert [each["account"] for each in data["connections"]] == ["A"]
    assert "subscriptions_list_detail" in data["connections"][0]
    done = system.run("server", "req", "connz", "--filter-account", "none", "--filter-empty")
    assert (done.code, done.out) == (0, "")
    done = system.run("server", "req", "subsz", "--detail", "--filter-subject", "two")
    found = json.loads(done.out)["data"]["subscriptions_list"]
    assert {each["subject"] for each in found if each["subject"] != ">"} == {"two"}
    done = system.run("server", "req", "accountz", "--account", "A")
    assert json.loads(done.out)["data"]["account_detail"]["account_name"] == "A"


def test_kick_disconnects_a_client(system: Cli, as_user: UserCli) -> None:
    victim = as_user("a").start("sub", "x", "--connection-name", "victim")
    victim.wait_for("Subscribing")
    report = system.run("server", "report", "connections", "--json", "--account", "A")
    (cid,) = [each["cid"] for each in json.loads(report.out) if each["name"] == "victim"]
    done = system.run("server", "request", "kick", str(cid), "p1")
    assert done.code == 0, done.err
    assert json.loads(done.out)["server"]["name"] == "p1"
    victim.wait_for(">>> Disconnected due to: EOF, will attempt reconnect")
    victim.wait_for(">>> Reconnected to nats://127.0.0.1:")
    again = system.run("server", "request", "kick", str(cid), "p1")
    assert again.code == 1
    assert "no such client" in again.err


def test_profile_of_our_server_is_a_clear_error(system: Cli, tmp_path: Path) -> None:
    done = system.run("server", "request", "profile", "heap", str(tmp_path))
    files = list(tmp_path.glob("heap-*"))
    if done.code:
        assert not files
        assert 'Server "p1": ' in done.err
    else:  # the real one
        (file,) = files
        assert re.fullmatch(r"heap-\d{8}-\d{6}-p1", file.name)


def test_account_info(system: Cli) -> None:
    done = system.run("server", "account", "info", "A")
    assert done.code == 0, done.err
    for text in ("Account information for account A", "JetStream: true",
                 "   old\n", "Destination: new\n", "Subject: svc.>",
                 "Response Type: Singleton", "Subject: st.>",
                 "from subject $SYS.REQ.ACCOUNT.A.CONNZ in account SYS"):  # fmt: skip
        assert text in done.out
    detail = json.loads(system.run("server", "account", "--json", "info", "B").out)
    assert detail["account_name"] == "B"
    missing = system.run("server", "account", "info", "nope")
    assert (missing.code, missing.err) == (1, "pynats: error: Account nope does not exist\n")


def test_the_same_from_an_archive(system: Cli, archive: Path, lone_cli: Cli) -> None:
    """Without a server to ask."""
    where = ("--archive", str(archive))
    listed = lone_cli.run("server", "ls", *where)
    assert rows(listed.out)[1][0] == "p1" and rows(listed.out)[1][-1] == "-"
    assert "Version: 2.15.1" in lone_cli.run("server", "info", "p1", *where).out
    assert lone_cli.run("server", "info", "p2", *where).code == 1
    assert "Destination: new" in lone_cli.run("server", "account", "info", "A", *where).out
    said = json.loads(lone_cli.run("server", "request", "varz", *where).out)
    assert said["data"]["server_name"] == "p1"
    assert lone_cli.run("server", "request", "varz", "--name", "p2", *where).out == ""
    done = lone_cli.run("server", "request", "profile", "heap", *where)
    assert done.code == 1 and 'no captured profiles matched "heap"' in done.err


def test_profiles_of_an_archive_become_files(lone_cli: Cli, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("capture/profiles/C/n1__goroutine_2.prof", b"two")
        out.writestr("capture/profiles/C/n2__heap.prof", b"heap")
    folder = tmp_path / "out"
    folder.mkdir()
    for words in ("heap", "goroutine --level 2"):
        done = lone_cli.run("server", "request", "profile", words.split()[0], str(folder),
                            *words.split()[1:], "--archive", str(path))  # fmt: skip
        assert done.code == 0, done.err
    names = sorted(file.name for file in folder.iterdir())
    assert re.fullmatch(r"goroutine-\d{8}-\d{6}-n1 heap-\d{8}-\d{6}-n2", " ".join(names))
    found = {file.name.split("-")[0]: file.read_bytes() for file in folder.iterdir()}
    assert found == {"heap": b"heap", "goroutine": b"two"}
