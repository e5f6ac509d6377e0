"""STREAM.MSG.*: read and delete single messages."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

import msgspec
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.jetstream.api.request import Reply, Request, begin
from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.field_types import Int, Time, Uint64
from pynats_server.jetstream.store import Message, SequenceNotFound
from pynats_server.jetstream.stream.operations import Remove
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Steps, Work


class GetRequest(JsonObject):
    go_name: ClassVar = "JSApiMsgGetRequest"
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
    go_name: ClassVar = "JSApiMsgDeleteRequest"
    seq: Uint64 = 0
    no_erase: bool = False


def start_sequence(stream: Stream, asked: GetRequest) -> Work[int]:
    """Where reading begins: at `seq`, or at the first message since `start_time`."""
    if asked.start_time is None:
        return asked.seq
    try:
        since = parse_time_ns(asked.start_time)
    except ValueError:
        raise api_error(10003) from None
    return (yield from stream.store.find_since(since))


def find(stream: Stream, asked: GetRequest) -> Work[Message | None]:
    """The one message a request means."""
    store = stream.store
    start = yield from start_sequence(stream, asked)
    if asked.last_by_subj:
        if asked.last_by_subj == ">":  # the message at the last sequence, if it still exists
            return (yield from _load(stream, store.last_seq))
        return (yield from store.find_last(asked.last_by_subj.encode()))
    if asked.next_by_subj:
        return (yield from store.find_next(asked.next_by_subj.encode(), max(start, 1)))
    return (yield from _load(stream, start))


def _load(stream: Stream, seq: int) -> Work[Message | None]:
    try:
        return (yield from stream.store.read(seq))
    except SequenceNotFound:
        return None


def is_contradictory(asked: GetRequest) -> bool:
    """Whether a request names its message in more than one way."""
    if asked.start_time is not None and (asked.seq or asked.last_by_subj):
        return True
    return bool(asked.last_by_subj and (asked.seq or asked.next_by_subj))


def get(request: Request) -> Reply | Steps[Reply]:
    """STREAM.MSG.GET."""
    if not request.payload:
        raise api_error(10003)
    asked = request.body(GetRequest)
    if (
        not (asked.seq or asked.last_by_subj or asked.next_by_subj or asked.start_time)
        or is_contradictory(asked)
        or asked.batch
        or asked.max_bytes
    ):
        raise api_error(10003)
    return begin(_show(request.stream, asked))


def _show(stream: Stream, asked: GetRequest) -> Work[Reply]:
    message = yield from find(stream, asked)
    if message is None:
        raise api_error(10037)
    shown: dict[str, Any] = {
        "subject": text_of(message.subject),
        "seq": message.seq,
    }
    if message.headers and not asked.no_hdr:
        shown["hdrs"] = base64.b64encode(message.headers).decode()
    if message.payload:
        shown["data"] = base64.b64encode(message.payload).decode()
    shown["time"] = format_time_ns(message.ts)
    return {"message": shown}


async def delete(request: Request) -> Reply:
    """STREAM.MSG.DELETE."""
    if request.is_empty:
        raise api_error(10003)
    asked = request.body(DeleteRequest)
    stream = request.stream
    if stream.config.sealed:
        raise api_error(10109)
    if stream.config.deny_delete:
        raise api_error(10057, err="message delete not permitted")
    if await stream.change(Remove(asked.seq, not asked.no_erase)):
        return {"success": True}
    return {"error": _not_there(stream, asked.seq).as_dict()}  # the API counts no error for it


def _not_there(stream: Stream, seq: int) -> ApiError:
    """The real server's file store distinguishes gaps from sequences outside the stream."""
    if stream.config.storage == "file":
        if seq > stream.store.last_seq:
            return api_error(10057, err="stream store EOF")
        if seq < stream.store.first_seq:
            return api_error(10057, err="no message found")
    return api_error(10043, seq=seq)
