"""The JSON of one trace: which server, what was asked, what happened.

    {"server":{…},"request":{"header":{…},"msgsize":37},"events":[{"type":"in",…},…]}

Names, their order and what is left out when empty are those of the real server.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_ns

from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.tracing.request import read_headers
from pynats_server.core.tracing.trail import Trail
from pynats_server.said.json import compact
from pynats_server.work import Work

SLICE: Final = 64
"""Events that are written before a rest, about 0.2 ms."""
EVENT_BYTES: Final = 128
"""Of the subject of such events: longer ones count more."""
READ: Final = 256
"""Headers that are read, or sorted, before one."""
PIECE: Final = 4096
"""Bytes of headers that are written before one."""
HEADER_COST: Final = 64
"""What a header costs, in such bytes."""
CLIENT: Final = 0
"""The kind of connection."""
Event = dict[str, Any]


def describe(trail: Trail, server: bytes, system: str, most: int) -> Work[bytes]:
    """The whole of it. `server` is the JSON of who says it, `system` the system account's name.
    When the events have `most` bytes, no more of them are told."""
    headers = yield from _headers(trail.block)
    parts = [compact(_ingress(trail))]
    length = len(parts[0])
    moments = _Moments()
    # Subjects are told by many events, and may be long.
    most_at_once = max(1, min(SLICE, SLICE * EVENT_BYTES // (1 + len(trail.subject))))
    for at in range(0, len(trail.events), most_at_once):
        if at:
            yield
        run: list[Event] = []
        for kind, ns, *facts in trail.events[at : at + most_at_once]:
            run.append({"type": kind, "ts": moments.show(ns)})
            _FACTS[kind](run[-1], system, *facts)
        parts.append(compact(run)[1:-1])
        length += len(parts[-1])
        if length >= most:
            break
    return b'{"server":%b,"request":{"header":{%b},"msgsize":%d},"events":[%b]}' % (
        server, headers, trail.size, b",".join(parts),
    )  # fmt: skip


def _headers(block: bytes) -> Work[bytes]:
    """What is between the braces: headers by name, in order, each with all its values."""
    found: dict[bytes, list[bytes]] = {}
    at = read_headers(block, found, 0, READ)
    while at is not None:
        yield
        at = read_headers(block, found, at, READ)
    runs: list[list[bytes]] = []
    names = iter(found)
    while run := sorted(islice(names, READ)):
        if runs:
            yield
        runs.append(run)
    parts: list[bytes] = []
    written = 0
    for name in heapq.merge(*runs):
        lead = b"," if parts else b""
        parts.append(b"%b%b:[" % (lead, (yield from _quoted(name))))
        written += len(name)
        for count, value in enumerate(found[name]):
            if written > PIECE:
                written = 0
                yield
            written += HEADER_COST + len(value)
            text = yield from _quoted(value)
            parts.append(b"," + text if count else text)
        parts.append(b"]")
    return b"".join(parts)


def _quoted(raw: bytes) -> Work[bytes]:
    """Text from outside as JSON."""
    if len(raw) <= PIECE:
        return compact(text_of(raw))
    parts = []
    at = 0
    while at < len(raw):
        end = _between(raw, at + PIECE)
        parts.append(compact(text_of(raw[at:end]))[1:-1])
        at = end
        yield
    return b'"%b"' % b"".join(parts)


def _between(raw: bytes, at: int) -> int:
    """Where no character is cut, here or up to three bytes before."""
    for end in range(at, at - 4, -1):
        if end >= len(raw) or raw[end] & 0xC0 != 0x80:
            return min(end, len(raw))
    return at  # no character is so long


class _Moments:
    """Times as text, of which most are in the same second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def show(self, ns: int) -> str:
        second, rest = divmod(ns, SECOND_NS)
        if second != self._second:
            self._second, self._text = second, format_time_ns(second * SECOND_NS)[:-1]
        fraction = f".{rest:09d}".rstrip("0") if rest else ""
        return f"{self._text}{fraction}Z"


def _ingress(trail: Trail) -> Event:
    shown = {"type": "in", "ts": format_time_ns(trail.began_ns)}
    _connection(shown, trail.source)
    shown |= {"acc": trail.account.name, "subj": text_of(trail.subject)}
    _given(shown, error=text_of(trail.refusal or b""))
    return shown


def _connection(shown: Event, connection: Any) -> None:
    shown |= {"kind": CLIENT, "cid": connection.cid}
    _given(shown, name=connection.name)


def _given(shown: Event, **facts: str) -> None:
    for name, fact in facts.items():
        if fact:
            shown[name] = fact


def _mapped(shown: Event, _: str, to: bytes) -> None:
    shown["to"] = text_of(to)


def _imported(shown: Event, system: str, account: Any, subject: bytes, to: bytes) -> None:
    name = system if account is None else account.name
    shown |= {"acc": name, "from": text_of(subject), "to": text_of(to)}


def _exported(shown: Event, _: str, account: Any, to: bytes) -> None:
    shown |= {"acc": account.name, "to": text_of(to)}


def _stored(
    shown: Event, _: str, stream: str, subject: bytes, nointerest: bool, error: str
) -> None:
    shown["stream"] = stream
    _given(shown, subject=text_of(subject))
    if nointerest:
        shown["nointerest"] = True
    _given(shown, error=error)


def _delivered(
    shown: Event, _: str, receiver: Any, account: Any, sub: Subscription, error: bytes | None
) -> None:
    _connection(shown, receiver)
    _given(
        shown,
        acc="" if account is None else account.name,
        sub=text_of(sub.subject),
        queue=text_of(sub.queue),
        error=text_of(error or b""),
    )


_FACTS: Final[dict[str, Callable[..., None]]] = {
    "sm": _mapped,
    "si": _imported,
    "se": _exported,
    "js": _stored,
    "eg": _delivered,
}
