"""Loads and their results: plain values, shared by the engine and its callers."""

from __future__ import annotations

from dataclasses import dataclass, field

# A request or reply, control line included, must fit the responder's 20 KiB stash.
REQUEST_PAYLOAD_MAX = 16_384


class LoadError(Exception):
    """The load could not finish, or not every message arrived."""


def split(messages: int, clients: int) -> list[int]:
    """Each client's share; what does not divide goes to the first ones."""
    each, rest = divmod(messages, clients)
    return [each + (number < rest) for number in range(clients)]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who logs in by signing the server's nonce: a user JWT's subject, or an NKey (no JWT).

    `secret` is the expanded key, as libsodium signs with it.
    """

    public: str
    secret: bytes = field(repr=False)
    jwt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address and credentials for connections. `bare` skips the NATS handshake (byte
    relays)."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    bare: bool = False
    tls: bool = False
    signer: Signer | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class PubSubLoad:
    """Publishers and subscribers with a known number of deliveries.

    Each publisher sends `subjects` in turn. Every one of the `subscribers` connections holds all
    of `subscriptions`, and each published message must match exactly one of them. With `queue`
    the subscribers share the messages; without, each gets every message. `header` is a
    complete header block (`NATS/1.0...`) or empty. No subscribers: publish only.
    `gains_header`: the server puts one in front of the payload, of unknown size.
    """

    payload_bytes: int
    subjects: tuple[str, ...] = ("bench",)
    subscriptions: tuple[str, ...] = ("bench",)
    publishers: int = 1
    subscribers: int = 1
    queue: str = ""
    header: bytes = b""
    gains_header: bool = False

    def __post_init__(self) -> None:
        if not self.subjects or self.publishers < 1 or self.payload_bytes < 0:
            raise ValueError("a load needs a subject, a publisher and a payload size")
        if self.subscribers and not self.subscriptions:
            raise ValueError("subscribers need subscriptions")

    @property
    def deliveries_per_message(self) -> int:
        return min(self.subscribers, 1) if self.queue else self.subscribers


@dataclass(frozen=True, slots=True)
class RequestLoad:
    """`requesters` connections with one request in flight each, and one responder connection."""

    requesters: int = 1
    payload_bytes: int = 16
    subject: str = "bench.service"
    service: str = ""  # the subject that it has for the responder, if it is another

    def __post_init__(self) -> None:
        if self.requesters < 1 or not 0 <= self.payload_bytes <= REQUEST_PAYLOAD_MAX:
            raise ValueError(
                f"a request load needs a requester and at most {REQUEST_PAYLOAD_MAX} bytes"
            )


@dataclass(frozen=True, slots=True)
class Latency:
    """Round-trip times in microseconds."""

    p50_us: float
    p99_us: float
    p999_us: float


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `seconds` is from the first publish to the last delivery (or last PONG)."""

    published: int
    delivered: int
    payload_bytes: int
    seconds: float
    generator_cpu_seconds: float
    latency: Latency | None = None

    @property
    def messages(self) -> int:
        """What the rate counts: deliveries, or publishes without subscribers."""
        return self.delivered or self.published

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds
