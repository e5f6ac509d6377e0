"""`core.protocol.framing`: the control line of a delivery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.protocol.framing import delivery_line

name = st.text("abc.>*_$é", min_size=1, max_size=80).map(str.encode)
size = st.integers(0, 2**32 - 1)


def naive(subject: bytes, sid: bytes, reply: bytes, header: int, total: int) -> bytes:
    words = [b"HMSG" if header else b"MSG", subject, sid]
    words += [reply] if reply else []
    words += [b"%d" % header] if header else []
    return b" ".join([*words, b"%d" % total]) + b"\r\n"


def test_examples() -> None:
    assert delivery_line(b"a", b"1")[0] == b"MSG a 1 0\r\n"
    assert delivery_line(b"a.b", b"12", b"r.x", 0, 5)[0] == b"MSG a.b 12 r.x 5\r\n"
    assert delivery_line(b"a.b", b"12", b"", 12, 17)[0] == b"HMSG a.b 12 12 17\r\n"
    assert delivery_line(b"a.b", b"12", b"r", 12, 17)[0] == b"HMSG a.b 12 r 12 17\r\n"


@given(name, name, st.one_of(st.just(b""), name), st.one_of(st.just(0), size), size)
def test_as_written_by_hand(
    subject: bytes, sid: bytes, reply: bytes, header: int, total: int
) -> None:
    line, sid_at, most = delivery_line(subject, sid, reply, header, total)
    assert line == naive(subject, sid, reply, header, total)
    assert line[sid_at : sid_at + len(sid)] == sid
    assert len(line) <= most
