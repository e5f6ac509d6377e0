"""Answers of servers that come compressed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pynats_cli.errors import CliError
from pynats_cli.servers.system.compression import decompressed
from pynats_common.s2 import encode_stream

BODY = b'{"server": {}}' * 1000


def message(data: bytes, encoding: str | None) -> SimpleNamespace:
    headers = None if encoding is None else {"Content-Encoding": encoding}
    return SimpleNamespace(data=data, headers=headers)


@pytest.mark.parametrize("encoding", ["snappy", "s2"])
def test_compressed(encoding: str) -> None:
    packed = encode_stream(BODY)
    assert len(packed) < len(BODY)
    assert decompressed(message(packed, encoding)) == BODY


def test_not_compressed() -> None:
    assert decompressed(message(BODY, None)) == BODY
    assert decompressed(message(BODY, "")) == BODY


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"{}", "snappy", "the compressed answer of a server is damaged"),
        (encode_stream(BODY)[:-3], "snappy", "the compressed answer of a server is damaged"),
        (b"{}", "br", "compressed in a way that is not known here: br"),
    ],
)
def test_not_to_be_read(data: bytes, encoding: str, words: str) -> None:
    with pytest.raises(CliError, match=words):
        decompressed(message(data, encoding))
