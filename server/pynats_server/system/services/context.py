"""What services have: the server's parts, and the forms of answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from pynats_server.monitor.connz import WallClock
from pynats_server.monitor.varz import Usage
from pynats_server.said.json import compact
from pynats_server.said.objects import Fields
from pynats_server.server.info import InfoMessage
from pynats_server.server.state import ServerState
from pynats_server.system.server_block import ServerBlock
from pynats_server.system.services.request import Request
from pynats_server.work import Steps

BAD_REQUEST: Final = 400
FAILED: Final = 500


class Error(msgspec.Struct, kw_only=True):
    code: int
    description: str


@dataclass(frozen=True, slots=True)
class Context:
    """Of one server. `reload` returns what is wrong with the configuration, or nothing.
    `set_levels` returns the levels of all parts of the log; it raises ValueError for what it does
    not know."""

    state: ServerState
    block: ServerBlock
    info: InfoMessage
    reload: Callable[[], Awaitable[str]]
    set_levels: Callable[[Mapping[str, str]], dict[str, str]]
    clock: WallClock = field(default_factory=WallClock)
    usage: Usage = field(default_factory=Usage)

    def envelope(self, data: Iterable[bytes] | None) -> bytes:
        """Which server answers, and what; None = nothing."""
        if data is None:
            return b'{"server":%b}' % self.block.next()
        return b"".join((b'{"server":', self.block.next(), b',"data":', *data, b"}"))

    def refusal(self, code: int, text: str, *, empty: bool = False) -> bytes:
        """What is wrong; with `empty` data."""
        error = compact(Error(code=code, description=text))
        data = b'"data":null,' if empty else b""
        return b'{"server":%b,%b"error":%b}' % (self.block.next(), data, error)


@dataclass(frozen=True, slots=True)
class Service:
    """Answers in the form that nearly all have. `make` gets the values of `fields` in the body and
    returns pieces of JSON, or None where there is nothing to tell; it raises BadRequest, Refused
    or Silence. `type` is what complaints about the body call it."""

    type: str
    fields: Fields
    make: Callable[[Context, Request, dict[str, Any]], Steps[Iterable[bytes] | None]]
    empty_if_refused: bool = True
    strict: bool = False  # whatever is wrong with the body is met by silence


@dataclass(frozen=True, slots=True)
class Bare:
    """Answers in a form of its own: `make` returns the whole text. Without a reply subject the
    answer goes to `unasked(id of the server)`, if there is one."""

    make: Callable[[Context, Request], Steps[bytes]]
    unasked: Callable[[str], str] | None = None


Say = Callable[[bytes], None]
"""Answers, if an answer was asked for; as often as it is called."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Does something, also when nobody wants an answer."""

    do: Callable[[Context, Request, Say], Steps[None]]
