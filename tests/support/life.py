"""An engine driven by hand: turns, timers and passes of the loop happen when a test says so."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.core.permissions import Permissions

from tests.support.deadline import Deadline

TIMEOUT_S = 30.0


class Timer:
    def __init__(self, work: Callable[[], object]) -> None:
        self.work: Callable[[], object] | None = work

    def cancel(self) -> None:
        self.work = None


class FakeLoop:
    """Runs nothing by itself: the tests run the engine's turns and advance time."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.soon: list[Callable[[], object]] = []

    def add_reader(self, *_: object) -> None:
        pass

    remove_reader = add_reader

    def call_later(self, _: float, work: Callable[..., object], *arguments: object) -> Timer:
        self.timers.append(Timer(partial(work, *arguments)))
        return self.timers[-1]

    def call_soon(self, work: Callable[[], object]) -> None:
        self.soon.append(work)

    call_soon_threadsafe = call_soon

    def run_soon(self) -> None:
        """One pass: what is scheduled meanwhile waits for the next."""
        due, self.soon = self.soon, []
        for work in due:
            work()

    def run_timers(self) -> None:
        """All timers, whatever their time."""
        due, self.timers = self.timers, []
        for timer in due:
            if timer.work is not None:
                timer.work()


class Handler:
    """Accepts all clients and records errors."""

    def __init__(self) -> None:
        self.bugs: list[Exception] = []
        self.slow = 0
        self.closed: list[int] = []
        self.limited: list[bool] = []

    def on_connect(self, client: ClientConnection, _: bytes) -> None:
        client.verbose = client.pedantic = False
        client.headers = client.no_responders = True

    def on_first_pong(self, _: ClientConnection) -> bool:
        return True

    def on_closed(self, client: ClientConnection) -> None:
        self.closed.append(client.cid)

    def on_error(self, _: ClientConnection, text: str) -> None:
        pass

    def on_publish_limit(self, _: ClientConnection, waits: bool) -> None:
        self.limited.append(waits)

    def on_slow_consumer(self, *_: object) -> None:
        self.slow += 1

    def on_internal_error(self, _: ClientConnection, error: Exception) -> None:
        self.bugs.append(error)


class Life:
    """An engine with clients, driven by hand."""

    def __init__(self) -> None:
        self.handler = Handler()
        self.loop = FakeLoop()
        loop: Any = self.loop
        self.engine = Engine(loop, self.handler)
        self.account = Account("A")
        self.peers: list[socket.socket] = []

    def client(
        self, commands: bytes = b"", permissions: Permissions | None = None
    ) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the kernel's minimum
        theirs.setblocking(False)
        client = ClientConnection(self.engine, ours, "here", 1, self.account)
        if permissions is not None:
            client.admit(self.account, permissions)
        client.open()
        self.peers.append(theirs)
        self.say(theirs, b"CONNECT {}\r\n" + commands)
        return theirs

    def say(self, peer: socket.socket, data: bytes) -> None:
        """Sends in pieces, with a turn after each."""
        deadline = Deadline(TIMEOUT_S)
        while data:
            try:
                data = data[peer.send(data) :]
            except BlockingIOError:  # it is held back
                assert not deadline.passed, "the engine takes no more input"
                self.loop.run_timers()
            self.engine.turn()
            self.loop.run_soon()
        self.finish()

    def finish(self) -> None:
        """Passes of the loop until the engine waits for its sockets."""
        deadline = Deadline(TIMEOUT_S)
        while self.loop.soon:
            assert not deadline.passed, "the engine does not come to rest"
            self.loop.run_soon()

    def end(self) -> None:
        self.engine.close()
        for peer in self.peers:
            peer.close()


def pub(subject: bytes, payload: bytes, reply: bytes = b"") -> bytes:
    return b"PUB %b %b %d\r\n%b\r\n" % (subject, reply, len(payload), payload)
