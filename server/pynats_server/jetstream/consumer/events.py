"""What a consumer tells about itself: advisories and metrics, after the turn in which they
happened, because whoever hears them may be a stream that is being changed just now.

See https://docs.nats.io/reference/jetstream/advisory.
"""

from __future__ import annotations

from typing import Any

from pynats_common.go.times import ZERO_TIME, format_time_ns

from pynats_server.jetstream.advisories import Advisories
from pynats_server.jetstream.context import AccountContext


class ConsumerEvents:
    """Of one consumer."""

    def __init__(self, account: AccountContext, stream: str, consumer: str) -> None:
        self._account = account
        self._advisories: Advisories = account.advisories
        self._stream, self._consumer = stream, consumer

    def _tell(self, event: str, kind: str, /, **fields: Any) -> None:
        suffix = f"CONSUMER.{event}.{self._stream}.{self._consumer}"
        if not self._advisories.is_heard(suffix):
            return
        named = {"stream": self._stream, "consumer": self._consumer, **fields}
        self._account.server.engine.at_turn_end(
            lambda: self._advisories.publish(suffix, kind, **named)
        )

    def paused(self, until_ns: int) -> None:
        """Deliveries stop until then, or go on (0)."""
        self._tell(
            "PAUSE", "consumer_pause",
            paused=until_ns > 0, pause_until=format_time_ns(until_ns) if until_ns else ZERO_TIME,
        )  # fmt: skip

    def exhausted(self, seq: int, deliveries: int) -> None:
        """A message has been delivered as often as it may."""
        self._tell("MAX_DELIVERIES", "max_deliver", stream_seq=seq, deliveries=deliveries)

    def naked(self, seq: int, delivery: int, deliveries: int) -> None:
        """A message was refused, and comes again."""
        self._tell("MSG_NAKED", "nak", consumer_seq=delivery, stream_seq=seq, deliveries=deliveries)

    def terminated(self, seq: int, delivery: int, deliveries: int, reason: str) -> None:
        """A message was given up, or has gone before it was acknowledged."""
        self._tell(
            "MSG_TERMINATED", "terminated",
            consumer_seq=delivery, stream_seq=seq, deliveries=deliveries, reason=reason,
        )  # fmt: skip

    def sampled(self, seq: int, delivery: int, deliveries: int, took_ns: int) -> None:
        """An acknowledgement, and how long it took."""
        suffix = f"CONSUMER.ACK.{self._stream}.{self._consumer}"
        self._account.server.engine.at_turn_end(
            lambda: self._advisories.metric(
                suffix, "consumer_ack",
                stream=self._stream, consumer=self._consumer, consumer_seq=delivery,
                stream_seq=seq, ack_time=took_ns, deliveries=deliveries,
            )
        )  # fmt: skip
