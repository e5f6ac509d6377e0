"""STREAM.*: create, update, look at, delete, purge."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from pynats_common.go.text import text_of
from pynats_common.go.times import ZERO_TIME, format_time_ns

from pynats_server.jetstream.api.request import Reply, Request, begin
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import (
    JsonObject,
    StreamConfig,
    StreamConfigRequest,
    StreamState,
    in_slices,
)
from pynats_server.jetstream.config.validation import (
    check_config,
    prepare_create,
    prepare_update,
    public_config,
    same_config,
)
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.requests.field_types import Int, Uint64
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.operations import Purge
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Steps, Work

SUBJECTS_PAGE = 100_000
DELETED_MAX = 1_000_000  # a mirror may miss any number of sequences if its origin jumped


class InfoRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamInfoRequest"
    offset: Int = 0
    deleted_details: bool = False
    subjects_filter: str = ""


class PurgeRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamPurgeRequest"
    seq: Uint64 = 0
    filter: str = ""
    keep: Uint64 = 0


def describing(stream: Stream, config: StreamConfig | None = None) -> Work[dict[str, Any]]:
    """StreamInfo without the cluster part; in slices, for those with thousands of sources."""
    mirror, sources = yield from stream.origins()
    domain = stream.domain
    shown = yield from in_slices(config or stream.config)
    shown_sources = yield from in_slices(sources)
    return {
        "config": shown,
        "created": format_time_ns(stream.created),
        "state": stream.state().as_dict(),
        **({"domain": domain} if domain else {}),
        **({"mirror": mirror.as_dict()} if mirror else {}),
        **({"sources": shown_sources} if shown_sources else {}),
        "ts": format_time_ns(now_ns()),
    }


def _checked_name(request: Request, name: str) -> None:
    if request.names[0] != name:
        raise api_error(10056)


async def create(request: Request) -> Reply:
    """STREAM.CREATE: a new stream, or the one that is there with the same configuration."""
    account = request.account
    asked = await account.sliced(request.reading(StreamConfigRequest), request.source)
    _checked_name(request, asked.name)
    async with account.changing:
        there = account.streams.get(asked.name)
        config = await account.sliced(prepare_create(asked, account.surroundings, asked.pedantic))
        if there is not None and not same_config(config, there.config):
            raise api_error(10058)
        stream = there or await account.create(config, request.source)
    described = await account.sliced(
        describing(stream, public_config(stream.config)), request.source
    )
    described["did_create"] = True
    described.pop("domain", None)  # the one answer without it
    if there is None:
        _as_begun(described)
        # Announced last: the new stream itself may store advisories.
        account.advisories.stream_action(stream.name, "create")
    return described


def _as_begun(described: dict[str, Any]) -> None:
    """A new stream has not looked at its origins, even if ours already has."""
    mirror = [described["mirror"]] if "mirror" in described else []
    for origin in [*mirror, *described.get("sources", [])]:
        origin.update(lag=0, active=-1)
        origin.pop("seq", None)
        if "external" not in origin:  # those that nobody can reach are told at once
            origin.pop("error", None)
    for origin in mirror:
        origin.pop("filter_subject", None)
    if (mirror or "sources" in described) and described["state"]["messages"]:
        first = described["config"].get("first_seq", 0)
        empty = StreamState(
            first_seq=first, first_ts=ZERO_TIME, last_seq=max(first - 1, 0), last_ts=ZERO_TIME
        )
        described["state"] = empty.as_dict()


async def update(request: Request) -> Reply:
    """STREAM.UPDATE."""
    account = request.account
    asked = await account.sliced(request.reading(StreamConfigRequest), request.source)
    async with account.changing:
        around = account.surroundings
        await account.sliced(check_config(asked, around, asked.pedantic), request.source)
        _checked_name(request, asked.name)
        stream = request.stream
        try:
            stream.store.guard()
        except StoreError as error:
            raise api_error(10069, err=error) from None
        await stream.consumers.settled()
        config = await account.sliced(prepare_update(stream.config, asked, around, asked.pedantic))
        await account.update(stream, config, request.source)
    return await account.sliced(describing(stream, public_config(stream.config)), request.source)


def info(request: Request) -> Reply | Steps[Reply]:
    """STREAM.INFO, with subjects and deleted sequences when asked."""
    asked = request.optional_body(InfoRequest)
    return begin(_info(request, request.stream, asked))


def _info(request: Request, stream: Stream, asked: InfoRequest) -> Work[Reply]:
    state: dict[str, Any] = {}
    fields: Reply = {"total": 0, "offset": 0, "limit": 0}
    if asked.deleted_details:
        deleted = yield from _deleted(stream)
        if deleted is not None:
            state["deleted"] = deleted
    if asked.subjects_filter:
        total, page = yield from _subjects(stream, asked.subjects_filter, max(asked.offset, 0))
        if total:
            fields = {"total": total, "offset": max(asked.offset, 0), "limit": SUBJECTS_PAGE}
        if page is not None:
            state["subjects"] = page
    described = yield from describing(stream, public_config(stream.config))
    described["state"] |= state
    described["cluster"] = {"leader": request.account.server_name}
    return {**fields, **described}


def _deleted(stream: Stream) -> Work[msgspec.Raw | None]:
    """The deleted sequences as JSON, None without any."""
    parts = []
    for sequences in stream.store.missing(DELETED_MAX):
        if sequences:
            parts.append(msgspec.json.encode(sequences)[1:-1])
        yield
    return msgspec.Raw(b"[%b]" % b",".join(parts)) if parts else None


def _subjects(stream: Stream, filter: str, offset: int) -> Work[tuple[int, msgspec.Raw | None]]:
    """How many subjects a filter covers, and a page of them as JSON; None if it is empty."""
    total, parts = 0, []
    for step in stream.store.subject_pages(filter.encode()):
        page = step[max(0, offset - total) : max(0, offset + SUBJECTS_PAGE - total)]
        total += len(step)
        if page:
            counts = {text_of(subject): count for subject, count in page}
            parts.append(msgspec.json.encode(counts)[1:-1])
        yield
    return total, msgspec.Raw(b"{%b}" % b",".join(parts)) if parts else None


async def delete(request: Request) -> Reply:
    """STREAM.DELETE."""
    request.require_empty()
    async with request.account.changing:
        stream = request.stream
        await stream.consumers.settled()
        await request.account.delete(stream)
    return {"success": True}


async def purge(request: Request) -> Reply:
    """STREAM.PURGE."""
    asked = request.optional_body(PurgeRequest)
    stream = request.stream
    if asked.seq > 0 and asked.keep > 0:
        raise api_error(10003)
    if stream.config.sealed:
        raise api_error(10109)
    if stream.config.deny_purge:
        raise api_error(10110, err="stream purge not permitted")
    filter = asked.filter.encode() or b">"
    purged = await stream.change(Purge(filter, asked.seq, asked.keep))
    return {"success": True, "purged": purged}


__all__ = [
    "create", "delete", "describing", "info", "purge", "update",
]  # fmt: skip
