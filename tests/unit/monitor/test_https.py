"""TLS of the monitoring port as a stream: what a stranger sends costs little, and what is said
arrives."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.monitor.serving.secure import IDLE_RECORDS, Records, SecureStream

from tests.support.authorities import Authority
from tests.support.deadline import PATIENCE_S
from tests.support.on_loop import on_loop
from tests.support.tls import HandMade, PythonClient, records

CA = Authority()


class Pair:
    """A stream, and its peer with bytes made by hand."""

    def __init__(self, stream: SecureStream, peer: socket.socket, keylog: Path) -> None:
        self.stream = stream
        self.peer = peer
        self.keylog = keylog
        self.client = PythonClient(CA, keylog=keylog)

    async def shake(self, cut: int = 1 << 20) -> HandMade:
        """A whole handshake, in pieces of so many bytes; then records of a peer's."""
        loop = asyncio.get_running_loop()
        self.client.shake(b"")
        hello = self.client.take()
        shaking = asyncio.ensure_future(self.stream.shake(hello[:1]))
        await self.send(hello[1:], cut)
        while not self.client.shake(await loop.sock_recv(self.peer, 1 << 16)):
            pass
        await self.send(self.client.take(), cut)
        await shaking
        return HandMade(self.client, self.keylog)

    async def send(self, data: bytes, cut: int = 1 << 20) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, len(data), cut):
            await loop.sock_sendall(self.peer, data[start : start + cut])


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[Pair]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*CA.issue().write(folder, "server"))
    own, peer = socket.socketpair()
    own.setblocking(False)
    peer.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=own)
    async with asyncio.timeout(PATIENCE_S):
        try:
            yield Pair(SecureStream(context, reader, writer), peer, folder / "keys")
        finally:
            writer.transport.abort()
            peer.close()


@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
@on_loop
async def test_what_is_said_arrives_however_it_is_cut(tmp_path: Path, cut: int) -> None:
    async with pair(tmp_path) as two:
        await two.shake(cut)
        text = bytes(range(256)) * 8
        await two.send(two.client.write(text), cut)
        heard = b""
        while len(heard) < len(text):
            heard += await two.stream.read(100)
        assert heard == text


@on_loop
async def test_a_long_answer_arrives_and_ends(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with pair(tmp_path) as two:
        await two.shake()
        answer = b"0123456789" * 20_000
        two.stream.write(answer)
        two.stream.close()
        two.stream.close()
        heard = b""
        while data := await loop.sock_recv(two.peer, 1 << 16):
            heard += two.client.read(data)
        assert heard == answer
        assert two.client.tls.read(1) == b""  # with a goodbye: without, it would wait for more


@pytest.mark.parametrize("answer", [True, False], ids=["answered", "not answered"])
@on_loop
async def test_a_flood_of_key_updates_ends_it(tmp_path: Path, answer: bool) -> None:
    loop = asyncio.get_running_loop()
    async with pair(tmp_path) as two:
        hand = await two.shake()
        await two.send(b"".join(hand.key_update(answer) for _ in range(1000)))
        with pytest.raises(ConnectionError, match="too many ignored records"):
            await two.stream.read(100)
        two.stream.transport.abort()
        said = b""
        try:
            while data := await loop.sock_recv(two.peer, 1 << 16):
                said += data
        except ConnectionResetError:
            pass
        # A slice of what came was opened after the last that counts.
        assert len(records(said)) <= 3 * IDLE_RECORDS


@on_loop
async def test_key_updates_between_what_is_said_do_no_harm(tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        hand = await two.shake()
        for number in range(50):
            text = b"%d" % number
            await two.send(hand.key_update() + hand.key_update() + hand.data(text))
            assert await two.stream.read(100) == text


@on_loop
async def test_who_takes_no_answers_is_not_heard(tmp_path: Path) -> None:
    async with pair(tmp_path) as two:
        hand = await two.shake()
        two.stream.write(bytes(8 << 20))  # more than the system's buffers hold
        await two.send(hand.data(b"more"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await two.stream.read(100)


@pytest.mark.parametrize("goodbye", [True, False])
@on_loop
async def test_the_end_is_no_bytes(tmp_path: Path, goodbye: bool) -> None:
    async with pair(tmp_path) as two:
        await two.shake()
        if goodbye:
            with pytest.raises(ssl.SSLWantReadError):
                two.client.tls.unwrap()
            await two.send(two.client.take())
        else:
            two.peer.shutdown(socket.SHUT_WR)
        assert await two.stream.read(100) == b""


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(1, 40), st.integers(0, 4))
def test_records_are_counted(bodies: list[int], cut: int, beginning: int) -> None:
    whole = b"".join(b"\x17\x03\x03" + size.to_bytes(2) + bytes(size) for size in bodies)
    data = whole + b"\x17\x03\x03\x01\x00"[:beginning]
    found = Records()
    counted = sum(found.ended(data[at : at + cut]) for at in range(0, len(data), cut))
    assert counted == sum(size > 0 for size in bodies) + bodies.count(0)
