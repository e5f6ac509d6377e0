"""DIRECT.GET: messages as they are, without JSON around them (ADR-31).

One message, a batch of following ones, or the last one of each of several subjects. A series ends
with a status line of its own, which tells what is left. It is sliced: it gives way every few
messages, waits while the requester does not read, and ends with its stream. The usual requests for
one message do not come here: `direct.desk` answers them.
"""

from __future__ import annotations

import asyncio

from pynats_common.go.times import format_time_ns, parse_time_ns

from pynats_server.core.client import ClientConnection
from pynats_server.core.protocol import headers
from pynats_server.jetstream.api.messages import GetRequest, find, is_contradictory, start_sequence
from pynats_server.jetstream.api.request import JSON_BLANKS, Request, begin
from pynats_server.jetstream.direct.series import Series, Went
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decode
from pynats_server.jetstream.store import Message
from pynats_server.jetstream.store.search.queries import only
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Steps

SUBJECTS_MAX = 1024  # of one request for last messages
# Of such a request. They are sorted before anything else is done, which takes some milliseconds for
# so many; more subjects than SUBJECTS_MAX are not answered anyway.
FILTERS_MAX = 8192


def get(request: Request) -> Steps[None] | None:
    """DIRECT.GET.<stream> with a JSON request."""
    stream = _stream(request)
    if stream is None:
        return None
    if not request.payload:
        _status(request, "408 Empty Request")
        return None
    asked = _asked(request)
    return None if asked is None else begin(_answer(request, stream, asked))


def get_last(request: Request) -> Steps[None] | None:
    """DIRECT.GET.<stream>.<subject>: the last message of the subject."""
    stream = _stream(request)
    if stream is None:
        return None
    asked = _asked(request) if request.payload else GetRequest()
    if asked is None:
        return None
    asked.last_by_subj = request.names[1]
    return begin(_answer(request, stream, asked))


def nowhere(request: Request) -> None:
    """A request that no stream answers: as for any subject without listeners."""
    source = request.source
    if not isinstance(source, ClientConnection) or source.no_responders:
        _status(request, "503", f"Nats-Subject: {request.subject}")


def _stream(request: Request) -> Stream | None:
    """The stream that answers: the named one, or a mirror of it."""
    name = request.names[0]
    streams = request.account.streams
    found = streams.get(name)
    if found is not None and found.config.allow_direct:
        return found
    for stream in streams.values():
        config = stream.config
        if config.mirror_direct and config.mirror is not None and config.mirror.name == name:
            return stream
    nowhere(request)
    return None


def _asked(request: Request) -> GetRequest | None:
    """The request's JSON. If it is not valid JSON, tells the requester and returns None."""
    try:
        if request.payload.strip(JSON_BLANKS):
            return decode(request.payload, GetRequest, strict=False)
    except ApiError:
        pass  # answered below
    _status(request, "408 Malformed Request")
    return None


def _answer(request: Request, stream: Stream, asked: GetRequest) -> Steps[None]:
    if not (
        asked.seq or asked.last_by_subj or asked.next_by_subj or asked.start_time
        or asked.multi_last
    ):  # fmt: skip
        _status(request, "408 Empty Request")
    elif (
        is_contradictory(asked)
        or (asked.last_by_subj and asked.batch)
        or (asked.multi_last and (asked.last_by_subj or asked.next_by_subj))
        or (asked.up_to_seq and asked.up_to_time)
    ):
        _status(request, "408 Bad Request")
    elif len(asked.multi_last) > FILTERS_MAX:
        _status(request, "413 Too Many Results")
    elif asked.multi_last:
        yield from _send_last_of_each(request, stream, asked)
    elif asked.batch:
        yield from _send_batch(request, stream, asked)
    else:
        message = yield from find(stream, asked)
        if message is None:
            _status(request, "404 Message Not Found")
        else:
            block = b"" if asked.no_hdr else _block(stream, message)
            request.respond(message.payload or b"", block)


class Replies(Series):
    """The messages that one request is sent."""

    def __init__(self, request: Request, stream: Stream, asked: GetRequest) -> None:
        engine = request.account.server.engine
        super().__init__(
            engine,
            request.account.account,
            stream.store,
            request.reply,
            stream.name.encode(),
            asked.no_hdr and not asked.multi_last,
            # Without a wish, half of what a client may have queued, as in the real server.
            asked.max_bytes if asked.max_bytes > 0 else engine.max_pending // 2,
        )
        self._request = request
        self._stream = stream

    def send_all(self) -> Steps[None]:
        """Sends them step by step; no more when the stream ends."""
        while (went := self.step()) != Went.ENDED:
            if went == Went.HELD:
                self.waiting = asyncio.get_running_loop().create_future()
                yield self.waiting
            elif self.unread is not None and went == Went.UNREAD:
                yield from self._stream.store.loading(self.unread)
            else:
                yield None
            if self._request.account.streams.get(self._stream.name) is not self._stream:
                return

    def end(self, *more: str) -> None:
        """Tells that this was all."""
        lines = (f"Nats-Num-Pending: {self.pending}", f"Nats-Last-Sequence: {self.last}", *more)
        _status(self._request, "204 EOB", *lines)


def _send_batch(request: Request, stream: Stream, asked: GetRequest) -> Steps[None]:
    """`batch` messages, beginning at the start that was asked for; none that came later than the
    request, so that it ends."""
    filter = asked.next_by_subj.encode() or b">"
    store = stream.store
    start = max((yield from start_sequence(stream, asked)), 1)
    stop = store.last_seq
    pending = yield from store.count_pending(filter, start)
    series = Replies(request, stream, asked)
    series.follow(only(filter), start, stop, asked.batch, pending)
    yield from series.send_all()
    if asked.batch > 0 and not series.last:
        _status(request, "404 Message Not Found")
    else:
        series.end()


def _send_last_of_each(request: Request, stream: Stream, asked: GetRequest) -> Steps[None]:
    """The last message of each subject, in stream order."""
    store = stream.store
    up_to = asked.up_to_seq or store.last_seq
    if asked.up_to_time is not None:
        up_to = (yield from store.find_since(parse_time_ns(asked.up_to_time))) - 1
    sequences: list[int] | None = []
    if up_to > 0:
        filters = [filter.encode() for filter in asked.multi_last]
        sequences = yield from store.last_of_each(filters, up_to, SUBJECTS_MAX)
    if sequences is None:
        _status(request, "413 Too Many Results")
        return
    start = yield from start_sequence(stream, asked)
    sequences = [seq for seq in sequences if seq >= start]
    if not sequences:
        _status(request, "404 No Results")
        return
    series = Replies(request, stream, asked)
    series.pick(sequences, asked.batch if asked.batch > 0 else len(sequences))
    yield from series.send_all()
    series.end(f"Nats-UpTo-Sequence: {up_to}")


def _block(stream: Stream, message: Message) -> bytes:
    """The message's own headers, and headers that say where it is stored."""
    own = message.headers or headers.build()
    lines = (
        b"Nats-Stream: " + stream.name.encode(),
        b"Nats-Subject: " + message.subject,
        b"Nats-Sequence: %d" % message.seq,
        b"Nats-Time-Stamp: " + format_time_ns(message.ts).encode(),
    )
    return b"\r\n".join((bytes(own[:-4]), *lines, b"\r\n"))


def _status(request: Request, status: str, *lines: str) -> None:
    """Replies with a status line and headers only."""
    request.respond(b"", "\r\n".join((f"NATS/1.0 {status}", *lines, "\r\n")).encode())
