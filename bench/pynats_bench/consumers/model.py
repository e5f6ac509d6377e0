"""What is consumed, and how: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

PULL_MESSAGES = 500  # what client libraries and `nats bench` ask for at a time
ACK_ALL_EVERY = 100
HEARTBEAT_NS = 5_000_000_000  # of ordered consumers and watchers that are pushed to
PULL_EXPIRES_NS = 30_000_000_000
THRESHOLD = 2  # half of what was asked for has come: time to ask again


@dataclass(frozen=True, slots=True)
class ConsumeLoad:
    """`clients` consume from one consumer, each on a connection of its own.

    `way`: *consume* asks again when half of `batch` has come, *fetch* when all of it has, *push*
    asks for nothing. `ack` is the policy; with "all" a client acknowledges every hundredth message.
    `group` shares pushed messages among the clients. `extra` goes into the configuration.
    """

    payload_bytes: int = 128
    clients: int = 1
    way: Literal["consume", "fetch", "push"] = "consume"
    ack: Literal["none", "explicit", "all"] = "none"
    batch: int = PULL_MESSAGES
    flow_control: bool = False
    group: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.clients < 1 or self.batch < THRESHOLD or self.payload_bytes < 0:
            raise ValueError("a load needs a client, a batch and a payload size")
        if self.way != "push" and (self.flow_control or self.group):
            raise ValueError("flow control and deliver groups are of consumers that push")

    @property
    def ack_every(self) -> int:
        return {"none": 0, "explicit": 1, "all": ACK_ALL_EVERY}[self.ack]

    @property
    def step(self) -> int:
        """Messages after which a client asks again."""
        return self.batch if self.way == "fetch" else self.batch // THRESHOLD


PULL_BODY = (
    b'{"expires":%d,"batch":' % PULL_EXPIRES_NS,
    b',"idle_heartbeat":%d}' % (PULL_EXPIRES_NS // 2),
)
"""What stands around the number of messages in a pull request."""
