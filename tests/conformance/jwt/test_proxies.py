"""Proxies that are trusted, and users that must come through one, in operator mode: as the real
server has it. And what a user is told of its own time."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from pynats_common.nkeys import KeyPair

from tests.conformance.jwt import world
from tests.conformance.jwt.login import signing
from tests.conformance.jwt.tokens import account, token, user, user_key
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

GATE, DOOR, STRANGER = (user_key(name) for name in ("gate", "door", "stranger's gate"))
FREE = token(user("free", world.A), world.A)
BARRED = token(user("barred", world.A, proxy_required=True), world.A)
ROLE = token(
    user("role", world.scoped_key("proxy"), subs=0, data=0, payload=0,
         issuer_account=world.A.public_key),
    world.scoped_key("proxy"),
)  # fmt: skip
USERS = {"free": FREE, "barred": BARRED, "role": ROLE}


def configured(*trusted: KeyPair) -> str:
    keys = "".join(f"{{ key: {each.public_key} }}\n" for each in trusted)
    return world.memory(
        [account("SYS"), account("A", signing_keys=[world.scope("proxy", proxy_required=True)])],
        f"system_account: {world.SYS.public_key}\nproxies {{ trusted: [\n{keys}] }}\ndebug: true\n",
    )


def padded(key: KeyPair) -> Any:
    return lambda nonce: base64.urlsafe_b64encode(key.sign(nonce.encode())).decode()


WAYS: dict[str, Any] = {
    "none": None, "empty": lambda _: "", "gate": signing(GATE), "door": signing(DOOR),
    "a stranger": signing(STRANGER), "padded": padded(GATE), "junk": lambda _: "junk",
    "of another nonce": lambda _: signing(GATE)("another nonce"),
}  # fmt: skip


def come(client: RawClient, name: str, way: str) -> list[str]:
    nonce = json.loads(client.read_info().removeprefix(b"INFO "))["nonce"]
    fields = {"jwt": USERS[name], "sig": signing(user_key(name))(nonce), "verbose": False}
    if WAYS[way] is not None:
        fields["proxy_sig"] = WAYS[way](nonce)
    client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\n")
    return heard(client)


def heard(client: RawClient) -> list[str]:
    client.fence()
    found = re.findall(rb"-ERR '([^']*)'", bytes(client.received))
    return [*(each.decode() for each in found), "out" if client.closed else "in"]


def comings(kind: str, folder: Path) -> dict[str, list[str]]:
    """Who is let in."""
    found = {}
    with ServerProcess(kind, folder / kind, configured(GATE, DOOR)) as server:
        for name in USERS:
            for way in WAYS:
                with RawClient(server.port) as client:
                    found[f"{name}, {way}"] = come(client, name, way)
    return found


def test_who_comes_through_which_proxy(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: comings(REFERENCE, tmp_path))
    assert comings(PYNATS, tmp_path) == expected
    assert expected["free, gate"] == expected["barred, gate"] == ["in"]
    assert expected["free, a stranger"] == expected["barred, none"] == [
        "Authorization Violation", "out"]  # fmt: skip


def leaving(kind: str, folder: Path) -> dict[str, list[str]]:
    """Who stays when a proxy is trusted no more."""
    with ServerProcess(kind, folder / kind, configured(GATE, DOOR)) as server:
        clients = {
            f"{name}, {way}": RawClient(server.port)
            for name, way in (("free", "none"), ("free", "gate"), ("free", "door"),
                              ("barred", "gate"), ("role", "gate"), ("role", "door"))
        }  # fmt: skip
        try:
            for each, client in clients.items():
                name, _, way = each.partition(", ")
                assert come(client, name, way) == ["in"]
            assert server.reload(configured(DOOR))
            return {each: heard(client) for each, client in clients.items()}
        finally:
            for client in clients.values():
                client.close()


def test_who_has_come_through_a_proxy_that_is_trusted_no_more(
    recorded: Recorded, tmp_path: Path
) -> None:
    expected = recorded.of(lambda: leaving(REFERENCE, tmp_path))
    assert leaving(PYNATS, tmp_path) == expected
    assert "out" in expected["free, gate"]


def reasons(kind: str, folder: Path) -> dict[str, str]:
    """Why the server has closed, by its monitoring."""
    found = {}
    with ServerProcess(kind, folder / kind, configured(GATE), monitor=True) as server:
        for name, way in (("free", "a stranger"), ("free", "padded"), ("barred", "none")):
            with RawClient(server.port) as client:
                come(client, name, way)
                client.read_to_end()
            closed = server.monitoring("/connz?state=closed&auth=1&sort=stop")["connections"]
            found[f"{name}, {way}"] = closed[-1]["reason"]
    return found


def test_why_they_were_sent_away(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: reasons(REFERENCE, tmp_path))
    assert reasons(PYNATS, tmp_path) == expected


def remaining(kind: str, folder: Path, lasts_s: int) -> tuple[int, list[str]]:
    """What a user is told of its time in ns (0 = nothing), and all that it is told."""
    claims = user("lasting", world.A)
    if lasts_s:
        claims["exp"] = int(time.time()) + lasts_s
    with (
        ServerProcess(kind, folder / kind, configured()) as server,
        RawClient(server.port) as client,
    ):
        nonce = json.loads(client.read_info().removeprefix(b"INFO "))["nonce"]
        sig = signing(user_key("lasting"))(nonce)
        fields = {"jwt": token(claims, world.A), "sig": sig, "verbose": False}
        client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\nSUB in 1\r\n")
        client.send(b"PUB $SYS.REQ.USER.INFO in 0\r\n\r\n")
        assert client.read_until(b'"data"')
        assert client.read_until(b"}}\r\n")
        body = re.search(rb"\{.*\}", client.received[client.received.index(b"MSG in") :])
        assert body is not None
        data = json.loads(body[0])["data"]
    return data.get("expires", 0), sorted(data)


@pytest.mark.parametrize("lasts_s", [0, 5000])
def test_a_user_is_told_how_long_it_may_stay(
    recorded: Recorded, tmp_path: Path, lasts_s: int
) -> None:
    """In whole seconds, counted in nanoseconds."""

    def told(kind: str) -> tuple[bool, bool, list[str]]:
        left, names = remaining(kind, tmp_path, lasts_s)
        return left % 10**9 == 0, (lasts_s - 100) * 10**9 < left <= lasts_s * 10**9, names

    expected = recorded.of(lambda: list(told(REFERENCE)))
    assert list(told(PYNATS)) == expected
    assert expected[0]
