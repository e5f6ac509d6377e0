"""A reload that changes users: who must go, with a word or without, and who stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_keys import key_login
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.signing import filled, public_key

ANN, BOB, GATE = public_key("ann"), public_key("bob"), public_key("gate")
_BY_GATE = {"proxy_sig": "@SIGN gate@"}
BEFORE = f"""
proxies {{ trusted: [{{ key: {GATE} }}, {{ key: {public_key("door")} }}] }}
accounts {{
  A {{ users: [{{ user: a, password: p }}, {{ nkey: {ANN} }}, {{ user: moves, password: p }}] }}
  B {{ users: [{{ user: b, password: p }}] }}
}}
authorization {{ users: [
  {{ user: plain, password: p }}
  {{ user: some, password: p, permissions: {{ subscribe: ["yes", "no"] }} }}
  {{ nkey: {BOB} }}
] }}
"""
PEOPLE: dict[str, bytes] = {
    "a": login("a"),
    "ann": key_login("ann"),
    "bob": key_login("bob"),
    "moves": login("moves"),
    "b": login("b"),
    "plain": login("plain"),
    "some": login("some") + b"SUB yes 1\r\nSUB no 2\r\n",
    "proxied": login("plain", **_BY_GATE),
    "proxied by key": key_login("bob", **_BY_GATE),
    "proxied by another": connect(user="b", proxy_sig="@SIGN door@", **{"pass": "p"}),
}
CHANGES: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "password": ("user: a, password: p", "user: a, password: q"),
    "password of another": ("user: plain, password: p", "user: plain, password: q"),
    "key removed": (f", {{ nkey: {ANN} }}", ""),
    "key of the global account removed": (f"{{ nkey: {BOB} }}", ""),
    "key of somebody else": (BOB, public_key("carl")),
    "user removed": ("{ user: b, password: p }", "{ user: c, password: p }"),
    "moved": (", { user: moves, password: p }] }\n  B { users: [",
              "] }\n  B { users: [{ user: moves, password: p }, "),
    "key moved": (f", {{ nkey: {ANN} }}, {{ user: moves, password: p }}] }}\n  B {{ users: [",
                  f", {{ user: moves, password: p }}] }}\n  B {{ users: [{{ nkey: {ANN} }}, "),
    "tightened": ('["yes", "no"]', '["yes"]'),
    "key tightened": (f"{{ nkey: {BOB} }}", f"{{ nkey: {BOB}, permissions: {{ publish: x }} }}"),
    "proxy removed": (f"{{ key: {GATE} }}, ", ""),
    "proxy replaced": (GATE, public_key("window")),
    "proxy required": ("{ user: plain, password: p }",
                       "{ user: plain, password: p, proxy_required: true }"),
    "kinds of connections": ("user: b, password: p",
                             "user: b, password: p, allowed_connection_types: [WEBSOCKET]"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_who_stays(name: str, tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: _outcome(REFERENCE, tmp_path / "theirs", *CHANGES[name]))
    assert _outcome(PYNATS, tmp_path / "ours", *CHANGES[name]) == theirs


def _outcome(kind: str, folder: Path, before: str, after: str) -> dict[str, str]:
    """What each is told, and whether it is still there."""
    assert before in BEFORE
    found = {}
    with ServerProcess(kind, folder, BEFORE) as server:
        clients = {name: _enter(server, says) for name, says in PEOPLE.items()}
        seen = {name: len(client.received) for name, client in clients.items()}
        changed = BEFORE.replace(before, after, 1) if before else BEFORE
        assert server.reload(changed)
        for name, client in clients.items():
            with client:
                client.fence()
                text = bytes(client.received[seen[name] :]).decode()
                lines = [line for line in text.split("\r\n") if line]
                told = [line for line in lines if line != "PONG" and not line.startswith("INFO")]
                found[name] = " ".join([*told, "gone" if client.closed else "stays"])
    return found


def _enter(server: ServerProcess, says: bytes) -> RawClient:
    client = RawClient(server.port)
    info = client.read_info()
    nonce = info.partition(b'"nonce":"')[2].partition(b'"')[0].decode()
    client.send(filled(says, "a", {"a": nonce}))
    client.fence()
    assert not client.closed, bytes(client.received)
    return client
