"""What the log of a running server says: log-ins, JSON, levels that a reload changes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

CONFIG = """
log_logins: true
no_auth_user: guest
accounts {
  A {
    users [ { user: alice, password: s3cret }, { user: guest } ]
    limits { max_connections: 3 }
  }
}
"""


def answer(client: RawClient, connect: dict[str, Any]) -> None:
    client.send(b"CONNECT " + json.dumps(connect).encode() + b"\r\nPING\r\n")
    wait_until(
        lambda: client.read_some(0.1) or b"PONG" in client.received or client.closed,
        "an answer", PATIENCE_S,
    )  # fmt: skip


def log_ins(server: ServerProcess, count: int) -> list[str]:
    def found() -> list[str]:
        return re.findall(r"cid:\d+ - (log-in .*)$", server.log(), re.MULTILINE)

    wait_until(lambda: len(found()) >= count, "the lines", PATIENCE_S)
    return found()


def test_every_log_in_has_a_line_without_a_secret(tmp_path: Path) -> None:
    forged = 'x"\r\n[1] 2024/01/01 00:00:00.000000 [INF] log-in accepted: user="root"' + "y" * 3000
    with ServerProcess(PYNATS, tmp_path, CONFIG) as server:
        tries: list[dict[str, Any]] = [
            {"user": "alice", "pass": "s3cret", "name": "n"},
            {"user": "alice", "pass": "wr0ng"},
            {"auth_token": "t0ken"},
            {"user": forged, "pass": "s3cret"},
            {},
            {"jwt": "j.w.t", "nkey": "U123", "sig": "s1g"},
            {"user": "alice", "pass": "s3cret"},
            {"user": "alice", "pass": "s3cret"},
        ]
        clients = []
        for number, connect in enumerate(tries, 1):
            clients.append(RawClient(server.port))
            answer(clients[-1], connect)
            log_ins(server, number)
        lines = log_ins(server, len(tries))
        for client in clients:
            client.close()
    said = server.log()
    shown = r"x\"\r\n[1] 2024/01/01 00:00:00.000000 [INF] log-in accepted: user=\"root\""
    assert lines[0] == 'log-in accepted: method=password user="alice" account="A"'
    assert lines[1] == (
        'log-in refused: method=password user="alice" reason="authentication error"'
    )
    assert lines[2] == 'log-in refused: method=token user="token" reason="authentication error"'
    assert lines[3].startswith(f'log-in refused: method=password user="{shown}yyy')
    assert lines[3].endswith('yyy..." reason="authentication error"')
    assert len(lines[3]) < 300
    assert lines[4] == 'log-in accepted: method=no_auth_user user="guest" account="A"'
    # What nobody has compared is what the client claims, and not how it came in.
    assert lines[5] == (
        'log-in accepted: method=no_auth_user user="guest" claimed="U123" account="A"'
    )
    for line in lines[6:]:
        assert line == (
            'log-in refused: method=password user="alice" '
            'reason="maximum account active connections exceeded"'
        )
    assert re.search(r"\[INF\] 127\.0\.0\.1:\d+ - cid:\d+ - log-in accepted: ", said)
    for secret in ("s3cret", "wr0ng", "t0ken", "j.w.t", "s1g"):
        assert secret not in said
    # Every line is one that the server has begun.
    assert all(re.match(r"\[\d+\] ", line) for line in said.splitlines())


def test_what_nobody_compares_is_told_as_a_claim(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, "log_logins: true\n") as server:
        for number, connect in enumerate(
            ({"user": "root", "pass": "x"}, {"auth_token": "t0ken"}, {}), 1
        ):
            with RawClient(server.port) as client:
                answer(client, connect)
                lines = log_ins(server, number)
    assert lines == [
        'log-in accepted: method=none claimed="root" account="$G"',
        'log-in accepted: method=none claimed="token" account="$G"',
        'log-in accepted: method=none account="$G"',
    ]
    with (
        ServerProcess(
            PYNATS, tmp_path, 'log_logins: true\nauthorization { token: "t0ken" }\n'
        ) as server,
        RawClient(server.port) as client,
    ):
        answer(client, {"auth_token": "t0ken", "user": "root"})
        assert log_ins(server, 4)[3] == 'log-in accepted: method=token account="$G"'


def test_a_client_cannot_be_taken_for_another_by_its_name(tmp_path: Path) -> None:
    name = 'x" - "SYS/user:admin\u202e' + "y" * 500
    with ServerProcess(PYNATS, tmp_path, "debug: true\n") as server:
        with RawClient(server.port) as client:
            answer(client, {"name": name, "user": 'z"'})
        wait_until(lambda: "connection closed" in server.log(), "the line", PATIENCE_S)
    (line,) = [line for line in server.log().splitlines() if "connection closed" in line]
    shown = r' - "x\" - \"SYS/user:admin\u202e' + "y" * 107 + r'..." - "$G/user:z\"" - Client'
    assert shown in line


def test_json_lines_and_levels_of_parts_come_with_a_reload(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, CONFIG) as server:
        assert server.reload(
            CONFIG + "log_format: json; log_levels { clients: trace, auth: fatal }"
        )
        with RawClient(server.port) as client:
            answer(client, {"user": "alice", "pass": "s3cret", "name": "me"})
            client.send(b"SUB x 1\r\nPING\r\n")
            wait_until(lambda: '"<<- [SUB x 1]"' in server.log(), "the trace", PATIENCE_S)
        written = server.log().rpartition("\n")[0].splitlines()  # a line may be half there
        lines = [json.loads(line) for line in written if line.startswith("{")]
        (sub,) = [line for line in lines if "[SUB x 1]" in line["message"]]
        assert (sub["level"], sub["part"]) == ("trace", "clients")
        assert sub["client"].items() >= {
            "host": "127.0.0.1", "name": "me", "user": "alice", "account": "A",
        }.items()  # fmt: skip
        assert not [line for line in lines if line["part"] == "auth"]
        assert "s3cret" not in server.log()
        assert server.reload(CONFIG)
        before = len(server.log())
        with RawClient(server.port) as client:
            answer(client, {"user": "alice", "pass": "s3cret"})
            log_ins(server, 1)
        assert "<<-" not in server.log()[before:]
