"""One API request, as endpoints see it."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.requests.decode import decode, decoding
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Steps, Work

T = TypeVar("T", bound=JsonObject)

Reply = dict[str, Any]
REQUEST_INFO: Final = b"Nats-Request-Info"
TOLD: Final = frozenset(
    ("start", "host", "id", "acc", "user", "name", "lang", "ver", "rtt", "kind", "client_type")
)
"""What is said of who asks from another account."""
JSON_BLANKS = b" \t\r\n"


R = TypeVar("R")


def begin(work: Steps[R]) -> R | Steps[R]:
    """Takes the first step: the result if that was all, else the work that is left."""
    try:
        awaited = next(work)
    except StopIteration as end:
        result: R = end.value
        return result
    return work if awaited is None else _after(awaited, work)


def _after(awaited: Future[Any], work: Steps[R]) -> Steps[R]:
    yield awaited
    return (yield from work)


@dataclass(slots=True)
class Request:
    """`names` are the tokens where the endpoint's pattern has `*` or `>`."""

    account: JetStreamAccount
    subject: str
    names: list[str]
    reply: bytes
    headers: bytes
    payload: bytes
    source: Any = None  # the requesting connection; None = the server itself
    reply_headers: bytes = b""  # a block that goes along with the answer, unless it is an error
    on_let: Callable[[], None] | None = None

    def let_on(self) -> None:
        """The client's next request may begin, if it is one that `Endpoint.ahead` allows."""
        if self.on_let is not None:
            self.on_let()

    @property
    def lane(self) -> tuple[str, Any]:
        """Whose requests are answered in order."""
        return self.account.name, self.source

    @property
    def told(self) -> dict[str, Any] | None:
        """Who asks, as the import says through which the request came; None if it is of the
        account itself."""
        is_own = getattr(self.source, "account", None) is self.account.account
        value = header_blocks.get(self.headers, REQUEST_INFO) if self.headers else None
        if is_own or not value:
            return None
        try:
            found = msgspec.json.decode(value, type=dict[str, Any])
        except msgspec.DecodeError:
            return None
        return {name: each for name, each in found.items() if name in TOLD}

    @property
    def stream(self) -> Stream:
        """The stream named first. Raises ApiError 10059."""
        return self.account.stream(self.names[0])

    def reading(self, type_: type[T]) -> Work[T]:
        """`body` in slices, for what may be long."""
        return decoding(self.payload, type_, self.account.strict)

    def body(self, type_: type[T]) -> T:
        """The request's JSON. Raises ApiError 10025."""
        return decode(self.payload, type_, self.account.strict)

    def optional_body(self, type_: type[T]) -> T:
        """The same, but anything that does not begin as an object or array means the defaults."""
        given = self.payload.lstrip(JSON_BLANKS).startswith((b"{", b"["))
        return self.body(type_) if given else type_()

    @property
    def is_empty(self) -> bool:
        """Whether there is no body, or an empty object."""
        return not self.payload or self.payload.translate(None, JSON_BLANKS) == b"{}"

    def require_empty(self) -> None:
        """Raises ApiError 10038 when there is a body."""
        if not self.is_empty:
            raise api_error(10038)

    def respond(self, payload: bytes, headers: bytes = b"") -> None:
        """Sends a message to the requester."""
        if self.reply:
            self.account.publish(self.reply, payload, b"", headers)
