"""Who is told of a refused log-in, in which account, and what."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_keys import key_login
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.signing import filled, public_key

CONFIG = f"""
proxies {{ trusted: [{{ key: {public_key("gate")} }}] }}
accounts {{ $SYS {{ users: [{{ user: sys, password: p }}] }} }}
authorization {{ users: [
  {{ user: pat, password: p }}
  {{ user: pia, password: p, proxy_required: true }}
  {{ nkey: {public_key("ann")} }}
] }}
"""
REFUSED: dict[str, bytes] = {
    "wrong password": login("pat", "x"),
    "unknown key": key_login("bob"),
    "wrong signature": connect(nkey=public_key("ann"), sig="x"),
    "proxy required": login("pia"),
    "proxy not trusted": login("pat", proxy_sig="x"),
    "proxy and a wrong password": login("pat", "x", proxy_sig="@SIGN gate@"),
    "token": connect(auth_token="x"),
    "nothing": connect(),
    "ping first": b"PING\r\n",
}
_LISTEN = {
    "sys": b"SUB $SYS.ACCOUNT.*.DISCONNECT 1\r\nSUB $SYS.SERVER.*.CLIENT.AUTH.ERR 2\r\n",
    "pat": b"SUB $SYS.ACCOUNT.CLIENT.AUTH.ERR 1\r\n",
}
_FIELDS = ("acc", "user", "issuer_key", "name_tag", "kind", "client_type")


def test_refusals(tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: _told(REFERENCE, tmp_path / "theirs"))
    assert _told(PYNATS, tmp_path / "ours") == theirs


def _told(kind: str, folder: Path) -> dict[str, Any]:
    """By listener, the events in order; and what monitoring shows of the closed connections."""
    with ServerProcess(kind, folder, CONFIG, monitor=True) as server:
        listeners = {name: RawClient(server.port) for name in _LISTEN}
        for name, client in listeners.items():
            client.read_info()
            client.send(login(name) + _LISTEN[name])
            client.fence()
        for says in REFUSED.values():
            with RawClient(server.port) as client:
                nonce = client.read_info().partition(b'"nonce":"')[2].partition(b'"')[0].decode()
                client.send(filled(says, "a", {"a": nonce}))
                assert client.read_to_end()
        closed = wait_until(lambda: _closed(server), "all of them")
        found: dict[str, Any] = {"closed": closed}
        wanted = {"sys": 2 * len(REFUSED), "pat": len(REFUSED) - 2}
        for name, client in listeners.items():
            with client:
                while len(_events(client)) < wanted[name]:
                    assert client.read_some(client.timeout_s)
                client.fence()
                found[name] = sorted(_events(client))
        return found


def _closed(server: ServerProcess) -> list[Any]:
    found = server.monitoring("/connz?auth=1&state=closed")["connections"]
    fields = ("reason", "authorized_user", "account", "issuer_key", "name_tag", "proxy")
    shown = [[each.get(field) for field in fields] for each in found]
    return shown if len(shown) == len(REFUSED) else []


def _events(client: RawClient) -> list[str]:
    events = []
    lines = bytes(client.received).decode().split("\r\n")
    for line, body in pairwise(lines):
        if line.startswith("MSG "):
            event = json.loads(body)
            subject = ".".join(
                "ID" if len(part) > 40 else part for part in line.split()[1].split(".")
            )
            facts = [f"{key}={event['client'].get(key, '')}" for key in _FIELDS]
            events.append(" ".join([subject, event["reason"], *facts]))
    return events
