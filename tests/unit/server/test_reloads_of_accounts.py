"""What a reload takes away is gone, and what comes back is whole."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.deadline import wait_until
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

SYSTEM = "S { users = [{ user: s, password: p }] }"
BOTH = f"""
system_account: S
accounts {{
  {SYSTEM}
  A {{
    users = [{{ user: a, password: p }}]
    exports = [{{ service: ask, latency: {{ sampling: 100, subject: lat }} }}]
  }}
  B {{
    users = [{{ user: b, password: p }}]
    imports = [{{ service: {{ account: A, subject: ask }} }}]
  }}
}}
"""
NEITHER = f"""
system_account: S
accounts {{
  {SYSTEM}
}}
"""


def client_of(server: ServerProcess, user: str) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    options = {"verbose": False, "user": user, "pass": "p", "headers": True, "no_responders": True}
    client.send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
    client.fence()
    return client


def asked(client: RawClient, subject: str) -> bytes:
    """The answer to a request."""
    before = len(client.received)
    client.send(f"SUB in 9\r\nPUB {subject} in 0\r\n\r\nUNSUB 9 1\r\n".encode())
    wait_until(lambda: client.fence() or b"MSG in 9" in client.received[before:], "the answer")
    return bytes(client.received[before:])


def test_an_account_that_comes_back_has_what_every_account_has(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, BOTH) as server:
        with client_of(server, "a") as client:
            assert b'"account":"A"' in asked(client, "$SYS.REQ.USER.INFO")
        assert server.reload(NEITHER)
        assert server.reload(BOTH)
        with client_of(server, "a") as client:
            assert b'"account":"A"' in asked(client, "$SYS.REQ.USER.INFO")


def test_the_latency_of_a_service_that_comes_back_is_told(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, BOTH) as server:
        for config in (BOTH, NEITHER, BOTH):
            assert server.reload(config)
        with client_of(server, "a") as a, client_of(server, "b") as b:
            a.send(b"SUB lat 1\r\nSUB ask 2\r\n")
            a.fence()
            b.send(b"SUB in 1\r\nPUB ask in 0\r\n\r\n")
            wait_until(lambda: a.fence() or b"MSG ask 2 _R_" in a.received, "the request")
            reply = bytes(a.received).split(b"MSG ask 2 ")[1].split(b" ")[0]
            a.send(b"PUB " + reply + b" 0\r\n\r\n")
            wait_until(lambda: a.fence() or b"MSG lat 1" in a.received, "the metric")
            assert b'"status":200' in a.received


def test_permissions_that_the_only_user_loses_are_gone(tmp_path: Path) -> None:
    def config(permissions: str) -> str:
        return f"authorization {{ user: u, password: p, permissions {{ {permissions} }} }}\n"

    with (
        ServerProcess(PYNATS, tmp_path, config('publish: ">"')) as server,
        client_of(server, "u") as client,
    ):
        client.send(b"SUB secret 1\r\nPUB x 0\r\n\r\n")
        client.fence()
        assert b"-ERR" not in client.received
        assert server.reload(config('publish: "y", subscribe: { deny: "secret" }'))
        client.send(b"PUB x 0\r\n\r\n")
        client.fence()
        assert b'Permissions Violation for Subscription to "secret"' in client.received
        assert b'Permissions Violation for Publish to "x"' in client.received
