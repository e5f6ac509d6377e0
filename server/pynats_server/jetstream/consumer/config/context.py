"""What the rules for a consumer's configuration need to know of its stream, account and server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.options import AccountLimits, JetStreamServerLimits
from pynats_server.work import Work

DEFAULT_MAX_CONSUMERS: Final = 1000  # of a stream for which nobody says a number


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a consumer must respect; 0 and less mean none.

    The first three belong to the server, the others to the account (of the tier that a consumer
    with so many replicas belongs to).
    """

    max_ack_pending: int = 0
    max_request_batch: int = 0
    default_max_consumers: int = DEFAULT_MAX_CONSUMERS
    account_max_ack_pending: int = -1
    account_max_consumers: int = -1

    @classmethod
    def of(cls, server: JetStreamServerLimits, account: AccountLimits) -> Limits:
        """The bounds that a configuration file sets."""
        return cls(
            max_ack_pending=server.max_ack_pending,
            max_request_batch=server.max_request_batch,
            default_max_consumers=server.default_max_consumers or DEFAULT_MAX_CONSUMERS,
            account_max_ack_pending=account.max_ack_pending,
            account_max_consumers=account.max_consumers,
        )


class Surroundings(Protocol):
    """The stream that a consumer is of, or shall be."""

    @property
    def stream(self) -> StreamConfig:
        """Its configuration."""
        ...

    def limits(self, replicas: int) -> Limits:
        """What holds for a consumer with so many replicas. Raises ApiError 10120 where no tier
        covers them."""
        ...

    def existing(self, name: str) -> ConsumerConfig | None:
        """The configuration of its consumer of that name, as `preparation` made it."""
        ...

    def counted(self) -> int:
        """How many consumers of users it has (`ConsumerConfig.is_counted`)."""
        ...

    def claimed(self, filters: list[bytes], name: str) -> Work[bool]:
        """Whether a consumer of another name wants some of these subjects: `claims.FilterClaims`.
        Asked of work queues only."""
        ...

    def is_heard(self, subject: str) -> bool:
        """Whether somebody in the account listens to that subject."""
        ...
