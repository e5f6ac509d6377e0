"""The body of a request for the next messages: nothing, a number, or JSON (server-inventory: pull
requests; ADR-37)."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec
from pynats_common.go.numbers import parse_int

from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decode_plainly
from pynats_server.jetstream.requests.field_types import Duration, Int, Int64

BLANKS: Final = b" \t\n\r\v\f"
LEAST_URGENT: Final = 9
_PREFIX: Final = "invalid JSON: "


class BadPull(ValueError):
    """A request that is refused; the text is the status line."""


class PullRequest(JsonObject):
    """Times in ns. `bare` tells that the body was no JSON."""

    go_name: ClassVar = ""
    bare: ClassVar = False
    expires: Duration = 0
    batch: Int = 0
    max_bytes: Int = 0
    no_wait: bool = False
    idle_heartbeat: Duration = 0
    group: str = ""
    min_pending: Int64 = 0
    min_ack_pending: Int64 = 0
    id: str = ""
    priority: Int = 0


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """What most clients send: it is decoded at once. Anything else is read like all requests."""

    bare: ClassVar = False
    expires: int = 0
    batch: int = 0
    max_bytes: int = 0
    no_wait: bool = False
    idle_heartbeat: int = 0
    group: str = ""
    min_pending: int = 0
    min_ack_pending: int = 0
    id: str = ""
    priority: int = 0


class _Bare(_Plain):
    """No JSON."""

    bare: ClassVar = True


_plain = msgspec.json.Decoder(_Plain).decode
_ONE: Final = _Bare(batch=1)
_INT64: Final = 1 << 63


def read_pull(body: bytes) -> PullRequest | _Plain:
    """What is asked for. Raises BadPull."""
    if not body:
        return _ONE
    try:
        asked: PullRequest | _Plain = _plain(body)
        if any(
            not -_INT64 <= number < _INT64
            for number in (
                asked.expires, asked.batch, asked.max_bytes, asked.idle_heartbeat,
                asked.min_pending, asked.min_ack_pending, asked.priority,
            )
        ):  # fmt: skip
            asked = _read(body)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the latter of a text
        asked = _read(body)
    _check_heartbeat(asked)
    return asked


def _read(body: bytes) -> PullRequest | _Plain:
    body = body.strip(BLANKS)
    if not body.startswith(b"{"):
        try:
            return _Bare(batch=parse_int(body.decode("ascii")))
        except ValueError:
            return _ONE
    try:
        return decode_plainly(body, PullRequest)
    except ApiError as error:
        raise BadPull(f"400 Bad Request - {error.description.removeprefix(_PREFIX)}") from None


def _check_heartbeat(asked: PullRequest | _Plain) -> None:
    if asked.idle_heartbeat > 0 and asked.idle_heartbeat * 2 > asked.expires:
        raise BadPull("400 Bad Request - heartbeat value too large")


def check_groups(asked: PullRequest | _Plain, policy: str, groups: list[str]) -> None:
    """Whether a request is one for a consumer with that priority policy. Raises BadPull."""
    if (asked.min_pending or asked.min_ack_pending) and policy != "overflow":
        raise BadPull("400 Bad Request - Not a Overflow Priority consumer")
    if asked.id and policy != "pinned_client":
        raise BadPull("400 Bad Request - Not a Pinned Client Priority consumer")
    if not 0 <= asked.priority <= LEAST_URGENT:
        raise BadPull(f"400 Bad Request - Priority must be between 0 and {LEAST_URGENT}")
    if not groups or asked.bare:
        return
    if not asked.group:
        raise BadPull("400 Bad Request - Priority Group missing")
    if asked.group not in groups:
        raise BadPull("400 Bad Request - Invalid Priority Group")
