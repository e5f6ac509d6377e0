"""What JetStream tells of itself stays in the account that acts; the system account's figures have
JetStream's, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conformance.system.watching import EVENTS, Watched, messages, shown
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded, as_text, difference, plain

CONFIG = """
jetstream { store_dir: "@FOLDER@/js", max_memory_store: 1M, max_file_store: 2M, domain: hub,
            sync_interval: "2m" }
accounts {
  M { users = [{user: m, password: m}] }
  SYS { users = [{user: s, password: s}] }
  A { jetstream: enabled, users = [{user: a, password: a}] }
  B { jetstream: enabled, users = [{user: b, password: b}] }
}
system_account: SYS
"""
CREATE = b'{"name":"O","subjects":["o.*"],"storage":"memory"}'


def advisories(kind: str, folder: Path) -> list[Any]:
    """Who hears that a stream of A was made."""
    everything = ("$JS.EVENT.>", "$SYS.>", *EVENTS)
    with (
        ServerProcess(kind, folder / kind, CONFIG) as server,
        Watched(server, {"s": ("s", everything), "a": ("a", ("$JS.EVENT.>", "$SYS.>")),
                         "b": ("b", ("$JS.EVENT.>", "$SYS.>"))}) as watched,
    ):  # fmt: skip
        acting = watched.join("a", "acting")
        acting.send(
            b"SUB i 1\r\nPUB $JS.API.STREAM.CREATE.O i %d\r\n" % len(CREATE) + CREATE + b"\r\n"
        )
        acting.read_until(b"stream_create_response")
        listener = watched.listeners["a"]
        listener.read_until(b"ADVISORY.API ")
        told = watched.told()
        return [
            {
                name: sorted(subject for subject, _ in items if subject.startswith("$JS."))
                for name, items in told.items()
            },
            sorted(event["type"] for _, event in told["a"]),
        ]


def test_advisories_stay_in_the_acting_account(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: advisories(REFERENCE, tmp_path))
    told = advisories(PYNATS, tmp_path)
    assert as_text(told) == as_text(expected), difference(as_text(expected), as_text(told))


def figures(kind: str, folder: Path) -> Any:
    """`server` and `statsz.jetstream` of the first figures."""
    with (
        ServerProcess(kind, folder / kind, CONFIG) as server,
        Watched(server, {"s": ("s", ("$SYS.SERVER.*.STATSZ", *EVENTS))}) as watched,
    ):
        listener = watched.listeners["s"]

        def told() -> bool:
            watched.told()
            return b".STATSZ " in listener.received

        wait_until(told, "the server's figures")
        _, event = next(item for item in messages(bytes(listener.received)) if "STATSZ" in item[0])
        return shown("", [event["server"], event["statsz"]["jetstream"]])


def test_figures_of_jetstream(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: figures(REFERENCE, tmp_path))
    told = figures(PYNATS, tmp_path)
    assert as_text(told) == as_text(expected), difference(as_text(expected), as_text(told))


TOKEN = """
jetstream { store_dir: "@FOLDER@/js" }
authorization { token: "s3cret" }
"""


def audited(kind: str, folder: Path) -> Any:
    """Who asked, where that is known by a token alone."""
    with ServerProcess(kind, folder / kind, TOKEN) as server, RawClient(server.port) as client:
        client.read_info()
        client.send(
            b'CONNECT {"auth_token":"s3cret","verbose":false,"name":"n","protocol":1}\r\nPING\r\n'
            b"SUB $JS.EVENT.ADVISORY.API 1\r\nPUB $JS.API.STREAM.NAMES in 0\r\n\r\n"
        )
        client.read_until(b"api_audit")
        client.fence()
        ((_, event),) = messages(bytes(client.received))
        return sorted(shown("", event["client"])[1].items())


def test_a_token_is_not_told(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: audited(REFERENCE, tmp_path))
    assert plain(audited(PYNATS, tmp_path)) == expected
    assert ["user", "[REDACTED]"] in expected


KEPT = """
jetstream { store_dir: "@FOLDER@/js" }
accounts {
  M { users = [{user: m, password: m}] }
  SYS { users = [{user: s, password: s}], exports = [{stream: "$SYS.ACCOUNT.>"}] }
  A { jetstream: enabled, users = [{user: a, password: a}]
      imports = [{stream: {account: SYS, subject: "$SYS.ACCOUNT.A.>"}}] }
}
system_account: SYS
"""
EVENTS_OF_A = b'{"name":"E","subjects":["$SYS.ACCOUNT.A.>"],"storage":"memory"}'


def kept(kind: str, folder: Path) -> Any:
    """What a stream has of the events that its account imports."""
    with (
        ServerProcess(kind, folder / kind, KEPT) as server,
        Watched(server, {"s": ("s", EVENTS)}) as watched,
    ):
        acting = watched.join("a", "acting")
        request = b"PUB $JS.API.STREAM.CREATE.E i %d\r\n%b\r\n" % (len(EVENTS_OF_A), EVENTS_OF_A)
        acting.send(b"SUB i 1\r\n" + request)
        acting.read_until(b"stream_create_response")
        watched.told()
        watched.leave(watched.join("a", "one"), "one")
        watched.told()
        ask = b'{"subjects_filter":"$SYS.ACCOUNT.A.*"}'
        acting.send(b"PUB $JS.API.STREAM.INFO.E i %d\r\n%b\r\n" % (len(ask), ask))
        acting.read_until(b"stream_info_response")
        body = bytes(acting.received).rpartition(b"\r\n{")[2]
        return json.loads(b"{" + body.partition(b"\r\n")[0])["state"]["subjects"]


def test_a_stream_can_keep_events(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: kept(REFERENCE, tmp_path))
    assert kept(PYNATS, tmp_path) == expected
