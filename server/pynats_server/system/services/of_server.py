"""What the server tells of itself: the endpoints of monitoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec
from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of

from pynats_server.monitor import absent, accountz, healthz, jsz, options, varz
from pynats_server.monitor.connz import connz
from pynats_server.monitor.healthz_jetstream import HealthError
from pynats_server.monitor.json import Pieces, squeezed
from pynats_server.monitor.subsz import subsz
from pynats_server.said.json import compact
from pynats_server.said.objects import (
    FLAG,
    INT,
    TEXT,
    TEXTS,
    UINT64,
    BadBody,
    Fields,
    Named,
    Number,
)
from pynats_server.server.state import ServerState
from pynats_server.system.services.context import BAD_REQUEST, Bare, Context, Service
from pynats_server.system.services.decoding import decode
from pynats_server.system.services.request import Request, Silence
from pynats_server.system.statsz import Told, statsz
from pynats_server.work import Steps, Work

T = TypeVar("T")
STATE: Final = Number("server.ConnState", -(2**63), 2**63 - 1)
DURATION: Final = Number("time.Duration", -(2**63), 2**63 - 1)
STATES: Final = {0: (True, False), 1: (False, True), 2: (True, True)}  # open, closed
PAGE: Final[Fields] = {"offset": ("offset", INT), "limit": ("limit", INT)}
PROFILES: Final = ("allocs", "block", "goroutine", "heap", "mutex", "threadcreate")
PROFILE_S: Final = 15  # the longest that a profile may take

CONNZ_FIELDS: Final[Fields] = {
    "sort": ("sort", Named("server.SortOpt")),
    "auth": ("auth", FLAG),
    "subscriptions": ("subscriptions", FLAG),
    "subscriptions_detail": ("details", FLAG),
    **PAGE,
    "cid": ("cid", UINT64),
    "mqtt_client": ("mqtt_client", TEXT),
    "state": ("state", STATE),
    "user": ("user", TEXT),
    "acc": ("account", TEXT),
    "filter_subject": ("filter_subject", TEXT),
}
SUBSZ_FIELDS: Final[Fields] = {
    **PAGE,
    "subscriptions": ("subscriptions", FLAG),
    "account": ("account", TEXT),
    "test": ("test", TEXT),
}
LEAFZ_FIELDS: Final[Fields] = {
    "subscriptions": ("subscriptions", FLAG),
    "account": ("account", TEXT),
}
ACCSTATZ_FIELDS: Final[Fields] = {
    "accounts": ("accounts", TEXTS),
    "include_unused": ("unused", FLAG),
}
JSZ_FIELDS: Final[Fields] = {
    "account": ("account", TEXT),
    "accounts": ("accounts", FLAG),
    "streams": ("streams", FLAG),
    "consumer": ("consumers", FLAG),
    "direct_consumer": ("direct_consumers", FLAG),
    "config": ("config", FLAG),
    "leader_only": ("leader_only", FLAG),
    **PAGE,
    "raft": ("raft", FLAG),
    "stream_leader_only": ("stream_leader_only", FLAG),
}


class Health(msgspec.Struct, omit_defaults=True, kw_only=True):
    """As over HTTP, with the status that the answer has there."""

    status: str
    status_code: int
    error: str = ""
    errors: list[HealthError] = msgspec.field(default_factory=list)
    warnings: list[HealthError] = msgspec.field(default_factory=list)


def one_line(pieces: Pieces) -> Iterator[bytes]:
    """A document as it is sent here; an empty piece ends a step."""
    return map(squeezed, pieces)


def _plain(make: Callable[[ServerState, T], Any], type_: Callable[..., T]) -> Any:
    """A small answer."""

    def service(context: Context, _: Request, values: dict[str, Any]) -> Work[list[bytes]]:
        yield from ()
        return [compact(make(context.state, type_(**values)))]

    return service


def _long(make: Callable[[ServerState, T], Work[Pieces]], type_: Callable[..., T]) -> Any:
    """One that may be long."""

    def service(context: Context, _: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
        return one_line((yield from make(context.state, type_(**values))))

    return service


# -- connections and subscriptions ---------------------------------------------------------------


def connz_options(values: dict[str, Any]) -> options.ConnzOptions:
    """What is asked of CONNZ, where a state is a number."""
    values = dict(values)
    want_open, want_closed = STATES.get(values.pop("state", 0), (False, False))
    return options.ConnzOptions(want_open=want_open, want_closed=want_closed, **values)


def subsz_options(values: dict[str, Any]) -> options.SubszOptions:
    """What is asked of SUBSZ."""
    test = bytes_of(values.get("test", ""))
    return options.SubszOptions(**{**values, "test": test})


def _connz(context: Context, _: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    return one_line((yield from connz(context.state, connz_options(values), context.clock)))


def _subsz(context: Context, _: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    return one_line((yield from subsz(context.state, subsz_options(values))))


# -- the whole server ----------------------------------------------------------------------------


def _varz(context: Context, _: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    yield from ()
    return [compact(varz.varz(context.state, context.usage))]


def jsz_options(values: dict[str, Any]) -> options.JszOptions:
    """What is asked of JSZ."""
    values.pop("stream_leader_only", False)  # every stream's leader is here
    return options.JszOptions(**values)


def _jsz(context: Context, _: Request, values: dict[str, Any]) -> Work[Iterator[bytes]]:
    asked = jsz_options(values)
    if asked.leader_only and context.state.jetstream is None:
        raise Silence
    return one_line((yield from jsz.jsz(context.state, asked)))


def _healthz(context: Context, _: Request, values: dict[str, Any]) -> Steps[list[bytes]]:
    enabled = values.pop("old_name", False)
    values.pop("meta_only", False)  # there is no meta layer, so everything is checked
    values["enabled_only"] = enabled or values.get("enabled_only", False)
    asked = options.HealthzOptions(old_name=enabled, **values)
    status, found = yield from healthz.healthz(context.state, asked)
    health = Health(status=found.status, status_code=status, error=found.error)
    health.errors, health.warnings = found.errors, found.warnings
    return [compact(health)]


def _expvarz(context: Context, _: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    yield from ()
    found = varz.variables(context.usage.resident_bytes())
    return [compact({"memstats": found.memstats, "cmdline": found.cmdline})]


def _raftz(context: Context, _: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    yield from ()
    return [b"{}"]


def _profilez(context: Context, _: Request, values: dict[str, Any]) -> Work[list[bytes]]:
    """Profiles of Go, which this server is not written in."""
    yield from ()
    name, duration = values.get("name", ""), values.get("duration", 0)
    error = f"Profile {quote(name)} not found"
    if not name:
        error = "Profile name not specified"
    elif name == "cpu" and not 0 <= duration <= PROFILE_S * SECOND_NS:
        error = f"Duration {format_duration_ns(duration)} should be between 0s and {PROFILE_S}s"
    elif name in PROFILES or name == "cpu":
        error = f"Profile {quote(name)} is of programs in Go, and this server is in Python"
    return [compact({"profile": None, "error": error})]


def _idz(context: Context, _: Request) -> Work[bytes]:
    yield from ()
    state = context.state
    return compact({"name": state.name, "host": state.advertised()[0], "id": state.id})


def _statsz(context: Context, request: Request) -> Work[bytes]:
    yield from ()
    try:
        _, filters = decode(request.payload, "StatszEventOptions", {})
    except BadBody as error:
        return context.refusal(BAD_REQUEST, str(error))
    if not filters.passes(context.state):
        raise Silence
    server = msgspec.Raw(context.block.next())
    return compact(Told(server=server, statsz=statsz(context.state, context.usage)))


SUBSCRIPTIONS: Final[Fields] = {
    "subscriptions": ("subscriptions", FLAG),
    "subscriptions_detail": ("details", FLAG),
}
OF_SERVER: Final[dict[str, Service | Bare]] = {
    "IDZ": Bare(_idz),
    "STATSZ": Bare(_statsz, unasked=lambda own: f"$SYS.SERVER.{own}.STATSZ"),
    "VARZ": Service("VarzEventOptions", {}, _varz),
    "CONNZ": Service("ConnzEventOptions", CONNZ_FIELDS, _connz),
    "SUBSZ": Service("SubszEventOptions", SUBSZ_FIELDS, _subsz),
    "ROUTEZ": Service(
        "RoutezEventOptions", SUBSCRIPTIONS, _plain(absent.routez, options.RoutezOptions)
    ),
    "GATEWAYZ": Service(
        "GatewayzEventOptions",
        {
            "name": ("name", TEXT),
            "accounts": ("accounts", FLAG),
            "account_name": ("account", TEXT),
            **SUBSCRIPTIONS,
        },
        _plain(absent.gatewayz, options.GatewayzOptions),
    ),
    "LEAFZ": Service("LeafzEventOptions", LEAFZ_FIELDS, _plain(absent.leafz, options.LeafzOptions)),
    "ACCOUNTZ": Service(
        "AccountzEventOptions",
        {"account": ("account", TEXT)},
        _long(accountz.accountz, options.AccountzOptions),
    ),
    "JSZ": Service("JszEventOptions", JSZ_FIELDS, _jsz),
    "HEALTHZ": Service(
        "HealthzEventOptions",
        {
            "js-enabled": ("old_name", FLAG),
            "js-enabled-only": ("enabled_only", FLAG),
            "js-server-only": ("server_only", FLAG),
            "js-meta-only": ("meta_only", FLAG),
            "account": ("account", TEXT),
            "stream": ("stream", TEXT),
            "consumer": ("consumer", TEXT),
            "details": ("details", FLAG),
        },
        _healthz,
    ),
    "EXPVARZ": Service("ExpvarzEventOptions", {}, _expvarz),
    "IPQUEUESZ": Service(
        "IpqueueszEventOptions",
        {"all": ("all", FLAG), "filter": ("filter", TEXT)},
        _plain(absent.ipqueuesz, options.IpqueueszOptions),
    ),
    "RAFTZ": Service(
        "RaftzEventOptions", {"account": ("account", TEXT), "group": ("group", TEXT)}, _raftz
    ),
    "PROFILEZ": Service(
        "ProfilezEventOptions",
        {"name": ("name", TEXT), "debug": ("debug", INT), "duration": ("duration", DURATION)},
        _profilez,
    ),
}
