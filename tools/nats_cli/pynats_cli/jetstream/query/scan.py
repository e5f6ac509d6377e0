"""Reads a stream in its order, by whichever way does not change it.

Direct gets where the stream has them and at most one subject is asked for; otherwise a consumer in
memory that acknowledges nothing, unless the stream forgets what consumers have seen: then message
by message.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.times import format_time_ns, parse_instant_ns
from pynats_common.ids.nuid import new_nuid

from pynats_cli.connect.natspy.batches import Message
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.query.records import Record, from_delivery, from_direct

FIRST_STEP = 256
LARGEST_STEP = 16_384
"""Messages of one request: few at first, because the answer may be among them."""
INACTIVE_NS = 60_000_000_000
"""After which the server removes a consumer that we could not."""
_NO_MESSAGE = 10037

Sink = Callable[[Record], bool]
"""Takes a message; whether there is any need of more."""


@dataclass(frozen=True)
class Window:
    """What is read: sequences `first` to `last`, not before `since_ns` (0 = any)."""

    first: int
    last: int
    subjects: tuple[str, ...] = ()
    since_ns: int = 0


@dataclass
class Scanner:
    """Scans one stream. `info` is the stream's, `looked_at` counts messages read."""

    session: Session
    info: dict[str, Any]
    progress: Callable[[int], None] = lambda amount: None
    looked_at: int = field(default=0, init=False)

    @property
    def stream(self) -> str:
        return str(self.info["config"]["name"])

    async def scan(self, window: Window, sink: Sink) -> None:
        """Every message of the window goes to `sink` until it needs no more. Raises CliError."""
        if window.last < max(window.first, 1):
            return
        config = self.info["config"]
        if config.get("allow_direct") and len(window.subjects) <= 1:
            await _Direct(self, window, sink).run()
        elif config.get("retention", "limits") == "limits":
            await _Consumed(self, window, sink).run()
        else:
            await _single(self, window, sink)


class _Steps:
    """What the two fast ways share: a subscription, steps that grow, and when it is over."""

    def __init__(self, scanner: Scanner, window: Window, sink: Sink) -> None:
        self.scanner = scanner
        self.session = scanner.session
        self.window = window
        self.sink = sink
        self.over = False
        self.error: Exception | None = None
        self.last = 0  # sequence that was read last
        self.step = FIRST_STEP
        self.expected = 0  # messages of the step that are still to come
        self._turn = asyncio.Event()  # the step has ended
        self._read = 0

    async def run(self) -> None:
        inbox = self.session.inbox
        await self.prepare()
        try:
            subscription = await self.session.client.subscribe_in_batches(inbox, "", self._take)
            try:
                with self.session.refusals() as refused:
                    await self._read_all(inbox, refused)
            finally:
                if not self.session.client.is_closed:
                    await subscription.unsubscribe()
        finally:
            await self.clear_up()
        if self.error is not None:
            raise self.error

    async def _read_all(self, inbox: str, refused: asyncio.Future[Any]) -> None:
        while not self.over:
            self._turn.clear()
            self.expected = self.step
            await self.ask(inbox)
            await self._wait(refused)
            self.step = min(LARGEST_STEP, self.step * 4)

    async def prepare(self) -> None:
        """Before anything is asked."""

    async def clear_up(self) -> None:
        """At the end."""

    async def ask(self, inbox: str) -> None:
        """Asks for the next step."""
        raise NotImplementedError

    def record_of(self, raw: Message) -> Record | None:
        raise NotImplementedError

    def on_status(self, code: str, text: str) -> None:
        raise NotImplementedError

    async def _wait(self, refused: asyncio.Future[Any]) -> None:
        """Until the step has ended; CliError when nothing comes for as long as --timeout, or the
        server refuses."""
        turn = asyncio.ensure_future(self._turn.wait())
        try:
            while not turn.done():
                before = self._read
                await asyncio.wait(
                    {turn, refused},
                    timeout=self.session.options.timeout_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if refused.done():
                    refused.result()
                if not turn.done() and self._read == before:
                    done = f" after sequence {self.last}" if self.last else ""
                    raise CliError(f"nats: timeout{done}")
        finally:
            turn.cancel()

    def _take(self, messages: list[Message]) -> None:
        try:
            self._look(messages)
        except Exception as error:  # a closed pipe, too: the client would take it for its socket
            self.error, self.over = error, True
        if self.over:
            self._turn.set()

    def _look(self, messages: list[Message]) -> None:
        if self.over:
            return
        window, sink, count = self.window, self.sink, 0
        for raw in messages:
            record = self.record_of(raw)
            if record is None:
                self._status(raw)
                continue
            self.last = record.sequence
            if record.sequence > window.last:
                self.over = True
                break
            count += 1
            if not sink(record) or record.sequence == window.last:
                self.over = True
                break
            self.expected -= 1
            self.on_record(record)
        self._read += len(messages)
        self.scanner.looked_at += count
        self.scanner.progress(count)

    def on_record(self, record: Record) -> None:
        """After each one that was looked at."""

    def _status(self, raw: Message) -> None:
        words = raw.head.split(b"\r\n", 1)[0].split(b" ", 2)
        code = words[1].decode() if len(words) > 1 else ""
        text = words[2].decode("utf-8", "replace") if len(words) > 2 else ""
        if code == "503":
            raise CliError("nats: no responders available for request")
        self.on_status(code, text)
        self.turn()

    def turn(self) -> None:
        """The step has ended."""
        self._turn.set()


class _Direct(_Steps):
    """By direct gets of many messages."""

    async def ask(self, inbox: str) -> None:
        window = self.window
        request: dict[str, Any] = {"batch": self.step}
        request["next_by_subj"] = window.subjects[0] if window.subjects else ">"
        if self.last or not window.since_ns:
            request["seq"] = max(self.last + 1, window.first, 1)
        else:
            request["start_time"] = format_time_ns(window.since_ns)
        subject = f"{self.session.jetstream_prefix()}.DIRECT.GET.{self.scanner.stream}"
        await self.session.client.publish(subject, json.dumps(request).encode(), reply=inbox)

    def record_of(self, raw: Message) -> Record | None:
        record = from_direct(raw)
        if record is not None and record.sequence < self.window.first:
            self.last = record.sequence  # a time was asked for that is before the sequence
        return record

    def on_status(self, code: str, text: str) -> None:
        if code == "404":  # nothing more
            self.over = True
        elif code != "204":
            raise CliError(f"direct get failed: {code} {text}".rstrip())


class _Consumed(_Steps):
    """By a consumer in memory that is removed at the end."""

    name = ""

    async def prepare(self) -> None:
        window, stream = self.window, self.scanner.stream
        self.name = f"query_{new_nuid()}"
        config: dict[str, Any] = {
            "name": self.name,
            "description": "pynats stream query",
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": max(window.first, 1),
            "replay_policy": "instant",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": INACTIVE_NS,
        }
        if window.since_ns:
            del config["opt_start_seq"]
            config |= {
                "deliver_policy": "by_start_time",
                "opt_start_time": format_time_ns(window.since_ns),
            }
        if window.subjects:
            config["filter_subjects"] = list(window.subjects)
        request = {"stream_name": stream, "config": config, "action": "create"}
        made = await self.session.js.request(f"CONSUMER.CREATE.{stream}.{self.name}", request)
        self.over = not made.get("num_pending")

    async def clear_up(self) -> None:
        if self.name and not self.session.client.is_closed:
            try:
                await self.session.js.request(f"CONSUMER.DELETE.{self.scanner.stream}.{self.name}")
            except JsApiError:
                pass  # the server removes it by itself

    async def ask(self, inbox: str) -> None:
        prefix = self.session.jetstream_prefix()
        subject = f"{prefix}.CONSUMER.MSG.NEXT.{self.scanner.stream}.{self.name}"
        body = json.dumps({"batch": self.step, "no_wait": True}).encode()
        await self.session.client.publish(subject, body, reply=inbox)

    def record_of(self, raw: Message) -> Record | None:
        return from_delivery(raw)

    def on_record(self, record: Record) -> None:
        if not record.pending:
            self.over = True
        elif not self.expected:
            self.turn()

    def on_status(self, code: str, text: str) -> None:
        if code == "404":
            self.over = True
        elif code not in ("100", "408"):
            raise CliError(f"reading failed: {code} {text}".rstrip())


async def _single(scanner: Scanner, window: Window, sink: Sink) -> None:
    """Message by message: slow, and without any trace in the stream."""
    subjects = window.subjects or (">",)
    # With several subjects, that which comes next of any of them.
    following: dict[str, Record | None] = {}
    for subject in subjects:
        following[subject] = await _next(scanner, subject, window.first)
    while True:
        ready = [(record.sequence, subject) for subject, record in following.items() if record]
        if not ready:
            return
        sequence, subject = min(ready)
        record = following[subject]
        assert record is not None
        if sequence > window.last:
            return
        if record.time_ns >= window.since_ns:
            scanner.looked_at += 1
            scanner.progress(1)
            if not sink(record):
                return
        for each, held in following.items():
            if held is not None and held.sequence == sequence:
                following[each] = await _next(scanner, each, sequence + 1)


async def _next(scanner: Scanner, subject: str, sequence: int) -> Record | None:
    request = {"seq": max(sequence, 1), "next_by_subj": subject}
    try:
        answer = await scanner.session.js.request(f"STREAM.MSG.GET.{scanner.stream}", request)
    except JsApiError as error:
        if error.code == _NO_MESSAGE:
            return None
        raise
    message = answer["message"]
    return Record(
        int(message["seq"]),
        str(message["subject"]).encode(),
        parse_instant_ns(message["time"]),
        base64.b64decode(message.get("hdrs") or ""),
        base64.b64decode(message.get("data") or ""),
    )


async def scan_backwards(
    scanner: Scanner, window: Window, wanted: Callable[[Record], bool], sink: Sink
) -> None:
    """The same from the end: in windows that are read forwards and shown backwards. Held are only
    those of one window that are wanted."""
    size, last = FIRST_STEP * 4, window.last
    while last >= max(window.first, 1):
        held: list[Record] = []
        begun = False  # with something older than what is asked for

        def hold(record: Record, held: list[Record] = held) -> bool:
            nonlocal begun
            if record.time_ns < window.since_ns:
                begun = True
            elif wanted(record):
                held.append(record)
            return True

        first = max(window.first, last - size + 1, 1)
        await scanner.scan(Window(first, last, window.subjects), hold)
        for record in reversed(held):
            if not sink(record):
                return
        if begun:
            return
        if len(held) < size // 8:
            size = min(LARGEST_STEP * 16, size * 4)
        last = first - 1
