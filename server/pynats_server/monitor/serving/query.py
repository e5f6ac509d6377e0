"""Query parameters, checked the way the real server checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote_plus

from pynats_common.go.numbers import parse_bool, parse_int, parse_uint
from pynats_common.go.text import bytes_of, clean

from pynats_server.monitor.options import (
    AccountzOptions,
    AccstatzOptions,
    BadRequest,
    ConnzOptions,
    GatewayzOptions,
    HealthzOptions,
    IpqueueszOptions,
    JszOptions,
    LeafzOptions,
    ListOptions,
    RoutezOptions,
    SubszOptions,
)

T = TypeVar("T")
PARAMETERS_MAX = 256  # parameters read; later ones are ignored


class Query:
    """The parameters of one request. The first of several with one name counts; malformed parts are
    ignored."""

    def __init__(self, raw: str = "") -> None:
        self._values: dict[str, str] = {}
        for part in raw.split("&", PARAMETERS_MAX)[:PARAMETERS_MAX]:
            if not part or ";" in part:
                continue
            name, _, value = part.partition("=")
            if _well_formed(name) and _well_formed(value):
                self._values.setdefault(_unquoted(name), _unquoted(value))

    def text(self, name: str) -> str:
        """The value, empty when absent."""
        return clean(self._values.get(name, ""))

    def raw(self, name: str) -> bytes:
        """The bytes of the value: subjects need not be UTF-8."""
        return bytes_of(self._values.get(name, ""))

    def flag(self, name: str) -> bool:
        """A boolean, false when absent. Raises BadRequest."""
        return self._read(name, "boolean", parse_bool, False)

    def integer(self, name: str) -> int:
        """A signed integer, 0 when absent. Raises BadRequest."""
        return self._read(name, "int", parse_int, 0)

    def unsigned(self, name: str) -> int:
        """An unsigned integer, 0 when absent. Raises BadRequest."""
        return self._read(name, "uint64", parse_uint, 0)

    def detail(self, name: str) -> tuple[bool, bool]:
        """(wanted, with details) of a parameter that is a boolean or `detail`."""
        if self.text(name).lower() == "detail":
            return True, True
        return self.flag(name), False

    def _read(self, name: str, kind: str, parse: Callable[[str], T], absent: T) -> T:
        value = self._values.get(name, "")  # a complaint, no JSON, shows its bytes
        if not value:
            return absent
        try:
            return parse(value)
        except ValueError as error:
            raise BadRequest(f"Error decoding {kind} for '{name}': {error}") from None


def _unquoted(part: str) -> str:
    """Decoded; bytes that are not UTF-8 become surrogates."""
    return unquote_plus(part, errors="surrogateescape")


_HEX = frozenset("0123456789abcdefABCDEF")


def _well_formed(part: str) -> bool:
    """Whether every percent sign is followed by two hexadecimal digits."""
    pieces = part.split("%")[1:]
    return all(len(piece) >= 2 and piece[0] in _HEX and piece[1] in _HEX for piece in pieces)


# -- the options of each endpoint, read in the order in which the real server complains -----------


def connz(query: Query) -> ConnzOptions:
    """Raises BadRequest."""
    sort, auth = query.text("sort"), query.flag("auth")
    subscriptions, details = query.detail("subs")
    offset, limit = query.integer("offset"), query.integer("limit")
    cid = query.unsigned("cid")
    want_open, want_closed = _states(query.text("state"))
    return ConnzOptions(
        sort=sort, auth=auth, subscriptions=subscriptions, details=details, offset=offset,
        limit=limit, cid=cid, want_open=want_open, want_closed=want_closed,
        user=query.text("user"), account=query.text("acc"), mqtt_client=query.text("mqtt_client"),
        search=query.text("search"),
    )  # fmt: skip


def _states(state: str) -> tuple[bool, bool]:
    """(open, closed)"""
    match state.lower():
        case "" | "open":
            return True, False
        case "closed":
            return False, True
        case "any" | "all":
            return True, True
    raise BadRequest(f"Error decoding state for {state}")


def subsz(query: Query) -> SubszOptions:
    """Raises BadRequest."""
    return SubszOptions(
        subscriptions=query.flag("subs"),
        offset=query.integer("offset"),
        limit=query.integer("limit"),
        test=query.raw("test"),
        account=query.text("acc"),
    )


def routez(query: Query) -> RoutezOptions:
    """Raises BadRequest."""
    subscriptions, details = query.detail("subs")
    return RoutezOptions(subscriptions=subscriptions, details=details)


def gatewayz(query: Query) -> GatewayzOptions:
    """Raises BadRequest."""
    subscriptions, details = query.detail("subs")
    return GatewayzOptions(
        subscriptions=subscriptions,
        details=details,
        accounts=query.flag("accs"),
        name=query.text("gw_name"),
        account=query.text("acc_name"),
    )


def leafz(query: Query) -> LeafzOptions:
    """Raises BadRequest."""
    return LeafzOptions(subscriptions=query.flag("subs"), account=query.text("acc"))


def accountz(query: Query) -> AccountzOptions:
    """What is asked of /accountz."""
    return AccountzOptions(account=query.text("acc"))


def accstatz(query: Query) -> AccstatzOptions:
    """Raises BadRequest."""
    return AccstatzOptions(unused=query.flag("unused"))


def jsz(query: Query) -> JszOptions:
    """Raises BadRequest."""
    accounts, streams = query.flag("accounts"), query.flag("streams")
    consumers = query.flag("consumers")
    options = JszOptions(
        accounts=accounts,
        streams=streams,
        consumers=consumers,
        direct_consumers=query.flag("direct-consumers"),
        config=query.flag("config"),
        offset=query.integer("offset"),
        limit=query.integer("limit"),
        leader_only=query.flag("leader-only"),
        raft=query.flag("raft"),
        account=query.text("acc"),
    )
    query.flag("stream-leader-only")  # every stream's leader is here
    return options


def healthz(query: Query) -> HealthzOptions:
    """Raises BadRequest."""
    enabled = query.flag("js-enabled")
    enabled_only = query.flag("js-enabled-only")
    server_only = query.flag("js-server-only")
    query.flag("js-meta-only")  # there is no meta layer, so everything is checked
    return HealthzOptions(
        details=query.flag("details"),
        server_only=server_only,
        enabled_only=enabled or enabled_only,
        old_name=enabled,
        account=query.text("account"),
        stream=query.text("stream"),
        consumer=query.text("consumer"),
    )


def ipqueuesz(query: Query) -> IpqueueszOptions:
    """Raises BadRequest."""
    return IpqueueszOptions(all=query.flag("all"), filter=query.text("queues"))


def listed(query: Query) -> ListOptions:
    """Raises BadRequest."""
    return ListOptions(
        sort=query.text("sort"),
        search=query.text("search"),
        account=query.text("acc"),
        stream=query.text("stream"),
        offset=query.integer("offset"),
        limit=query.integer("limit"),
    )
