"""What a consumer tells about itself: advisories and metrics, after the turn in which they
happened, because whoever hears them may be a stream that is being changed just now.

See https://docs.nats.io/reference/jetstream/advisory.
"""

from __future__ import annotations

from typing import Any

from pynats_server.jetstream.advisories import Advisories
from pynats_server.jetstream.context import AccountContext


class ConsumerEvents:
    """Of one consumer."""

    def __init__(self, account: AccountContext, stream: str, consumer: str) -> None:
        self._account = account
        self._advisories: Advisories = account.advisories
        self._stream, self._consumer = stream, consumer

    def _tell(self, event: str, kind: str, account: str = "", /, **fields: Any) -> None:
        suffix = f"CONSUMER.{event}.{self._stream}.{self._consumer}"
        if not self._advisories.is_heard(suffix):
            return
        named = {
            "account": account, "stream": self._stream, "consumer": self._consumer, **fields,
        }  # fmt: skip
        self._account.server.engine.at_turn_end(
            lambda: self._advisories.publish(suffix, kind, **named)
        )

    def paused(self, until: str, is_paused: bool) -> None:
        """Deliveries stop until then, or go on."""
        self._tell("PAUSE", "consumer_pause", paused=is_paused, pause_until=until)

    def pinned(self, group: str, pin: str) -> None:
        """A client gets the messages of a group from now on."""
        account = self._account.name
        self._tell("PINNED", "consumer_group_pinned", account, group=group, pinned_id=pin)

    def unpinned(self, group: str, reason: str) -> None:
        """Whoever the messages of a group went to gets no more: `admin`, `timeout`."""
        account = self._account.name
        self._tell("UNPINNED", "consumer_group_unpinned", account, group=group, reason=reason)

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
