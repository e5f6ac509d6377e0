"""CONSUMER.*: create, update, look at, delete, pause, unpin, reset.

Requests for messages do not come here, but for those with headers: `consumer.router` takes them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pynats_common.go.times import in_utc

from pynats_server.core.protocol import headers
from pynats_server.jetstream.api import direct
from pynats_server.jetstream.api.listing import LIST_PAGE, NAMES_PAGE
from pynats_server.jetstream.api.request import Reply, Request, begin
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.positions import check_reset
from pynats_server.jetstream.consumer.config.requests import (
    CreateRequest,
    PageRequest,
    PauseRequest,
    addressed,
    reset_seq,
    unpinned_group,
)
from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.stream.copying.names import identity
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Hold, Steps, Work

IDENTITY: Final = b"Nats-Stream-Identity"
STEP_CONSUMERS: Final = 8  # described in one step, about 0.2 ms
STEP_BYTES: Final = 16 * 1024  # of descriptions in one step: configurations may be large


async def create(request: Request) -> Reply:
    """CONSUMER.CREATE: a new consumer, another configuration for one, or the one that is there."""
    return await _create(request, False)


async def create_durable(request: Request) -> Reply:
    """CONSUMER.DURABLE.CREATE."""
    return await _create(request, True)


async def _create(request: Request, durable: bool) -> Reply:
    account = request.account
    asked = await account.sliced(request.reading(CreateRequest), request.source)
    config = addressed(asked, request.names, durable)
    async with Hold(account.changing, request.let_on) as hold:
        stream = request.stream
        if name := config.durable_name or config.name:
            await stream.consumers.settled(name)
        if config.direct or config.sourcing:
            _check_identity(request, stream)
            request.reply_headers = _identity_headers(stream)
        consumer = await _carry_out(request, stream, asked, config, hold)
    return consumer.info()


async def _carry_out(
    request: Request, stream: Stream, asked: CreateRequest, wanted: ConsumerConfig, hold: Hold
) -> Consumer:
    account, consumers = request.account, stream.consumers
    preparing = consumers.preparing(wanted, asked.action, asked.pedantic)
    config = await account.sliced(preparing, request.source)
    there = consumers.by_name.get(config.name)
    if there is not None:
        await consumers.change(there, config)
        if config.sourcing and config.durable_name:  # who copies does not know what was under way
            await consumers.reset(there, 0)
        consumers.tell_pause(there)
        return there
    made = await account.sliced(consumers.beginning(config), request.source)
    await consumers.add(made, hold)
    return made


def _check_identity(request: Request, stream: Stream) -> None:
    """Mirrors and sources say which stream they have read so far: another one may have its name
    now. Raises ApiError 10225."""
    wanted = headers.get(request.headers, IDENTITY) if request.headers else None
    mine = identity(stream.created)
    if wanted and wanted != mine:
        raise api_error(10225, msg=mine.decode())


def _identity_headers(stream: Stream) -> bytes:
    return b"NATS/1.0\r\n%b: %b\r\n\r\n" % (IDENTITY, identity(stream.created))


def info(request: Request) -> Reply:
    """CONSUMER.INFO."""
    request.require_empty()
    return _named(request).info()


async def delete(request: Request) -> Reply:
    """CONSUMER.DELETE."""
    request.require_empty()
    async with Hold(request.account.changing, request.let_on) as hold:
        consumers = request.stream.consumers
        await consumers.settled(request.names[1])
        await consumers.delete(_named(request), hold)
    return {"success": True}


async def pause(request: Request) -> Reply:
    """CONSUMER.PAUSE; without a time it ends a pause."""
    asked = request.optional_body(PauseRequest)
    async with request.account.changing:
        await request.stream.consumers.settled(request.names[1])
        consumer = _named(request)
        until = in_utc(asked.pause_until)
        await request.stream.consumers.pause(consumer, until)
        left_ns = consumer.pause_left_ns
    return {
        "paused": left_ns > 0,
        "pause_until": until,
        **({"pause_remaining": left_ns} if left_ns else {}),
    }


def unpin(request: Request) -> Reply:
    """CONSUMER.UNPIN. Raises ApiError."""
    group = unpinned_group(request.payload)
    consumer = _named(request)
    if group not in consumer.config.priority_groups:
        raise api_error(10160)
    consumer.unpin(group)
    return {}


async def reset(request: Request) -> Reply | None:
    """CONSUMER.RESET, answered when it is saved. Who asks about a consumer that is not there gets
    no answer."""
    stream = request.account.streams.get(request.names[0])
    consumer = stream.consumers.by_name.get(request.names[1]) if stream is not None else None
    if stream is None or consumer is None:
        return None
    if request.headers and headers.get(request.headers, IDENTITY) is not None:
        request.reply_headers = _identity_headers(stream)
    seq = reset_seq(request.payload)
    check = check_reset(consumer.config, seq, stream.store.find_since)
    await request.account.sliced(check, request.source)
    if stream.consumers.by_name.get(consumer.name) is not consumer:
        return None  # it has ended meanwhile
    begins = await stream.consumers.reset(consumer, seq)
    told = {**consumer.info(), "reset_seq": begins}
    await consumer.until_saved()
    return told


def next_message(request: Request) -> None:
    """CONSUMER.MSG.NEXT with headers; those without do not come here."""
    stream = request.account.streams.get(request.names[0])
    consumer = stream.consumers.by_name.get(request.names[1]) if stream is not None else None
    if consumer is None:
        direct.nowhere(request)
    else:
        consumer.asked(request.reply, request.payload)


def names(request: Request) -> Reply:
    """CONSUMER.NAMES."""
    page, fields = _page(request, NAMES_PAGE)
    return {**fields, "consumers": page}


def listing(request: Request) -> Reply | Steps[Reply]:
    """CONSUMER.LIST."""
    page, fields = _page(request, LIST_PAGE)
    return begin(_listing(request.stream, page, fields))


def _listing(stream: Stream, page: list[str], fields: dict[str, Any]) -> Work[Reply]:
    parts: list[bytes] = []
    count = size = 0
    for name in page:
        if count == STEP_CONSUMERS or size >= STEP_BYTES:
            yield
            count = size = 0
        consumer = stream.consumers.by_name.get(name)
        if consumer is None:  # deleted meanwhile
            continue
        parts.append(msgspec.json.encode(consumer.info(of_server=False)))
        count += 1
        size += len(parts[-1])
    return {**fields, "consumers": msgspec.Raw(b"[%b]" % b",".join(parts))}


def _page(request: Request, limit: int) -> tuple[list[str], dict[str, Any]]:
    """The names of a page, and what answers say of it."""
    asked = request.optional_body(PageRequest)
    names = request.stream.consumers.names
    start = min(max(asked.offset, 0), len(names))
    fields = {"total": len(names), "offset": start, "limit": limit}
    return names[start : start + limit], fields


def _named(request: Request) -> Consumer:
    """Raises ApiError 10059, 10014."""
    return request.stream.consumers.get(request.names[1])
