"""What the system account, and who imports from it, is told of clients: as the real server tells
it."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.system.watching import EVENTS, Watched, messages, shown
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded, as_text, difference

NAMED = """
accounts {
  M { users = [{user: m, password: m}] }
  SYS { users = [{user: s, password: s}, {user: s2, password: s2}] }
  A { users = [{user: a, password: a}] }
  B { users = [{user: b, password: b}], limits { max_connections: 1 } }
  "do.t" { users = [{user: d, password: d}] }
}
authorization { users = [{user: g, password: g}], timeout: 30 }
system_account: SYS
"""
OPEN = """
accounts {
  M { users = [{user: m, password: m}] }
  $SYS { users = [{user: s, password: s}] }
}
no_auth_user: g
authorization { users = [{user: g, password: g}] }
"""
GUESTS = """
accounts { $SYS { users = [{user: s, password: s}] } }
"""
IMPORTED = """
accounts {
  M { users = [{user: m, password: m}] }
  SYS {
    users = [
      {user: s, password: s}
      {user: s2, password: s2, permissions: {subscribe: ["$SYS.ACCOUNT.L.>"]}}
    ]
    exports = [{stream: "$SYS.ACCOUNT.>"}]
  }
  L {
    users = [{user: a, password: a}, {user: x, password: x}]
    imports = [{stream: {account: SYS, subject: "$SYS.ACCOUNT.L.>"}}]
  }
  B { users = [{user: b, password: b}] }
}
system_account: SYS
"""
WATCHER = {"s": ("s", EVENTS)}
Scene = Callable[[Watched, ServerProcess], list[Any]]
SCENES: dict[str, tuple[str, dict[str, tuple[str, tuple[str, ...]]], Scene]] = {}


def scene(
    config: str, listeners: dict[str, tuple[str, tuple[str, ...]]] = WATCHER
) -> Callable[[Scene], Scene]:
    def add(play: Scene) -> Scene:
        SCENES[play.__name__.removeprefix("_")] = (config, listeners, play)
        return play

    return add


@scene(NAMED)
def _a_client_comes_talks_and_goes(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.join("a", "one")
    came = watched.told()
    client.send(b"SUB x 1\r\nPUB x 3\r\nabc\r\nPUB y 1\r\na\r\n")
    client.fence()
    client.send(b"UNSUB 1\r\n")
    client.fence()
    client.socket.shutdown(socket.SHUT_WR)
    watched.wait(b'"name":"one"', b".DISCONNECT ")
    return [came, watched.told()]


@scene(NAMED)
def _one_that_resets_its_connection(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.join("a", "one")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    watched.leave(client, "one")
    return [watched.told()]


@scene(NAMED)
def _clients_of_the_system_account(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.open()
    client.send(
        b'CONNECT {"user":"s2","pass":"s2","name":"two","verbose":false}\r\n'
        b"SUB $SYS.ACCOUNT.SYS.> 1\r\n"
    )
    client.fence()
    client.read_until(b"client_connect")
    came = watched.told()
    watched.leave(client, "two")
    return [client.received.count(b"account_connections"), came, watched.told()]


@scene(NAMED)
def _an_account_whose_name_has_a_dot(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.leave(watched.join("d", "dot"), "dot")
    return [watched.told()]


@scene(NAMED)
def _names_are_safe_in_html(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.join("a", '<a href="x">&\u2028')
    told = watched.told()
    raw = bytes(watched.listeners["s"].received)
    return [told, b"<a" in raw, b'\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028' in raw]


@scene(NAMED)
def _wrong_passwords(watched: Watched, _: ServerProcess) -> list[Any]:
    inside = watched.join("g", "inside")
    inside.send(b"SUB $SYS.> 1\r\n")
    inside.fence()
    watched.told()
    watched.say(watched.open(), user="a", **{"pass": "wrong"}, name="one")
    watched.say(watched.open(), user="nobody", **{"pass": "wrong"})
    watched.say(watched.open(), auth_token="secret")
    watched.say(watched.open(), jwt="x", nkey="UX", sig="x")
    watched.say(watched.open(), name="none")
    stranger = watched.open()
    stranger.send(b"PUB x 1\r\na\r\n")
    stranger.read_to_end()
    told = watched.told()
    inside.fence()
    return [told, inside.received.count(b"MSG $SYS.ACCOUNT.CLIENT.AUTH.ERR 1 ")]


@scene(NAMED)
def _a_wrong_password_later(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.join("a", "one")
    client.send(b"SUB x 1\r\n")
    client.fence()
    watched.told()
    watched.say(client, user="a", **{"pass": "wrong"}, name="other")
    return [watched.told()]


@scene(NAMED)
def _another_log_in_of_the_same_connection(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.join("a", "one")
    watched.told()
    watched.say(client, user="a", **{"pass": "a"}, name="again")
    again = watched.told()
    watched.say(client, user="b", **{"pass": "b"}, name="elsewhere")
    return [again, watched.told()]


@scene(NAMED)
def _a_full_account(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.join("b", "one")
    watched.join("b", "two").read_to_end()
    return [watched.told()]


@scene("max_connections: 2\n" + NAMED)
def _a_full_server(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.join("a", "one").fence()
    extra = RawClient(watched.server.port)
    extra.read_to_end()
    extra.close()
    watched.wait(b"Maximum Connections Exceeded")
    return [watched.looked()]


@scene(NAMED)
def _the_account_asked_for(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.join("a", "one", account="A")
    return [watched.told()]


@scene(NAMED)
def _offences(watched: Watched, _: ServerProcess) -> list[Any]:
    told: list[Any] = []
    for line in (
        b"FOO\r\n",
        b"PUB x 9999999\r\n",
        b"PUB " + b"x" * 5000 + b" 1\r\n",
        b"PUB x y z 1\r\n",
        b"HPUB x 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        b"-ERR 'x'\r\n",
        b"CONNECT {\r\n",
        b"PUB x 1\r\nabc\r\n",
    ):
        client = watched.join("a", "one")
        watched.told()
        client.send(line)
        client.read_to_end()
        told.append(watched.told())
    return told


@scene(NAMED)
def _what_a_log_in_may_not_ask(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.join("a", "one", protocol=7)
    watched.join("a", "two", headers=False, no_responders=True)
    return [watched.told()]


@scene("authorization { timeout: 2 }\n" + NAMED.replace(", timeout: 30", ""))
def _a_log_in_that_does_not_come(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.open().read_to_end()
    return [watched.told()]


@scene(OPEN)
def _the_global_account(watched: Watched, _: ServerProcess) -> list[Any]:
    silent = watched.open()
    known = watched.join("", "one")
    told = [watched.told()]
    watched.say(known, name="again")
    told.append(watched.told())
    watched.leave(known, "again")
    told.append(watched.told())
    silent.send(b"PUB x 1\r\na\r\n")
    silent.fence()
    told.append(watched.told())
    return told


@scene(GUESTS)
def _guests_of_a_server_that_only_operators_log_in_to(
    watched: Watched, _: ServerProcess
) -> list[Any]:
    guest = watched.join("", "one")
    watched.say(watched.open(), user="nobody", **{"pass": "wrong"}, name="two")
    watched.leave(guest, "one")
    silent = watched.open()
    silent.send(b"PUB x 1\r\na\r\n")
    silent.fence()
    return [watched.told()]


@scene(
    IMPORTED,
    {"s": ("s", EVENTS), "s2": ("s2", ("$SYS.ACCOUNT.>", "$SYS.ACCOUNT.L.CONNECT")),
     "a": ("a", ("$SYS.>",))},
)  # fmt: skip
def _who_imports_and_who_may_not_listen(watched: Watched, _: ServerProcess) -> list[Any]:
    watched.leave(watched.join("x", "ex"), "ex")
    watched.leave(watched.join("b", "be"), "be")
    return [watched.told()]


@scene(IMPORTED)
def _others_cannot_forge(watched: Watched, _: ServerProcess) -> list[Any]:
    client = watched.join("b", "be")
    watched.told()
    client.send(b"SUB $SYS.> 1\r\nPUB $SYS.ACCOUNT.B.CONNECT 3\r\nabc\r\n"
                b"PUB $SYS.SERVER.ACCOUNT.B.CONNS 3\r\nabc\r\n")  # fmt: skip
    client.fence()
    return [client.received.count(b"MSG "), watched.told()]


@scene('server_tags: ["a:b", "<c>"]\nserver_metadata { k: v }\nserver_name: "<n>"\n' + NAMED)
def _the_end(watched: Watched, server: ServerProcess) -> list[Any]:
    watched.join("a", "one")
    watched.told()
    server.signal(signal.SIGTERM)
    return [watched.last()]


@scene("lame_duck_grace_period: 1s\nlame_duck_duration: 30s\n" + NAMED)
def _the_end_of_a_lame_duck(watched: Watched, server: ServerProcess) -> list[Any]:
    client = watched.join("a", "one")
    watched.told()
    server.signal(signal.SIGUSR2)
    watched.wait(b".LAMEDUCK ")
    client.close()
    return [watched.last()]


def play(kind: str, name: str, folder: Path) -> list[Any]:
    config, listeners, play = SCENES[name]
    with (
        ServerProcess(kind, folder / kind, config) as server,
        Watched(server, listeners) as watched,
    ):
        return play(watched, server)


@pytest.mark.parametrize("name", SCENES)
def test_events(name: str, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, name, tmp_path))
    told = play(PYNATS, name, tmp_path)
    assert as_text(told) == as_text(expected), difference(as_text(expected), as_text(told))


def numbers(kind: str, folder: Path) -> list[int]:
    """The steps between the numbers of all that two listeners hear together."""
    everything = ("$SYS.ACCOUNT.>", "$SYS.SERVER.>")
    with (
        ServerProcess(kind, folder / kind, NAMED) as server,
        Watched(server, {"s": ("s", everything), "g": ("g", ("$SYS.>",))}) as watched,
    ):
        watched.leave(watched.join("a", "one"), "one")
        watched.say(watched.open(), user="a", **{"pass": "wrong"}, name="two")
        watched.join("b", "three")
        watched.told()
        heard = sorted(
            event["server"]["seq"]
            for client in watched.listeners.values()
            for _, event in messages(bytes(client.received))
        )
    return sorted({after - before for before, after in pairwise(heard)})


def test_each_event_of_a_server_has_the_next_number(recorded: Recorded, tmp_path: Path) -> None:
    assert recorded.of(lambda: numbers(REFERENCE, tmp_path)) == [1]
    assert numbers(PYNATS, tmp_path) == [1]


# Bcrypt hashes of `a` and `b`.
HASHES = (
    "$2a$04$wMZNTLjXA0LFuWZ7lLqA/OY1I5lvozORZbZRr4jH5NX1SbdC1bdu.",
    "$2a$04$uOJ8PgBjGieqI0Oh8Svm8uA15y2ijV.DRh2q219MFUEBdUWxchrtK",
)
A_PASSWORD = "{user: a, password: a}"
A_HASH = f'{{user: a, password: "{HASHES[0]}"}}'
# Configuration, what is changed in it, who is in.
LOSSES = {
    "another password": (NAMED, A_PASSWORD, "{user: a, password: b}", "a"),
    "another hash": (NAMED.replace(A_PASSWORD, A_HASH), HASHES[0], HASHES[1], "a"),
    "the user": (NAMED, A_PASSWORD, "", "a"),
    "the user of the block": (NAMED, "users = [{user: g, password: g}],", "users = [],", "g"),
    "one of the block": (NAMED, "{user: g, password: g}", "{user: h, password: h}", "g"),
}


def refusals(kind: str, folder: Path, name: str) -> list[Any]:
    """Of a client that loses its log-in by a reload: what it hears, and who is told."""
    config, old, new, user = LOSSES[name]
    with (
        ServerProcess(kind, folder / kind, config) as server,
        Watched(server, WATCHER) as watched,
    ):
        client = watched.join(user, "one")
        watched.told()
        assert server.reload(config.replace(old, new))
        client.read_to_end()
        watched.wait(b'"name":"one"', b".DISCONNECT ")
        return [
            [line.decode() for line in client.received.split(b"\r\n") if line.startswith(b"-ERR")],
            *(
                [subject, event["client"]["acc"], event["reason"]]
                for subject, event in watched.told()["s"]
                if subject.endswith((".AUTH.ERR", ".DISCONNECT"))
            ),
        ]


@pytest.mark.parametrize("name", LOSSES)
def test_who_is_told_of_a_log_in_that_a_reload_ends(
    name: str, recorded: Recorded, tmp_path: Path
) -> None:
    expected = recorded.of(lambda: refusals(REFERENCE, tmp_path, name))
    assert refusals(PYNATS, tmp_path, name) == expected


TRAFFIC = ("sent", "sent_to_clients", "received", "received_from_clients")
STATSZ = "feature_flags { js_ack_fc_v2: true }\n" + NAMED


def figures(kind: str, folder: Path) -> Any:
    """The first STATSZ after an own request, of a server with traffic."""
    with (
        ServerProcess(kind, folder / kind, STATSZ) as server,
        Watched(server, {"s": ("s", ("$SYS.SERVER.*.STATSZ", *EVENTS))}) as watched,
    ):
        client = watched.join("a", "one")
        client.send(b"SUB x 1\r\nPUB x 3\r\nabc\r\n")
        client.fence()
        seen = len(watched.listeners["s"].received)
        listener = watched.listeners["s"]

        def told() -> bool:
            watched.told()
            return b".STATSZ " in listener.received[seen:]

        wait_until(told, "the server's figures")
        found = [item for item in messages(bytes(listener.received)) if "STATSZ" in item[0]]
        subject, event = found[-1]
        event["statsz"] |= {name: list(event["statsz"][name]) for name in TRAFFIC}
        for name in ("connections", "total_connections", "active_accounts"):  # markers come and go
            event["statsz"][name] = "<some>" if event["statsz"][name] > 1 else event["statsz"][name]
        return shown(subject, event)


def test_figures_of_the_server(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: figures(REFERENCE, tmp_path))
    told = figures(PYNATS, tmp_path)
    assert as_text(told) == as_text(expected), difference(as_text(expected), as_text(told))
