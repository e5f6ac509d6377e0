"""How the events of a trace are compressed: as the real server does it, and so that others can read
it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store.format.s2 import decode_stream

from tests.conformance.tracing.show import show
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
        block = f"NATS/1.0\r\nNats-Trace-Dest: tr.d\r\nAccept-Encoding: {asked}\r\n\r\n"
        client.send(f"HPUB x {len(block)} {len(block)}\r\n{block}\r\n".encode())
        client.read_until(b"HMSG tr.d 1 ")
        line = bytes(client.received).rpartition(b"HMSG tr.d 1 ")[2]
        client.read_until(line.partition(b"\r\n")[0] + b"\r\n")
        client.fence()
        sizes, _, rest = bytes(client.received).rpartition(b"HMSG tr.d 1 ")[2].partition(b"\r\n")
        header, total = map(int, sizes.split())
    data = rest[header:total]
    return {"headers": rest[:header].decode(), **_read(data)}


def _read(data: bytes) -> dict[str, Any]:
    if data.startswith(b"\x1f\x8b"):
        return {"form": "gzip", "says": show(json.loads(zlib.decompress(data, 31)))}
    if data.startswith(b"\xff\x06\x00\x00sNaPpY"):
        # One format reads the other: only the name at the start differs.
        renamed = b"\xff\x06\x00\x00S2sTwO" + data[10:]
        return {"form": "snappy", "says": show(json.loads(decode_stream(renamed, 1 << 20)))}
    return {"form": "plain", "says": show(json.loads(data))}


def answers(kind: str, folder: Path, asked: str) -> dict[str, Any]:
    with ServerProcess(kind, folder / kind, "") as server:
        return answer(server.port, asked)


@pytest.mark.parametrize("asked", ASKED)
def test_events_come_as_they_are_accepted(asked: str, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: answers(REFERENCE, tmp_path, asked))
    assert answers(PYNATS, tmp_path, asked) == expected
