"""A CONNECT that is not the JSON it should be: the end without a word, and what the log says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

CONFIG = "debug: true\nauthorization { users: [{ user: a, password: b }] }\n"
SAID = (
    b"{bad", b"", b"[]", b'{"user":1}', b'{"verbose":"false"}', b"{} x", b"5", b'"x"',
    b'{"user":"a",}', b'{"protocol":"x"}', b'{"protocol":1.5}', b'{"pass":[1]}', b'{"user":{}}',
    b'{"a":1', b"true", b'{"user":"\x01"}', b"{'a':1}", b'{"lang":5}', b'{"tls_required":"x"}',
    b'{"headers":1}', b'{"protocol":true}', b'{"protocol":99999999999999999999}', b"nul",
    b'{"user":"a" "b"}', b'{"user":}', b'{"user":"a\\x"}', b"{user:1}", b'{"user":tru}', b"[",
    b'{"USER":true}', b'{"name":false,"user":1}', b'{"user":1,"pass":', b'{"jwt":["x"]}',
)  # fmt: skip
_LINE = re.compile(r"\[ERR\] \S+ - cid:\d+ - (.*)")


def test_complaints(tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: _said(REFERENCE, tmp_path / "theirs"))
    assert _said(PYNATS, tmp_path / "ours") == theirs


def _said(kind: str, folder: Path) -> dict[str, list[str]]:
    found = {}
    with ServerProcess(kind, folder, CONFIG) as server:
        for text in SAID:
            begins = len(server.log())
            with RawClient(server.port) as client:
                client.read_info()
                told = len(client.received)
                client.send(b"CONNECT " + text + b"\r\n")
                assert client.read_to_end()
                assert not client.received[told:]
            found[repr(text)] = _LINE.findall(server.log_of_connection(begins))
    return found
