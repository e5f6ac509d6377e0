"""What mirrors and sources ask their origins for."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

import msgspec
from pynats_common.ids.nuid import new_nuid

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.stream.copying.answers import (
    Described,
    Known,
    known_by,
    read,
    read_identity,
)
from pynats_server.jetstream.stream.host import StreamHost

ANSWER_S: Final = 5.0  # that an answer may take
IDENTITY: Final = b"Nats-Stream-Identity"
SECOND_NS: Final = 1_000_000_000
T = TypeVar("T")


def consumer_config(
    stream: StreamHost,
    source: StreamSource,
    is_mirror: bool,
    name: str,
    deliver: str,
    start: int,
    since: str,
) -> ConsumerConfig:
    """The consumer that the real server asks for: it begins at a sequence or, if that is not empty,
    since a time."""
    told = "mirror" if is_mirror else "src"
    account = stream.account
    place = {"acc": account.name, "domain": account.server.domain, "stream": stream.name}
    made = ConsumerConfig(
        name=name,
        ack_wait=22 * 3600 * SECOND_NS,
        max_deliver=1,
        flow_control=True,
        deliver_subject=deliver,
        idle_heartbeat=SECOND_NS,
        inactive_threshold=10 * SECOND_NS,
        direct=True,
        sourcing=True,
        metadata={f"_nats.{told}.{what}": value for what, value in place.items() if value},
    )
    filters = [each.src or ">" for each in source.subject_transforms]
    if len(filters) > 1:
        made.filter_subjects = filters
    else:
        made.filter_subject = filters[0] if filters else source.filter_subject
    if since:
        made.deliver_policy = "by_start_time"
        made.opt_start_time = since
    elif start > 1:
        made.deliver_policy = "by_start_sequence"
        made.opt_start_seq = start
    return made


def create_subject(stream: str, config: ConsumerConfig) -> str:
    """Where it is asked for, without the prefix of the API."""
    if config.filter_subject:
        return f"CONSUMER.CREATE.{stream}.{config.name}.{config.filter_subject}"
    return f"CONSUMER.CREATE.{stream}"


def mark() -> str:
    """What nobody else uses at the time."""
    return new_nuid()[-8:]


class Requests:
    """To the API of another account or domain."""

    def __init__(self, stream: StreamHost, api: str) -> None:
        self._stream = stream
        self._api = api

    def tell(self, subject: str) -> None:
        """Asks without waiting for the answer."""
        self._stream.account.publish(f"{self._api}.{subject}".encode(), b"")

    async def known(self, name: str) -> Known | None:
        """What the stream of that name says of itself; None if it does not."""
        try:
            answer, _ = await self.request(f"STREAM.INFO.{name}", None, b"", Described)
            return None if answer is None else known_by(answer)
        except ApiError:
            return None

    async def request(
        self, subject: str, body: Any, headers: bytes, form: type[T]
    ) -> tuple[T | None, bytes]:
        """The answer, and which stream says so; None if nobody does. Raises ApiError if what comes
        is no answer."""
        account = self._stream.account
        came: asyncio.Future[tuple[bytes, bytes]] = account.server.loop.create_future()

        def on_answer(_a: object, _s: object, _r: object, block: bytes, payload: bytes) -> None:
            if not came.done():
                came.set_result((block, payload))

        inbox = f"$JSC.R.{mark()}".encode()
        subscription = account.account.subscribe(inbox, on_answer)
        try:
            delivered = account.publish(
                f"{self._api}.{subject}".encode(),
                b"" if body is None else msgspec.json.encode(body),
                inbox,
                b"NATS/1.0\r\n%b\r\n" % headers if headers else b"",
            )
            if not delivered:
                return None, b""
            async with asyncio.timeout(ANSWER_S):
                block, payload = await came
        except TimeoutError:
            return None, b""
        finally:
            account.account.unsubscribe(subscription)
        told = header_blocks.get(block, IDENTITY) if block else None
        return read(payload, form), read_identity(told or b"")
