"""STREAM.*: create, update, look at, list, delete, purge."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from pynats_common.go.times import ZERO_TIME, format_time_ns

from pynats_server.jetstream.api.request import Reply, Request
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
from pynats_server.jetstream.stream.operations import Purge
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Work, finish

NAMES_PAGE = 1024
LIST_PAGE = 256
SUBJECTS_PAGE = 100_000


class NamesRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamNamesRequest"
    offset: Int = 0
    subject: str = ""


class ListRequest(NamesRequest):
    go_name: ClassVar = "JSApiStreamListRequest"


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


def describe(stream: Stream, config: StreamConfig | None = None) -> dict[str, Any]:
    """StreamInfo without the cluster part."""
    return finish(describing(stream, config))


def describing(stream: Stream, config: StreamConfig | None = None) -> Work[dict[str, Any]]:
    """`describe` in slices, for those with thousands of sources."""
    mirror, sources = stream.origins()
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
        "ts": format_time_ns(time.time_ns()),
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
        config = await account.sliced(prepare_update(stream.config, asked, around, asked.pedantic))
        await account.update(stream, config, request.source)
    return await account.sliced(describing(stream, public_config(stream.config)), request.source)


def names(request: Request) -> Reply:
    """STREAM.NAMES."""
    asked = request.optional_body(NamesRequest)
    found = [stream.name for stream in request.account.matching(asked.subject)]
    page, fields = _page(found, asked.offset, NAMES_PAGE)
    return {**fields, "streams": page or None}  # the real server's empty list of names is null


def listing(request: Request) -> Reply:
    """STREAM.LIST."""
    asked = request.optional_body(ListRequest)
    found = list(request.account.matching(asked.subject))
    page, fields = _page(found, asked.offset, LIST_PAGE)
    return {**fields, "streams": [describe(stream) for stream in page]}


def _page(found: list[Any], offset: int, limit: int) -> tuple[list[Any], Reply]:
    start = min(max(offset, 0), len(found))
    return found[start : start + limit], {"total": len(found), "offset": start, "limit": limit}


def info(request: Request) -> Reply:
    """STREAM.INFO, with subjects and deleted sequences when asked."""
    asked = request.optional_body(InfoRequest)
    stream = request.stream
    described = describe(stream, public_config(stream.config))
    fields: Reply = {"total": 0, "offset": 0, "limit": 0}
    if asked.deleted_details:
        described["state"] = stream.state(deleted=True).as_dict()
    if asked.subjects_filter:
        counts = sorted(stream.store.subject_totals(asked.subjects_filter.encode()).items())
        if counts:
            page, fields = _page(counts, asked.offset, SUBJECTS_PAGE)
            fields["offset"] = max(asked.offset, 0)
            if page:
                described["state"]["subjects"] = {
                    subject.decode(errors="replace"): count for subject, count in page
                }
    described["cluster"] = {"leader": request.account.server_name}
    return {**fields, **described}


async def delete(request: Request) -> Reply:
    """STREAM.DELETE."""
    request.require_empty()
    async with request.account.changing:
        await request.account.delete(request.stream)
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
    "create", "delete", "describe", "info", "listing", "names", "purge", "update",
]  # fmt: skip
