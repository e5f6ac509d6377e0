"""DIRECT.GET: messages as they are, without JSON around them (server-inventory 6.11)."""

from __future__ import annotations

from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.store import Message
from pynats_server.jetstream.stream import Stream
from pynats_server.jetstream.times import format_time

from .messages import GetRequest, find
from .request import Request


def headers_of(stream: Stream, message: Message, *more: str) -> bytes:
    """The message's own headers with where it comes from."""
    lines = [
        f"Nats-Stream: {stream.name}",
        f"Nats-Subject: {message.subject.decode()}",
        f"Nats-Sequence: {message.seq}",
        f"Nats-Time-Stamp: {format_time(message.ts)}",
        *more,
    ]
    own = message.headers[:-2] if message.headers else b"NATS/1.0\r\n"
    return bytes(own) + "\r\n".join(lines).encode() + b"\r\n\r\n"


def status(request: Request, code: int, text: str) -> None:
    """A reply of a status line alone."""
    request.respond(b"", f"NATS/1.0 {code} {text}\r\n\r\n".encode())


def get(request: Request) -> None:
    """DIRECT.GET.<stream> with a JSON request."""
    stream = request.account.streams.get(request.names[0])
    if stream is None or not stream.config.allow_direct:
        return
    if not request.payload:
        status(request, 408, "Empty Request")
        return
    try:
        asked = request.body(GetRequest)
    except ApiError:
        status(request, 408, "Malformed Request")
        return
    _answer(request, stream, asked)


def get_last(request: Request) -> None:
    """DIRECT.GET.<stream>.<subject>: the last message of the subject."""
    stream = request.account.streams.get(request.names[0])
    if stream is None or not stream.config.allow_direct:
        return
    if request.payload:
        status(request, 408, "Bad Request")
        return
    _answer(request, stream, GetRequest(last_by_subj=request.names[1]))


def _answer(request: Request, stream: Stream, asked: GetRequest) -> None:
    try:
        message = find(stream, asked)
    except ApiError:
        status(request, 404, "Message Not Found")
        return
    headers = headers_of(stream, message)
    request.respond(message.payload or b"", headers)
