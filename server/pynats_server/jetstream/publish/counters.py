"""Counters: messages whose body is the running total of a subject, `{"val":"N"}`.

A publish names an increment in `Nats-Incr` and has no body. Totals have any number of digits;
they are decimals, because Python converts long decimal text to `int` in quadratic time and
refuses to do so from 4300 digits on. The header `Nats-Counter-Sources` remembers, for every
stream and subject that is sourced, the last total taken over from it.
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final, NamedTuple, TypeAlias

import msgspec
from pynats_common.go.text import text_of

from pynats_server.jetstream.errors import api_error

INCREMENT_HEADER: Final = b"Nats-Incr"
SOURCES_HEADER: Final = b"Nats-Counter-Sources"

Sources: TypeAlias = dict[str, dict[str, str]]
"""Stream -> subject there -> total last taken over, as text."""

ZERO: Final = Decimal(0)
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


class _Body(msgspec.Struct):
    val: str


class Counter(NamedTuple):
    """The total in a stored message, and the totals of its sources."""

    total: Decimal
    sources: Sources


class Combined(NamedTuple):
    """What a sourced message does to the counter that sources it."""

    total: Decimal
    increment: Decimal
    sources: Sources


# msgspec reports broken UTF-8 inside of a string in its own way.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
_BODY: Final = msgspec.json.Decoder(_Body)
_SOURCES: Final = msgspec.json.Decoder(Sources)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def parse_increment(text: bytes | None) -> Decimal:
    """The increment in a `Nats-Incr` header: digits with or without a sign.

    Raises ApiError 10169 without a value and 10171 for anything else.
    """
    if not text:
        raise api_error(10169)
    number = _number(text_of(text))
    if number is None:
        raise api_error(10171)
    return number


def add(total: Decimal, increment: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(total, increment)


def read_total(body: bytes) -> Decimal:
    """The total in a stored body. Raises ApiError 10172 when it has none."""
    try:
        total = _number(_BODY.decode(body).val)
    except _UNREADABLE:
        total = None
    if total is None:
        raise api_error(10172)
    return total


def write_total(total: Decimal) -> bytes:
    """The body `{"val":"N"}`."""
    return b'{"val":"%b"}' % show_total(total).encode()


def show_total(total: Decimal) -> str:
    """The digits, as in the `val` of a PubAck."""
    return str(total)


def read_sources(header: bytes | None) -> Sources:
    """`Nats-Counter-Sources` of a stored message; empty without one. Raises ApiError 10172."""
    if not header:
        return {}
    try:
        return _SOURCES.decode(header)
    except _UNREADABLE as broken:
        raise api_error(10172) from broken


def write_sources(sources: Sources) -> bytes:
    """The value of the header, its keys in order."""
    return _ENCODER.encode(sources)


def combine(
    total: Decimal, sources: Sources, origin: str, subject: str, origin_total: Decimal
) -> Combined:
    """Take over the total that `subject` has in the stream `origin`.

    What was taken over from there before is in `sources`, which is not changed; only the
    difference is added, and it is the increment of the message to be stored. Raises ApiError 10172
    when the remembered total is no number.
    """
    before = _number(sources.get(origin, {}).get(subject, "0"))
    if before is None:
        raise api_error(10172)
    increment = _EXACT.subtract(origin_total, before)
    taken = {**sources, origin: {**sources.get(origin, {}), subject: show_total(origin_total)}}
    return Combined(add(total, increment), increment, taken)


def _number(text: str) -> Decimal | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    # Adding zero takes the sign off a negative zero.
    return _EXACT.add(_EXACT.create_decimal(text), ZERO)
