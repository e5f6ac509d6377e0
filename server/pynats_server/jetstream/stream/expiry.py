"""Messages that run out: by the stream's max_age and by TTLs of their own.

Where the stream leaves markers (`subject_delete_marker_ttl`), the last message of a subject is not
just removed: a marker takes its place and says so, for as long as configured. A marker, or the
`PURGE` of a key-value bucket, leaves no other marker behind.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from pynats_common.units import format_duration

from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.operations import Remove
from pynats_server.jetstream.times import SECOND

if TYPE_CHECKING:
    from pynats_server.jetstream.stream.stream import Stream

WAIT_MIN_S: Final = 0.01
"""Messages that run out together go together."""
WAIT_MAX_S: Final = 3600.0
BATCH: Final = 5000
"""Messages removed before the loop gets a turn."""
RETRY_S: Final = 1.0
"""After a store that could not do it, a full disk for example."""


class Expiry:
    """The timer of one stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0

    def arm(self) -> None:
        """Sets the timer to when the next message runs out, if that is earlier than it stands."""
        config = self._stream.config
        if config.max_age <= 0 and not config.allow_msg_ttl:
            return
        found = self._stream.store.next_expiry(config.max_age, config.allow_msg_ttl)
        if found:
            wait = (found - time.time_ns()) / SECOND
            self._arm_in(min(max(wait, WAIT_MIN_S), WAIT_MAX_S))

    def configured(self) -> None:
        """Sets the timer anew."""
        self.stop()
        self.arm()

    def stop(self) -> None:
        """Removes nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm_in(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + wait_s
        if self._timer is not None:
            if self._fires_at <= at:
                return
            self._timer.cancel()
        self._fires_at = at
        self._timer = loop.call_at(at, self.run)

    def run(self) -> None:
        """Removes what has run out."""
        self._timer = None
        stream = self._stream
        config = stream.config
        marker_ttl = config.subject_delete_marker_ttl // SECOND
        left = BATCH
        try:
            for seq, subject, _, _ in stream.store.expired(
                time.time_ns(), config.max_age, config.allow_msg_ttl
            ):
                if marker_ttl and self._leaves_marker(seq, subject):
                    self._leave_marker(subject, marker_ttl)
                stream.apply(Remove(seq))
                left -= 1
                if not left:
                    break
        except (ApiError, StoreError) as error:
            stream.on_internal_error(error)
            self._arm_in(RETRY_S)
            return
        self.arm()

    def _leaves_marker(self, seq: int, subject: bytes) -> bool:
        store = self._stream.store
        count, _, _ = store.subject_state(subject)
        if count != 1:
            return False
        message = store.get(seq)
        block = (message.headers or b"") if message is not None else b""
        return not (
            header_blocks.get(block, b"Nats-Marker-Reason")
            or header_blocks.get(block, b"KV-Operation") == b"PURGE"
        )

    def _leave_marker(self, subject: bytes, ttl_s: int) -> None:
        block = header_blocks.build(
            (
                (b"Nats-Marker-Reason", b"MaxAge"),
                (b"Nats-TTL", format_duration(ttl_s * SECOND).encode()),
                (b"Nats-Rollup", b"sub"),
            )
        )
        self._stream.publishing.take_own(subject, block, b"")
