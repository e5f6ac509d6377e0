"""What `-DV` writes of the traffic, line by line: as recorded of the real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conformance.protocol.rows_routing import hpub, pub
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

_TALK = [
    b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n',
    b"SUB foo 1\r\nSUB foo q 2\r\nSUB empty 3\r\nUNSUB 3 5\r\n",
    pub(b"foo", b"hello"),
    pub(b"empty", b""),
    pub(b"foo", b'a"\x01\xff', b"reply"),
    hpub(b"foo", b"NATS/1.0\r\nA: 1\r\n\r\n", b"body"),
    hpub(b"foo", b"NATS/1.0\r\n\r\n"),
    hpub(b"old", b"NATS/1.0\r\nA: 1\r\n\r\n", b"body"),
    hpub(b"old", b"NATS/1.0\r\nA: 1\r\n\r\n"),
    pub(b"foo", b"again") * 3,
    pub(b"$GR.x", b"no"),
]
_OLD = [
    b'CONNECT {"verbose":true,"pedantic":false,"headers":false}\r\n',
    b"SUB old 7\r\n",
    b"UNSUB 7 9\r\n",
    pub(b"nobody", b"x"),
]
_LINE = re.compile(r"\[TRC\] .*? - cid:\d+ - (?:\".*?\" - )?(.*)")
_END = "<<- [PUB the.end 0]"


def _spoken(server: ServerProcess) -> list[str]:
    """The traced lines of one talk, without those of PINGs and CONNECTs."""
    with RawClient(server.port) as old, RawClient(server.port) as client:
        for peer, commands in ((old, _OLD), (client, _TALK)):
            peer.read_info()
            for command in commands:
                peer.send(command)
                peer.fence()
        old.fence()
        client.send(pub(b"the.end", b""))
        client.fence()
    wait_until(lambda: _END in server.log(), "the last line")
    lines = _LINE.findall(server.log())
    lines = lines[: lines.index(_END)]
    return [line for line in lines if not re.search(r"CONNECT|P[IO]NG", line)]


@pytest.mark.parametrize(
    ("flags", "config"),
    [
        (["-DV"], ""),
        (["-DV", "--max_traced_msg_len", "3"], ""),
        (["-DV"], "trace_headers: true\n"),
    ],
    ids=["whole", "cut", "headers"],
)
def test_deliveries_are_traced_with_their_payload(
    flags: list[str], config: str, tmp_path: Path, recorded: Recorded
) -> None:
    def asked(kind: str) -> list[str]:
        with ServerProcess(kind, tmp_path / kind, config, flags) as server:
            return _spoken(server)

    assert asked(PYNATS) == recorded.of(lambda: asked(REFERENCE))


@pytest.mark.parametrize(
    "connect",
    [
        {"user": "u", "pass": "s3cret"},
        {"x": {"pass": "s3cret"}},
        {"x": [{"y": [{"auth_token": "s3cret"}]}]},
        {"nkey": "s3cret", "sig": "s3cret"},
        {"x": {"jwt": "s3cret", "Password": "s3cret"}},
        {"x": {"pass": {"of": "s3cret"}}, "token": ["s3cret"]},
    ],
    ids=json.dumps,
)
def test_no_secret_of_a_connect_is_traced_however_deep(
    connect: dict[str, object], tmp_path: Path
) -> None:
    with ServerProcess(PYNATS, tmp_path, flags=["-DV"]) as server:
        with RawClient(server.port) as client:
            client.read_info()
            client.send(b"CONNECT " + json.dumps(connect).encode() + b"\r\n")
            client.read_to_end(0.1) if "token" in connect else client.fence()
        wait_until(lambda: "[CONNECT" in server.log(), "the traced line")
        traced = next(line for line in server.log().splitlines() if "[CONNECT" in line)
    assert "REDACTED" in traced
    assert "s3cret" not in traced
