"""Messages that expire: by the stream's max_age and by TTLs of their own.

Where the stream leaves markers (`subject_delete_marker_ttl`), the last message of a subject is not
just removed: a marker takes its place and says so, for as long as configured. A marker, or the
`PURGE` of a key-value bucket, leaves no other marker behind.
"""

from __future__ import annotations

import asyncio
from typing import Final

from pynats_common.go.durations import SECOND_NS, format_duration_ns

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Expire
from pynats_server.work import Cancelled, Job, Work

WAIT_MIN_S: Final = 0.01
"""Messages that expire within this time of each other are removed together."""
WAIT_MAX_S: Final = 3600.0
BATCH: Final = 500
"""Messages that are taken out of the order of their times at once, and removed in stream order."""
STEP: Final = 40
"""Messages that a step removes."""
RETRY_S: Final = 1.0
"""Until the next try after a refusal or a store error, for example a full disk."""


class Expiry:
    """The timer of one stream."""

    def __init__(self, stream: StreamHost) -> None:
        self._stream = stream
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0
        self._removing: Job[None] | None = None
        self._has_room = True  # as far as is known since it began to remove
        self._not_before = 0.0  # on the loop's clock

    def arm(self) -> None:
        """Sets the timer to when the next message expires, unless it is set to an earlier time."""
        if self._removing is not None:
            return  # its end does
        if self._stream.store.failed is not None:
            return
        config = self._stream.config
        if config.max_age <= 0 and not config.allow_msg_ttl:
            return
        due_ns = self._stream.store.next_expiry(config.max_age, config.allow_msg_ttl)
        if due_ns:
            wait_s = (due_ns - now_ns()) / SECOND_NS
            self._arm_in(min(max(wait_s, WAIT_MIN_S), WAIT_MAX_S))

    def undone(self) -> None:
        """The disk is full: what markers had replaced may be there again."""
        config = self._stream.config
        if config.max_age > 0 or config.allow_msg_ttl:
            self._try_later()

    def _try_later(self) -> None:
        self._has_room = False
        self._not_before = asyncio.get_running_loop().time() + RETRY_S
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._removing is None:  # else its end does
            self._arm_in(RETRY_S)

    @property
    def is_armed(self) -> bool:
        """Whether it will remove messages, or does."""
        return self._timer is not None or self._removing is not None

    def configured(self) -> None:
        """Sets the timer anew."""
        self.stop()
        self.arm()

    def stop(self) -> None:
        """Stops removing messages."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        removing, self._removing = self._removing, None
        if removing is not None:
            self._stream.account.server.turns.cancel(removing)

    def _arm_in(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        at = max(loop.time() + wait_s, self._not_before)
        if self._timer is not None:
            if self._fires_at <= at:
                return
            self._timer.cancel()
        self._fires_at = at
        self._timer = loop.call_at(at, self.run)

    def run(self) -> None:
        """Removes expired messages, some in each step."""
        self._timer = None
        self._has_room = True
        account = self._stream.account
        job = account.server.turns.start(
            account.name, self, self._remove(), stays=True, on_end=self._removed
        )
        if not job.ended:
            self._removing = job

    def _remove(self) -> Work[None]:
        stream = self._stream
        yield from stream.store.find_noticed()
        removed, was_read = BATCH, False
        while removed >= BATCH or was_read:
            config, removed = stream.config, 0
            marker_ttl_s = config.subject_delete_marker_ttl // SECOND_NS
            rows = stream.store.expired(now_ns(), config.max_age, config.allow_msg_ttl, BATCH)
            gone: list[int] = []
            for removed, (seq, subject, _, _) in enumerate(rows, 1):
                gone.append(seq)
                if marker_ttl_s and self._leaves_marker(seq, subject):
                    self._leave_marker(subject, marker_ttl_s)
                if marker_ttl_s or removed % STEP == 0:
                    stream.apply(Expire(tuple(gone)))
                    gone.clear()
                if removed % STEP == 0:
                    yield
                    if not self._has_room:
                        return
            if gone:
                stream.apply(Expire(tuple(gone)))
            was_read = yield from stream.store.read_for_expiry()
            if not self._has_room:
                return

    def _removed(self, job: Job[None]) -> None:
        if isinstance(job.error, Cancelled):
            return
        self._removing = None
        if job.error is None:
            self.arm()
        elif isinstance(job.error, Exception):
            if isinstance(job.error, ApiError | StoreError):  # no room, as for a marker
                self._stream.log.warn_rarely(
                    f"JetStream {self._stream.label} keeps expired messages: {job.error}"
                )
            else:
                self._stream.on_internal_error(job.error)
            self._try_later()

    def _leaves_marker(self, seq: int, subject: bytes) -> bool:
        store = self._stream.store
        count, _, _ = store.subject_state(subject)
        if count != 1:
            return False
        message = store.get(seq)
        block = (message.headers or b"") if message is not None else b""
        return not (
            header_blocks.get(block, names.MARKER_REASON)
            or header_blocks.get(block, b"KV-Operation") == b"PURGE"
        )

    def _leave_marker(self, subject: bytes, ttl_s: int) -> None:
        block = header_blocks.build(
            (
                (names.MARKER_REASON, b"MaxAge"),
                (names.TTL, format_duration_ns(ttl_s * SECOND_NS).encode()),
                (names.ROLLUP, b"sub"),
            )
        )
        self._stream.take_own(subject, block, b"")
