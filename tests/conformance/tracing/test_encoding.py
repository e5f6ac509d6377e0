"""How the events of a trace are compressed: as the real server does it, and so that others can read
it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.tracing.show import show
from tests.support.client import header_block
from tests.support.encodings import unpacked
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

ASKED = [
    "gzip", "GZIP", "snappy", "s2", "xs2y", "gzip, deflate", "deflate, gzip", "gzip, snappy",
    "snappy;q=1", "xgzip", "identity", "deflate",
]  # fmt: skip


def answer(port: int, asked: str) -> dict[str, Any]:
    """The header block of the event, what its first bytes are, and what it says."""
    with RawClient(port) as client:
        client.read_info()
        client.send(b'CONNECT {"verbose":false,"headers":true,"name":"c"}\r\nSUB tr.d 1\r\n')
        block = header_block({"Nats-Trace-Dest": "tr.d", "Accept-Encoding": asked})
        client.send(b"HPUB x %d %d\r\n%b\r\n" % (len(block), len(block), block))
        client.read_until(b"HMSG tr.d 1 ")
        line = bytes(client.received).rpartition(b"HMSG tr.d 1 ")[2]
        client.read_until(line.partition(b"\r\n")[0] + b"\r\n")
        client.fence()
        sizes, _, rest = bytes(client.received).rpartition(b"HMSG tr.d 1 ")[2].partition(b"\r\n")
        header, total = map(int, sizes.split())
    headers, data = rest[:header], rest[header:total]
    says = show(json.loads(unpacked(headers, data)))
    return {"headers": headers.decode(), "form": _form(data), "says": says}


def _form(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b"):
        return "gzip"
    return "snappy" if data.startswith(b"\xff\x06\x00\x00sNaPpY") else "plain"


def answers(kind: str, folder: Path, asked: str) -> dict[str, Any]:
    with ServerProcess(kind, folder / kind, "") as server:
        return answer(server.port, asked)


@pytest.mark.parametrize("asked", ASKED)
def test_events_come_as_they_are_accepted(asked: str, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: answers(REFERENCE, tmp_path, asked))
    assert answers(PYNATS, tmp_path, asked) == expected
