"""Nothing lost, doubled, reordered or altered, whatever the sizes and the pauses of receivers."""

from __future__ import annotations

import random
import socket
import threading

from pynats_server.threaded import ThreadedServer

from tests.support.deadline import pause

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
PUBLISHERS = 4
SUBSCRIBERS = 4
MESSAGES = 300  # per publisher
LARGEST = 300_000
TIMEOUT_S = 60.0  # seconds; reached only when something is lost
NOISE = random.Random(7).randbytes(LARGEST + 256)


def payload_of(publisher: int, number: int) -> bytes:
    """The content of message `number` of a publisher; both ends can compute it."""
    chance = random.Random(publisher * 1_000_003 + number)
    kind = chance.random()
    if kind < 0.5:
        size = chance.randrange(0, 200)
    elif kind < 0.9:
        size = chance.choice((2046, 2048, 4096, 32766, chance.randrange(200, 40_000)))
    else:
        size = chance.choice((LARGEST, 262_144, 262_100, chance.randrange(40_000, LARGEST)))
    return NOISE[number % 256 : number % 256 + size]


def _connect(port: int, rcvbuf: int = 0) -> socket.socket:
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(TIMEOUT_S)
    sock.connect(("127.0.0.1", port))
    sock.sendall(CONNECT + b"PING\r\n")
    seen = b""
    while b"PONG\r\n" not in seen:
        seen += sock.recv(65536)
    return sock


def _publish(port: int, publisher: int, problems: list[str]) -> None:
    """Sends in pieces that ignore frame borders. Often sends runs of one size, for `repeat`."""
    chance = random.Random(publisher)
    try:
        with _connect(port) as sock:
            queue = bytearray()
            for number in range(MESSAGES):
                body = payload_of(publisher, number)
                queue += b"PUB data.%d %d\r\n%b\r\n" % (publisher, len(body), body)
                for _ in range(chance.choice((0, 0, 40))):
                    queue += b"PUB same.%d 5\r\nequal\r\n" % publisher
                while len(queue) > 100_000:
                    cut = chance.randrange(1, len(queue))
                    sock.sendall(queue[:cut])
                    del queue[:cut]
            sock.sendall(bytes(queue) + b"PUB end.%d 0\r\n\r\nPING\r\n" % publisher)
            while b"PONG\r\n" not in sock.recv(65536):
                pass
    except Exception as error:
        problems.append(f"publisher {publisher}: {error!r}")


class _Receiver(threading.Thread):
    def __init__(self, port: int, index: int, problems: list[str]) -> None:
        super().__init__(daemon=True)
        self._chance = random.Random(1000 + index)
        self._problems = problems
        self._buffer = bytearray()
        self._sock = _connect(port, 8192 if index % 2 else 0)
        self._sock.sendall(b"SUB data.* 1\r\nSUB same.> 2\r\nSUB end.* 3\r\nPING\r\n")
        while not self._buffer.endswith(b"PONG\r\n"):
            self._buffer += self._sock.recv(65536)
        self._buffer.clear()
        self.same = 0

    def run(self) -> None:
        try:
            with self._sock:
                self._read_all()
        except Exception as error:
            self._problems.append(f"receiver: {error!r}")

    def _fill(self) -> None:
        if self._chance.random() < 0.02:
            pause(0.005)  # for the backlog to build up
        data = self._sock.recv(65536)
        assert data, "the server closed the connection"
        self._buffer += data

    def _read_all(self) -> None:
        following = [0] * PUBLISHERS
        ended = 0
        while ended < PUBLISHERS:
            while (newline := self._buffer.find(b"\r\n")) < 0:
                self._fill()
            verb, subject, _, size = bytes(self._buffer[:newline]).split(b" ")
            assert verb == b"MSG"
            end = newline + 2 + int(size)
            while len(self._buffer) < end + 2:
                self._fill()
            body = bytes(self._buffer[newline + 2 : end])
            assert self._buffer[end : end + 2] == b"\r\n"
            del self._buffer[: end + 2]
            kind, _, publisher = subject.partition(b".")
            if kind == b"data":
                number = following[int(publisher)]
                assert body == payload_of(int(publisher), number), (publisher, number, len(body))
                following[int(publisher)] += 1
            elif kind == b"same":
                assert body == b"equal"
                self.same += 1
            else:
                assert following[int(publisher)] == MESSAGES
                ended += 1


def test_every_receiver_gets_every_byte_in_order() -> None:
    problems: list[str] = []
    with ThreadedServer() as server:
        port = server.server.client_port
        receivers = [_Receiver(port, index, problems) for index in range(SUBSCRIBERS)]
        publishers = [
            threading.Thread(target=_publish, args=(port, index, problems), daemon=True)
            for index in range(PUBLISHERS)
        ]
        for thread in [*receivers, *publishers]:
            thread.start()
        for thread in [*receivers, *publishers]:
            thread.join(TIMEOUT_S)
        assert problems == []
        assert not any(thread.is_alive() for thread in [*receivers, *publishers])
        engine = server.server.state.engine
        published = engine.in_msgs
        expected = [MESSAGES * PUBLISHERS + PUBLISHERS + receiver.same for receiver in receivers]
        assert expected == [published] * SUBSCRIBERS
        assert engine.out_msgs == published * SUBSCRIBERS
        assert engine.out_bytes == engine.in_bytes * SUBSCRIBERS
