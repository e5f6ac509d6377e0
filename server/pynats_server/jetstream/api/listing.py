"""STREAM.NAMES and STREAM.LIST: pages of an account's streams, by name.

An account may have thousands of streams with thousands of subjects, so both are sliced.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from pynats_common.subjects import subjects_overlap

from pynats_server.jetstream.api.request import Reply, Request, begin
from pynats_server.jetstream.api.streams import describing
from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.requests.field_types import Int
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Steps, Work

NAMES_PAGE = 1024
LIST_PAGE = 256
STEP_SUBJECTS = 64  # compared with a request's in one step
STEP_STREAMS = 4  # described in one step
STEP_BYTES = 16 * 1024  # of descriptions in one step: configurations may be large


class NamesRequest(JsonObject):
    go_name: ClassVar = "JSApiStreamNamesRequest"
    offset: Int = 0
    subject: str = ""


class ListRequest(NamesRequest):
    go_name: ClassVar = "JSApiStreamListRequest"


def names(request: Request) -> Reply | Steps[Reply]:
    """STREAM.NAMES."""
    return begin(_names(request, request.optional_body(NamesRequest)))


def listing(request: Request) -> Reply | Steps[Reply]:
    """STREAM.LIST."""
    return begin(_listing(request, request.optional_body(ListRequest)))


def _names(request: Request, asked: NamesRequest) -> Work[Reply]:
    found = yield from _matching(request, asked.subject)
    page, fields = _page(found, asked.offset, NAMES_PAGE)
    names = [stream.name for stream in page]
    return {**fields, "streams": names or None}  # the real server's empty list of names is null


def _listing(request: Request, asked: ListRequest) -> Work[Reply]:
    found = yield from _matching(request, asked.subject)
    page, fields = _page(found, asked.offset, LIST_PAGE)
    parts: list[bytes] = []
    count = size = 0
    for stream in page:
        if count == STEP_STREAMS or size >= STEP_BYTES:
            yield
            count = size = 0
        described = yield from describing(stream)
        parts.append(msgspec.json.encode(described))
        count += 1
        size += len(parts[-1])
    return {**fields, "streams": msgspec.Raw(b"[%b]" % b",".join(parts))}


def _matching(request: Request, subject: str) -> Work[list[Stream]]:
    """Streams, by name, that listen to a subject or part of a wildcard."""
    streams = request.account.streams
    if not subject:
        return [streams[name] for name in sorted(streams)]
    found: list[Stream] = []
    compared = 0
    for name in sorted(streams):
        stream = streams.get(name)
        if stream is None:  # deleted meanwhile
            continue
        for own in stream.config.subjects:
            compared += 1
            if compared % STEP_SUBJECTS == 0:
                yield
            if subjects_overlap(subject, own):
                found.append(stream)
                break
    return found


def _page(found: list[Stream], offset: int, limit: int) -> tuple[list[Stream], dict[str, Any]]:
    start = min(max(offset, 0), len(found))
    return found[start : start + limit], {"total": len(found), "offset": start, "limit": limit}
