"""Beginnings of layers, step by step, in threads: a handshake costs as much as a thousand messages.

Fair by address (with IPv6, by network): each that has something to do gets one step, then the
next one does. A connection has at most one step waiting or being done, and is not read meanwhile.
Of those that have ended meanwhile nothing is done.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from pynats_server.core.sockets.layer import FAILED, READY, Layer

Done = Callable[[int, object], None]
MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address, as sockets for both kinds show it


@dataclass(slots=True)
class Step:
    """`done(answer, found)` gets the layer's answer, and what it then tells: the peer, or why it
    failed. `wanted()` says whether anybody still waits for it."""

    layer: Layer
    data: bytes
    done: Done
    wanted: Callable[[], bool]
    answer: int = FAILED
    found: object = None

    def take(self) -> None:
        """In a thread."""
        if not self.wanted():
            return
        try:
            self.answer = self.layer.greet(self.data)
            if self.answer == READY:
                self.found = self.layer.peer()
            elif self.answer == FAILED:
                self.found = self.layer.failure()
        except Exception as error:
            self.answer, self.found = FAILED, f"internal error: {error!r}"


class Greetings:
    """The threads, and who waits for them. `within_turn` runs a function as part of a turn."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        within_turn: Callable[[Callable[[], object]], object],
        threads: int,
        batch: int,
    ) -> None:
        self._loop = loop
        self._within_turn = within_turn
        self._batch = batch
        self._most = threads
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._waiting: OrderedDict[str, deque[Step]] = OrderedDict()  # by address
        self._idle = 0
        self._taken: deque[Step] = deque()
        self._delivering = False
        self._closed = False

    def submit(
        self, address: str, layer: Layer, data: bytes, done: Done, wanted: Callable[[], bool]
    ) -> None:
        """A step for somebody from an address. `done` is called on the loop, `wanted` in a
        thread."""
        with self._lock:
            if self._closed:
                return
            step = Step(layer, data, done, wanted)
            self._waiting.setdefault(_turn_of(address), deque()).append(step)
            if self._idle:
                self._more.notify()
            elif len(self._threads) < self._most:
                thread = threading.Thread(target=self._run, name="tls", daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """What waits is not done any more. Waits for what is being done, which is short."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._more.notify_all()
        for thread in self._threads:
            thread.join()
        self._taken.clear()

    def _run(self) -> None:
        while (step := self._next()) is not None:
            step.take()
            with self._lock:
                if self._closed:
                    return
                self._taken.append(step)
                if self._delivering:
                    continue
                self._delivering = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop has been closed
                return

    def _next(self) -> Step | None:
        with self._lock:
            while not self._waiting:
                if self._closed:
                    return None
                self._idle += 1
                self._more.wait()
                self._idle -= 1
            if self._closed:
                return None
            address, steps = self._waiting.popitem(last=False)
            step = steps.popleft()
            if steps:
                self._waiting[address] = steps  # behind the others
            return step

    def _deliver(self) -> None:
        with self._lock:
            if self._closed:
                return
            ready = [self._taken.popleft() for _ in range(min(self._batch, len(self._taken)))]
            self._delivering = bool(self._taken)
            if self._delivering:
                self._loop.call_soon(self._deliver)

        def tell() -> None:
            for step in ready:
                step.done(step.answer, step.found)

        self._within_turn(tell)


def _turn_of(address: str) -> str:
    """Who takes turns: addresses, or networks of 64 bits where everybody has many addresses."""
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except OSError:
        return address
    if packed[:12] == MAPPED:
        return socket.inet_ntoa(packed[12:])
    return packed[:8].hex()
