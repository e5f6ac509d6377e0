"""The same bytes cut anywhere mean the same: every split position, and byte by byte.

For each script one connection per position sends the first part; a control connection then gives
the server time to read them; only then the second parts follow. Subjects carry a number of fixed
width so that the connections do not hear one another.
"""

from __future__ import annotations

import pytest

from tests.conformance.protocol.configs import CONFIGS
from tests.support.deadline import pause
from tests.support.pool import ServerPool
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.transcript import parse_transcript, show

_HEAD = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'

# No CR inside an argument: there the reference itself answers differently when the line is split.
# `@@@` is replaced by the connection's number.
SCRIPTS: dict[str, bytes] = {
    "connect": b'CONNECT {"verbose":true,"name":"x","protocol":0}\r\nPING\r\n',
    "connect-broken": b'CONNECT {"verbose":tru}\r\n',
    "publish": _HEAD + b"SUB s.@@@ 1\r\nPUB s.@@@ re 5\r\nhe\r\no\r\n",
    "publish-lower-tabs": _HEAD + b"sub\ts.@@@\t1\r\npub  s.@@@ \t 2 \r\nhi\r\n",
    "publish-empty": _HEAD + b"SUB s.@@@ 1\r\nPUB s.@@@ 0\r\n\r\nPUB s.@@@ re 0\r\n\r\n",
    "publish-line-feeds": _HEAD + b"SUB s.@@@ 1\nPUB s.@@@ 2\nhi\r\nPING\n",
    "headers": _HEAD + b"SUB s.@@@ 1\r\nHPUB s.@@@ re 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nhey\r\n",
    "queue-unsub": _HEAD
    + b"SUB s.@@@ q 1\r\nUNSUB 1 1\r\nPUB s.@@@ 1\r\na\r\nPUB s.@@@ 1\r\nb\r\n",
    "no-responders": _HEAD + b"SUB in.@@@ 1\r\nPUB n.@@@ in.@@@ 1\r\nx\r\n",
    "ignored-verbs": _HEAD + b"+OK\r\nPONG\r\nINFO {}\r\nPINGxyz\r\nping\r\n",
    "bad-terminator": _HEAD + b"SUB s.@@@ 1\r\nPUB s.@@@ 2\r\nhixPING\r\n",
    "bad-size": _HEAD + b"PUB s.@@@ 2x\r\nhi\r\n",
    "bad-verb": _HEAD + b"SUB s.@@@ 1\r\nPUX s.@@@ 2\r\n",
    "bad-hpub": _HEAD + b"HPUB s.@@@ 20 18\r\n",
    "double-cr": _HEAD + b"PING\r\r\nSUB s.@@@ 1\r\r\nPUB s.@@@ 1\r\nx\r\n",
    "client-err": _HEAD + b"-ERR 'x'\r\n",
    "invalid-subject": _HEAD + b"SUB s..@@@ 1\r\nSUB s.@@@ 2\r\n",
}
_SMALL: dict[str, bytes] = {
    "long-line": b'CONNECT {"verbose":false}\r\nSUB ' + b"s" * 62 + b".@@@ 1\r\n",
    "large-payload": b'CONNECT {"verbose":false}\r\nPUB s.@@@ 17\r\n' + b"x" * 17 + b"\r\n",
    "payload-at-limit": b'CONNECT {"verbose":false}\r\nSUB s.@@@ 1\r\nPUB s.@@@ 16\r\n'
    + b"x" * 16
    + b"\r\n",
}
CASES = [(name, "plain") for name in SCRIPTS] + [(name, "small") for name in _SMALL]


def _script(name: str, number: int) -> bytes:
    return {**SCRIPTS, **_SMALL}[name].replace(b"@@@", b"%03d" % number)


def _expected(recorded: Recorded, servers: ServerPool, name: str, config: str) -> str:
    """What the real server says to the script in one piece."""

    def ask() -> str:
        port = servers.get(config, CONFIGS[config]).port
        with RawClient(port) as client:
            client.read_info()
            client.send(_script(name, 0))
            client.fence()
            return _result(client, 0)

    told: str = recorded.of(ask)
    return told


def _result(client: RawClient, number: int) -> str:
    closed = client.closed
    client.finish()
    assert not client.timed_out
    received = bytes(client.received).replace(b"%03d" % number, b"@@@")
    greeting, _, rest = received.partition(b"\r\n")
    assert greeting.startswith(b"INFO ")
    lines = [show(item) for item in parse_transcript(rest, client.port)]
    return "\n".join([*lines, "closed" if closed else "open"])


def _open(port: int, count: int) -> list[RawClient]:
    clients = [RawClient(port) for _ in range(count)]
    for client in clients:
        client.read_info()
    return clients


@pytest.mark.parametrize(("name", "config"), CASES, ids=[name for name, _ in CASES])
def test_every_split_position_means_the_same(
    name: str,
    config: str,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    expected = _expected(recorded, reference_servers, name, config)
    port = servers_under_test.get(config, CONFIGS[config]).port
    positions = range(1, len(_script(name, 0)))
    clients = _open(port, len(positions))
    try:
        for position, client in zip(positions, clients, strict=True):
            client.send(_script(name, position)[:position], pongs=0)
        with RawClient(port) as control:
            control.fence()
        for position, client in zip(positions, clients, strict=True):
            client.send(_script(name, position)[position:], pongs=_pongs(expected))
        for position, client in zip(positions, clients, strict=True):
            client.fence()
            assert _result(client, position) == expected, f"split at {position}"
    finally:
        for client in clients:
            client.close()


def _pongs(expected: str) -> int:
    """How many the script itself causes: all but the fence's own."""
    return max(0, expected.split("\n").count("PONG") - 1)


@pytest.mark.parametrize(("name", "config"), CASES, ids=[name for name, _ in CASES])
def test_byte_by_byte_means_the_same(
    name: str,
    config: str,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    expected = _expected(recorded, reference_servers, name, config)
    port = servers_under_test.get(config, CONFIGS[config]).port
    data = _script(name, 0)
    with RawClient(port) as client:
        client.read_info()
        for index in range(len(data)):
            client.send(data[index : index + 1], pongs=0)
            pause(0.0003)  # long enough to be read on its own, most of the time
        client.send(b"", pongs=_pongs(expected))
        client.fence()
        assert _result(client, 0) == expected
