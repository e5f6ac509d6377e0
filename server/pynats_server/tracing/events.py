"""The JSON of one trace: which server, what was asked, what happened.

    {"server":{…},"request":{"header":{…},"msgsize":37},"events":[{"type":"in",…},…]}

Names, their order and what is left out when empty are those of the real server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.json import html_safe
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_ns

from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.tracing.trail import Trail
from pynats_server.work import Work

SLICE: Final = 64
"""Events that are written before a rest, about 0.2 ms."""
CLIENT: Final = 0
"""The kind of connection."""
_encode = msgspec.json.Encoder().encode
Event = dict[str, Any]


def describe(trail: Trail, server: bytes, system: str) -> Work[bytes]:
    """The whole of it. `server` is the JSON of who says it, `system` the system account's name."""
    headers = {
        text_of(name): [text_of(value) for value in values]
        for name, values in sorted(trail.headers.items())
    }
    request = html_safe(_encode({"header": headers, "msgsize": trail.size}))
    parts = [html_safe(_encode(_ingress(trail)))]
    moments = _Moments()
    for at in range(0, len(trail.events), SLICE):
        if at:
            yield
        run: list[Event] = []
        for kind, ns, *facts in trail.events[at : at + SLICE]:
            run.append({"type": kind, "ts": moments.show(ns)})
            _FACTS[kind](run[-1], system, *facts)
        parts.append(html_safe(_encode(run))[1:-1])
    return b'{"server":%b,"request":%b,"events":[%b]}' % (server, request, b",".join(parts))


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
