"""From a request to its answer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from pynats_server.monitor.options import BadRequest
from pynats_server.said import packing
from pynats_server.said.headers import content_encoding
from pynats_server.said.objects import BadBody
from pynats_server.system.services.context import (
    BAD_REQUEST,
    FAILED,
    Bare,
    Context,
    Deed,
    Say,
    Service,
)
from pynats_server.system.services.decoding import decode
from pynats_server.system.services.request import Refused, Request, Silence
from pynats_server.system.services.table import SERVICES
from pynats_server.work import Steps, Work


class _TooLong(Exception):
    """Nobody could receive the answer."""


class Answering:
    """Of one server."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._codec = packing.Codec()

    def answer(self, request: Request) -> Steps[None]:
        """Publishes what there is to say."""
        service = SERVICES[request.name]
        try:
            if isinstance(service, Deed):
                yield from service.do(self._context, request, self._say(request.reply))
            elif isinstance(service, Bare):
                yield from self._answer_barely(service, request)
            elif request.reply:
                yield from self._answer(service, request)
        except Silence as silence:
            if why := str(silence):
                self._context.state.log.error(f"SYSTEM - {request.name}: {why}")

    def _answer_barely(self, service: Bare, request: Request) -> Steps[None]:
        reply = request.reply
        if not reply:
            if service.unasked is None:
                return
            reply = service.unasked(self._context.state.id).encode()
        self._publish(reply, (yield from service.make(self._context, request)))

    def _answer(self, service: Service, request: Request) -> Steps[None]:
        context = self._context
        try:
            if service.strict and not request.payload:
                raise BadBody("unexpected end of JSON input")
            values, filters = decode(request.payload, service.type, service.fields)
        except BadBody as error:
            if service.strict:
                raise Silence(f"Error unmarshalling the request: {error}") from None
            self._publish(request.reply, context.refusal(BAD_REQUEST, str(error)))
            return
        if not filters.passes(context.state):
            return
        try:
            made = yield from service.make(context, request, values)
            data = (yield from self._gather(made)) if made is not None else None
        except (BadRequest, Refused, _TooLong) as error:
            text = context.refusal(FAILED, str(error), empty=service.empty_if_refused)
            self._publish(request.reply, text)
            return
        text = context.envelope(data)
        wanted = packing.wanted(request.headers)
        yield from self._codec.load(wanted)
        packed = yield from packing.encode(text, wanted)
        self._publish(request.reply, packed, content_encoding(wanted))

    def _gather(self, pieces: Iterable[bytes]) -> Work[list[bytes]]:
        """The pieces of a document. No client gets one that is longer than what may wait for it."""
        most = self._context.state.options.max_pending
        parts: list[bytes] = []
        length = 0
        for piece in pieces:
            if piece:
                parts.append(piece)
                length += len(piece)
                if length > most:
                    raise _TooLong(f"the answer is longer than {most} bytes: ask for less")
            else:
                yield
        return parts

    def _say(self, reply: bytes) -> Say:
        return partial(self._publish, reply) if reply else _say_nothing

    def _publish(self, reply: bytes, text: bytes, headers: bytes = b"") -> None:
        state = self._context.state
        state.system_account.publish(state.engine, reply, text, headers=headers)


def _say_nothing(_: bytes) -> None:
    """Nobody has asked for an answer."""
