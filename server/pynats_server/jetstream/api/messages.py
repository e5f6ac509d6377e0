"""STREAM.MSG.*: read and delete single messages."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.model import JsonObject
from pynats_server.jetstream.operations import Remove
from pynats_server.jetstream.store import Message, SequenceNotFound
from pynats_server.jetstream.stream import Stream
from pynats_server.jetstream.times import format_time, parse_time
from pynats_server.jetstream.wiretypes import Int, Time, Uint64

from .request import Reply, Request


class GetRequest(JsonObject):
    seq: Uint64 = 0
    last_by_subj: str = ""
    next_by_subj: str = ""
    batch: Int = 0
    max_bytes: Int = 0
    start_time: Time | None = None
    multi_last: list[str] = msgspec.field(default_factory=list)
    up_to_seq: Uint64 = 0
    up_to_time: Time | None = None
    no_hdr: bool = False


class DeleteRequest(JsonObject):
    seq: Uint64 = 0
    no_erase: bool = False


def start_sequence(stream: Stream, asked: GetRequest) -> int:
    """Where reading begins: `seq`, or the first message at `start_time`."""
    if asked.start_time is None:
        return asked.seq
    try:
        return stream.store.seq_from_time(parse_time(asked.start_time))
    except ValueError:
        raise api_error(10003) from None


def find(stream: Stream, asked: GetRequest) -> Message:
    """The message a request means. Raises ApiError 10037."""
    store = stream.store
    start = start_sequence(stream, asked)
    found: Message | None
    if asked.last_by_subj:
        found = store.load_last(asked.last_by_subj.encode())
    elif asked.next_by_subj:
        found = store.load_next(asked.next_by_subj.encode(), max(start, 1))
    else:
        try:
            found = store.load(start)
        except SequenceNotFound:
            found = None
    if found is None:
        raise api_error(10037)
    return found


def get(request: Request) -> Reply:
    """STREAM.MSG.GET."""
    if not request.payload:
        raise api_error(10003)
    asked = request.body(GetRequest)
    stream = request.stream
    if not (asked.seq or asked.last_by_subj or asked.next_by_subj or asked.start_time):
        raise api_error(10003)
    if asked.seq and asked.last_by_subj:
        raise api_error(10003)
    message = find(stream, asked)
    shown: dict[str, Any] = {
        "subject": message.subject.decode(errors="replace"),
        "seq": message.seq,
    }
    if message.headers and not asked.no_hdr:
        shown["hdrs"] = base64.b64encode(message.headers).decode()
    if message.payload:
        shown["data"] = base64.b64encode(message.payload).decode()
    shown["time"] = format_time(message.ts)
    return {"message": shown}


async def delete(request: Request) -> Reply:
    """STREAM.MSG.DELETE."""
    asked = request.body(DeleteRequest)
    stream = request.stream
    if stream.config.sealed:
        raise api_error(10109)
    if stream.config.deny_delete:
        raise api_error(10057, err="message delete not permitted")
    if not await stream.change(Remove(asked.seq, not asked.no_erase)):
        raise api_error(10043, seq=asked.seq)
    return {"success": True}
