"""Clients of Core NATS: who publishes, subscribes, requests and serves."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar

from pynats_bench.clients.bench import Bench
from pynats_bench.clients.frames import Frame, content, publish_frame
from pynats_bench.clients.model import Target
from pynats_bench.engine.loop import Loop
from pynats_bench.engine.marks import MarkedPublishLoop
from pynats_bench.engine.messages import SubscribeLoop
from pynats_bench.engine.requests import RequestLoop, RespondLoop
from pynats_bench.model import split
from pynats_bench.session import settle, subscribe

QUEUE = "q"  # the group that a service's servers are in
ANSWER = b"ok"
REQUEST_DIGITS = 10
STAMPED_BYTES = 268_435_456  # of all clients: each needs a copy of what the time is written into
MESSAGES_MAX = 2**64 - 1  # where no number of them is given
INLINE_BYTES = 65_536  # a larger payload is not copied for each client
FLUSH_TIMEOUT_S = 10.0  # unless told otherwise: a server may be busy with what it was sent


class Publish(Bench):
    """Publishes to `subject`, or with `subjects` to `subject.N`: the numbers below `subjects`, all
    with as many digits as that has, or with 0 those of the messages, as they are; in turn or with
    `randomize` at random.

    The payload is `payload`, or `size` bytes that begin with the time if they have room for it (and
    there is room for a copy for each client). An operation is a message: its share of the time that
    handing over took. Done is what the server has seen.
    """

    def __init__(
        self,
        target: Target,
        *,
        subject: str,
        size: int = 128,
        payload: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        subjects: int | None = None,
        randomize: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(target, **{"timeout_s": FLUSH_TIMEOUT_S, **settings})
        body, time_at = content(size, payload)
        if subjects is None:
            name, digits = subject, 0
        else:
            digits = len(str(subjects or self.messages or MESSAGES_MAX))
            name = f"{subject}.{'0' * digits}"
        self._frame = publish_frame(name, body, headers=headers)
        stamped = time_at >= 0 and len(self._frame.data) * self.clients <= STAMPED_BYTES
        self._time_at = self._frame.payload_at + time_at if stamped else -1
        self._subject_at = self._frame.subject_at + len(name.encode()) - digits
        self._payload_bytes = len(body)
        self._randomize = randomize and bool(subjects or self.messages)
        self._subjects = subjects or (self.messages if self._randomize else 0)
        self._digits = digits
        self._padded = bool(subjects)

    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> Loop:
        firsts = list(accumulate(split(self.messages, self.clients), initial=0))
        if self._randomize:  # everyone a sequence of its own, another one in each run
            firsts = [secrets.randbits(60) for _ in range(self.clients)]
        loop = MarkedPublishLoop(
            list(links),
            self._frame.data,
            self._payload_bytes,
            firsts[first - 1 : first - 1 + len(links)],
            self._subjects,
            self._subject_at,
            self._digits,
            self._padded,
            self._randomize,
            self._time_at,
        )
        loop.measure()
        return loop


class _Listening(Bench):
    """Clients that subscribe and wait for what others send."""

    PATIENT: ClassVar[bool] = True

    def __init__(self, target: Target, *, subject: str, **settings: Any) -> None:
        super().__init__(target, **settings)
        self._subject = subject
        self._early: dict[int, bytes] = {}

    def listen(self, link: socket.socket, number: int, group: str = "") -> None:
        """What comes before the server has confirmed the subscription is kept for the loop."""
        self._early[number] = settle(link, f"SUB {self._subject}{group} 1\r\n".encode())

    def hand_over(self, loop: Loop, first: int, count: int) -> None:
        loop.hand_over([self._early.pop(first + at) for at in range(count)])


class Subscribe(_Listening):
    """Receives `messages` of `subject` with each client; a client's clock begins with the first.

    Deliveries are measured where the payloads carry the time of their publish (`Publish`).
    """

    SHARED: ClassVar[bool] = False

    def __init__(self, target: Target, *, subject: str, **settings: Any) -> None:
        super().__init__(target, subject=subject, **settings)
        self._counts: list[SubscribeLoop] = []

    def prepare(self, link: socket.socket, number: int) -> None:
        # Without a limit: servers look at each delivery of a subscription that has one.
        self.listen(link, number)

    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> Loop:
        all_of_them = min(sum(wanted), MESSAGES_MAX)
        loop = SubscribeLoop(list(links), all_of_them, careful=True)
        self.hand_over(loop, first, len(links))
        loop.measure(operations=False, deliveries=True)
        self._counts.append(loop)
        return loop

    def finish(self) -> None:
        if any(loop.skewed for loop in self._counts):
            self.warnings.append(
                "messages were stamped in the future: the publisher's clock differs, and how long "
                "deliveries took is not known"
            )


class Request(Bench):
    """One request of each client in flight. An operation is a request until its answer, which must
    not be empty, begin with `-` or contain `error`."""

    def __init__(
        self,
        target: Target,
        *,
        subject: str,
        size: int = 128,
        payload: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        **settings: Any,
    ) -> None:
        super().__init__(target, **settings)
        self._subject = subject
        self._payload, _ = content(size, payload)
        self._headers = headers
        self._inbox = f"{target.inbox_prefix}.{secrets.token_hex(11)}"

    def _inbox_of(self, number: int) -> str:
        return f"{self._inbox}{number}"

    def prepare(self, link: socket.socket, number: int) -> None:
        subscribe(link, [f"{self._inbox_of(number)}.*"])

    def _frame(self, number: int) -> Frame:
        reply = f"{self._inbox_of(number)}.{'0' * REQUEST_DIGITS}"
        return publish_frame(self._subject, self._payload, reply, self._headers)

    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> Loop:
        frames = [self._frame(first + at) for at in range(len(links))]
        loop = RequestLoop(
            list(links),
            [frame.head for frame in frames]
            if len(self._payload) > INLINE_BYTES
            else [frame.data for frame in frames],
            self._payload + b"\r\n" if len(self._payload) > INLINE_BYTES else b"",
            marks=[frame.reply_end - REQUEST_DIGITS for frame in frames],
            numbers_at=[len(self._inbox_of(first + at)) + 1 for at in range(len(links))],
            digits=REQUEST_DIGITS,
            check=True,
            payload_bytes=len(self._payload),
        )
        loop.measure()
        return loop


class Serve(_Listening):
    """Answers requests to `subject` with `ok` until stopped, all clients in one queue group.

    `sleep_ns` is how long a client works on a request, one after the other.
    """

    def __init__(self, target: Target, *, subject: str, **settings: Any) -> None:
        super().__init__(target, subject=subject, **settings)
        self._responding: list[RespondLoop] = []

    def prepare(self, link: socket.socket, number: int) -> None:
        self.listen(link, number, f" {QUEUE}")

    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> Loop:
        loop = RespondLoop(list(links), ANSWER)
        self.hand_over(loop, first, len(links))
        self._responding.append(loop)
        return loop

    def work_ns(self) -> list[int]:
        """How long each client has worked on what it has answered; at any time."""
        return [ns for loop in self._responding for ns in loop.work_ns()]
