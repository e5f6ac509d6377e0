"""STREAM.SNAPSHOT and STREAM.RESTORE: backups through the API.

A backup leaves as chunks, at most `window_size` bytes ahead of their acknowledgements. A restore
arrives as chunks, is gathered beside the streams, checked and built there, and becomes a stream
only when all of it is good. Requests and replies:
https://docs.nats.io/reference/jetstream/api/stream/snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import ClassVar

import msgspec
from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid
from pynats_common.subjects import has_wildcard, is_valid_subject

from pynats_server.core.account import Account
from pynats_server.jetstream.api.request import Reply, Request
from pynats_server.jetstream.api.streams import describing
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import JsonObject, StreamConfig
from pynats_server.jetstream.config.validation import prepare_create, public_config
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.field_types import Int, Time, Uint64
from pynats_server.jetstream.store import StoreError, StoreHeld
from pynats_server.jetstream.store.consumers.folder import StoredConsumer
from pynats_server.jetstream.stream.backup import BackupError, Incoming, archived, outgoing
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Work

CHUNK = 128 * 1024
CHUNK_MIN, CHUNK_MAX = 1024, 1024 * 1024
WINDOW = 8 * 1024 * 1024
WINDOW_MIN, WINDOW_MAX = 1024, 32 * 1024 * 1024
NO_RECEIVER_S = 2.0  # until a backup is sent to whoever hears it, be it nobody
NO_FLOW_S = 2.0  # without an acknowledgement, until a backup is given up
WAITING_MAX = 32 * 1024 * 1024  # bytes of a restore in memory: four windows of a backup
RESTORES_MAX = 16  # unfinished ones of an account: each has files, a subject and a claim
RESTORES_TOTAL = 256  # unfinished ones of the server
NO_INPUT_S = 30.0  # without a chunk, until a restore is given up


class SnapshotRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamSnapshotRequest"
    deliver_subject: str = ""
    no_consumers: bool = False
    chunk_size: Int = 0
    window_size: Int = 0
    jsck: bool = False


class LostMessages(JsonObject):
    go_name: ClassVar = "LostStreamData"
    msgs: list[Uint64] = msgspec.field(default_factory=list)
    bytes: Uint64 = 0


class RestoredState(JsonObject):
    """What the backup says of its stream. It is read, but only the archive counts."""

    go_name: ClassVar = "StreamState"
    messages: Uint64 = 0
    bytes: Uint64 = 0
    first_seq: Uint64 = 0
    first_ts: Time = ""
    last_seq: Uint64 = 0
    last_ts: Time = ""
    num_subjects: Int = 0
    subjects: dict[str, Uint64] = msgspec.field(default_factory=dict)
    num_deleted: Int = 0
    deleted: list[Uint64] = msgspec.field(default_factory=list)
    lost: LostMessages | None = None
    consumer_count: Int = 0


class RestoreRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamRestoreRequest"
    config: StreamConfig = msgspec.field(default_factory=StreamConfig)
    state: RestoredState = msgspec.field(default_factory=RestoredState)


def snapshot(request: Request) -> Reply:
    """STREAM.SNAPSHOT: the backup follows on `deliver_subject`. Raises ApiError."""
    stream = request.stream
    if request.is_empty:
        raise api_error(10003)
    asked = request.body(SnapshotRequest)
    if not is_valid_subject(asked.deliver_subject) or has_wildcard(asked.deliver_subject):
        raise api_error(10015)
    if isinstance(stream.store.failed, StoreHeld):
        raise api_error(10077, err=f"a backup would be incomplete: {stream.store.failed}")
    sending = Sending(request, stream, asked)
    request.account.spawn(sending.run())
    return {"config": stream.config.as_dict(), "state": stream.state().as_dict()}


class Sending:
    """One backup on its way out."""

    def __init__(self, request: Request, stream: Stream, asked: SnapshotRequest) -> None:
        self.account = request.account
        self.stream = stream
        self.target = asked.deliver_subject.encode()
        self.with_consumers = not asked.no_consumers
        self.chunk = min(max(asked.chunk_size or CHUNK, CHUNK_MIN), CHUNK_MAX)
        self.window = min(max(asked.window_size or WINDOW, WINDOW_MIN), WINDOW_MAX)
        self.client = self.account.advisories.client_info(request.source, request.told)
        self.unacknowledged = 0
        self.progress = asyncio.Event()

    async def run(self) -> None:
        """Sends chunks and the status that ends them."""
        started = now_ns()
        name = self.stream.name
        self.account.advisories.publish(
            f"STREAM.SNAPSHOT_CREATE.{name}", "snapshot_create", stream=name,
            state=self.stream.state().as_dict(), client=self.client,
        )  # fmt: skip
        prefix = f"$JS.SNAPSHOT.ACK.{name}.{new_nuid()}"
        acks = self.account.subscribe(f"{prefix}.*.*", self._acknowledged)
        status, failure = "204", ""
        try:
            await self._receiver()
            await self._send_all(prefix)
        except BackupError as error:
            status = failure = str(error)
        except (StoreError, OSError) as error:
            status = failure = f"500 {error}"
        finally:
            self.account.unsubscribe(acks)
        self._send(b"", headers=f"NATS/1.0 {status}\r\n\r\n".encode())
        self.account.advisories.publish(
            f"STREAM.SNAPSHOT_COMPLETE.{name}", "snapshot_complete", stream=name,
            start=format_time_ns(started), end=format_time_ns(now_ns()), error=failure,
            client=self.client,
        )  # fmt: skip

    async def _receiver(self) -> None:
        """Waits for a subscription to the very target. Clients make it when they have our answer;
        until then the wildcard of their inbox covers it, and they would drop what comes."""
        account, there = self.account.account, asyncio.Event()
        watch = account.watch(self.account.context.server.engine, self.target, there.set)
        try:
            if not account.has_listener(self.target):
                await asyncio.wait_for(there.wait(), NO_RECEIVER_S)
        except TimeoutError:
            pass  # it may be heard by other ways
        finally:
            account.unwatch(watch)

    async def _send_all(self, prefix: str) -> None:
        stored: list[StoredConsumer] = []
        if self.with_consumers:
            stored = await self.account.sliced(self.stream.consumers.stored())
        consumers = await self.account.in_thread(archived, stored)
        pieces = Pieces(outgoing(self.stream, consumers), self.chunk, self._check)
        for index in count(1):
            piece, last = await self.account.sliced(pieces.next(), self)
            while self.unacknowledged and self.unacknowledged + len(piece) > self.window:
                self.progress.clear()
                try:
                    await asyncio.wait_for(self.progress.wait(), NO_FLOW_S)
                except TimeoutError:
                    raise BackupError("408 No Flow Response") from None
            if last:
                self._send(piece)
                return
            self.unacknowledged += len(piece)
            if not self._send(piece, f"{prefix}.{len(piece)}.{index}".encode()):
                raise BackupError("408 No Interest")

    def _check(self) -> None:
        """Raises BackupError when the rest would be incomplete."""
        if self.account.streams.get(self.stream.name) is not self.stream:
            raise BackupError("500 Stream Deleted")

    def _send(self, piece: bytes, reply: bytes = b"", headers: bytes = b"") -> int:
        return self.account.publish(self.target, piece, reply, headers)

    def _acknowledged(
        self, _: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        size = subject.split(b".")[-2]
        if size.isdigit():
            self.unacknowledged = max(0, self.unacknowledged - int(size))
            self.progress.set()


class Pieces:
    """Parts cut into equal pieces. `check` is called before each step that makes more parts."""

    def __init__(self, parts: Iterator[bytes], size: int, check: Callable[[], None]) -> None:
        self._parts = parts
        self._size = size
        self._check = check
        self._held = bytearray()

    def next(self) -> Work[tuple[bytes, bool]]:
        """A piece, and whether it is the last."""
        while len(self._held) <= self._size:
            self._check()
            part = next(self._parts, None)
            if part is None:
                return bytes(self._held), True
            self._held += part
            yield
        piece = bytes(self._held[: self._size])
        del self._held[: self._size]
        return piece, False


async def restore(request: Request) -> Reply:
    """STREAM.RESTORE: where to send the backup."""
    account = request.account
    if request.is_empty:
        raise api_error(10003)
    asked = await account.sliced(request.reading(RestoreRequest), request.source)
    asked.config.name = asked.config.name or request.names[0]
    if asked.config.name != request.names[0]:
        raise api_error(10056)
    async with account.changing:
        if asked.config.name in account.streams:
            raise api_error(10130)
        here, everywhere = len(account.claims.restoring), account.claims.all_restores()
        if here >= RESTORES_MAX or everywhere >= RESTORES_TOTAL:
            raise api_error(10062, err="too many unfinished restores")
        config = await account.sliced(
            prepare_create(asked.config, account.surroundings), request.source
        )
        receiving = Receiving(request, asked.config, config)
    request.account.spawn(receiving.run())
    return {"deliver_subject": receiving.subject}


class Receiving:
    """One backup on its way in."""

    def __init__(self, request: Request, asked: StreamConfig, config: StreamConfig) -> None:
        self.account = request.account
        try:
            self.incoming = Incoming(self.account, asked, config)
        except OSError as error:
            raise api_error(10062, err=error) from error
        self.config = config
        self.client = self.account.advisories.client_info(request.source, request.told)
        self.subject = f"$JS.SNAPSHOT.RESTORE.{self.config.name}.{new_nuid()}"
        self.arrivals: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self.waiting = 0  # bytes that have arrived and are not written
        self.account.claims.begin_restore(self, config)
        self.subscription = self.account.subscribe(self.subject, self._arrived)

    def _arrived(
        self, _: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        if payload and not self.incoming.book(payload):
            payload = b" "  # it is refused at its end; until then it is acknowledged
        elif self.waiting + len(payload) > WAITING_MAX:
            self.incoming.refused = "the archive came faster than it was acknowledged"
            payload = b" "
        self.waiting += len(payload)
        self.arrivals.put_nowait((payload, reply))

    async def run(self) -> None:
        """Receives all chunks, then makes the stream."""
        started = now_ns()
        name = self.config.name
        self.account.advisories.publish(
            f"STREAM.RESTORE_CREATE.{name}", "restore_create", stream=name,
            client=self.client,
        )  # fmt: skip
        try:
            reply = await self._take_all()
            try:
                await self.incoming.build()
                self.account.claims.end_restore(self)
                stream = await self.incoming.settle()
                answer = await self.account.sliced(describing(stream, public_config(stream.config)))
            except ApiError as error:
                answer = {"error": error.as_dict()}
            body = {"type": "io.nats.jetstream.api.v1.stream_create_response", **answer}
            self._answer(reply, msgspec.json.encode(body))
        except TimeoutError:
            self.account.log.warn(
                f"Restore of stream '{self.account.name} > {name}' given up: no more input"
            )
        finally:
            self.account.unsubscribe(self.subscription)
            self.account.claims.end_restore(self)
            self.incoming.clean_up()
        self.account.advisories.publish(
            f"STREAM.RESTORE_COMPLETE.{name}", "restore_complete", stream=name,
            start=format_time_ns(started), end=format_time_ns(now_ns()),
            bytes=self.incoming.size, client=self.client,
        )  # fmt: skip

    async def _take_all(self) -> bytes:
        """Receives chunks until the empty one; returns its reply subject."""
        while True:
            payload, reply = await asyncio.wait_for(self.arrivals.get(), NO_INPUT_S)
            if not payload:
                return reply
            self.waiting -= len(payload)
            if not self.incoming.refused:
                await self.incoming.write(payload)
            self._answer(reply, b"")

    def _answer(self, reply: bytes, body: bytes) -> None:
        if reply:
            self.account.publish(reply, body)
