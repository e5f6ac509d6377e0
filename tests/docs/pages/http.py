"""docs/reference/http.md: the monitoring port: endpoints, what may be asked of each, answers."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pynats_server import Server
from pynats_server.monitor import endpoints
from pynats_server.monitor.options import DEFAULT_LIMIT
from pynats_server.monitor.serving import query
from pynats_server.monitor.serving.query import PARAMETERS_MAX, Query

from tests.docs.pages.markdown import MADE, code, filled, prose, table
from tests.docs.pages.running import busy, get, served

HEAD: Final = f"""# HTTP endpoints

{MADE}
They are on the port that `http_port` (`-m`) opens, below `http_base_path`; with `https_port`, the
same over TLS. Requests only read. Answers are nats-server's, field by field; what PyNATS alone has
is marked with **+**.

"""
ABOUT: Final = """## Who may ask

Without an `http_auth` block: everybody who reaches the port. With one, a request needs
`Authorization: Basic …` or `Authorization: Bearer …` and is answered with 401 otherwise; with
`healthz_open: true`, `/healthz` tells strangers `ok`, `unavailable` or `error`, and nothing more. A
browser may ask from any page (`Access-Control-Allow-Origin: *`), as in nats-server.

## How to ask

- Any method is taken for GET, as in nats-server; HEAD gets no body. Connections stay open for the
  next request.
- A parameter that cannot be read is status 400 with the reason. Of a parameter that is there twice
  the first counts; unknown ones are ignored, and so are those behind the first {parameters}.
- Lists come in pages: `limit` entries ({limit} without it) from `offset` on.
- Other statuses: 401 and 503 (log-ins), 404 (no such path), 307 (a path that is not clean), 413 and
  431 (too large a request), 500 (a fault of ours; the log has it).
- With `?callback=NAME`, nats-server answers in JavaScript (JSONP). PyNATS does not.

"""


@dataclass
class Endpoint:
    """What the page says of one."""

    about: str
    ask: Any = None  # reads its parameters
    example: str = ""  # of a path with a query
    cut: tuple[str, ...] = ()  # keys whose lists or blocks are shown as `…`
    ours: bool = False
    extra: dict[str, tuple[str, str]] = field(default_factory=dict)


OF_DASHBOARD: Final = "There while `http_ui` is on, and may change with its page."
PAGE: Final = {"offset": "first entry, from 0", "limit": f"most entries; 0 = {DEFAULT_LIMIT}"}
ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/": Endpoint("Links to the others, for people."),
    "/varz": Endpoint(
        "The server: who it is, its limits and what is used of them, figures since the start.",
        example="/varz",
        cut=("cluster", "gateway", "leaf", "mqtt", "websocket", "http_req_stats"),
    ),
    "/connz": Endpoint(
        "Connections, open or closed, one entry each.", query.connz, "/connz?subs=1&limit=1"
    ),
    "/subsz": Endpoint(
        "Subscriptions, and how they are looked up.",
        query.subsz,
        "/subsz?subs=1&acc=LOGS&test=logs.a",
    ),
    "/subscriptionsz": Endpoint("The same as `/subsz`.", query.subsz),
    "/healthz": Endpoint(
        "Whether the server can do its work: status 200 and `ok`, else 503 (400, 404 for what is "
        "asked of a stream or consumer). A probe is answered before other requests.",
        query.healthz,
        "/healthz",
    ),
    "/accountz": Endpoint(
        "The names of all accounts, or all about one.", query.accountz, "/accountz?acc=LOGS"
    ),
    "/accstatz": Endpoint(
        "Figures of accounts that have connections.", query.accstatz, "/accstatz",
    ),
    "/jsz": Endpoint(
        "JetStream: what is used, and with `accounts`, `streams`, `consumers` what there is.",
        query.jsz,
        "/jsz?acc=SHOP&streams=1&consumers=1",
        cut=("meta_cluster",),
    ),
    "/routez": Endpoint("Routes of a cluster: there are none yet.", query.routez, "/routez"),
    "/gatewayz": Endpoint("Gateways: there are none yet.", query.gatewayz, "/gatewayz"),
    "/leafz": Endpoint("Leaf nodes: there are none yet.", query.leafz, "/leafz"),
    "/ipqueuesz": Endpoint(
        "Queues inside nats-server, which this server has none of.", query.ipqueuesz, "/ipqueuesz"
    ),
    "/raftz": Endpoint("Groups of a cluster: there are none yet, which is status 404."),
    "/stacksz": Endpoint("What each thread does now, as text: for bug reports."),
    "/debug/vars": Endpoint("The command line and memory, as Go programs publish them."),
    "/metrics": Endpoint(
        "All figures for Prometheus: see [metrics](metrics.md).",
        ours=True,
        extra={"streams": ("boolean", "false leaves out single streams and consumers")},
    ),
    endpoints.UI: Endpoint(
        "The [dashboard](../guides/monitoring.md#dashboard), a page for browsers, while `http_ui` "
        "is on.",
        ours=True,
    ),
    "/ui/accounts": Endpoint(
        f"Accounts for the dashboard: connections, traffic, use of JetStream. {OF_DASHBOARD}",
        query.listed,
        ours=True,
    ),
    "/ui/streams": Endpoint(
        f"Streams of all accounts: messages, limits, warnings. {OF_DASHBOARD}",
        query.listed,
        ours=True,
    ),
    "/ui/consumers": Endpoint(
        f"Consumers of all streams: lag, acknowledgements, redeliveries. {OF_DASHBOARD}",
        query.listed,
        ours=True,
    ),
}  # fmt: skip
MEANINGS: Final[dict[str, dict[str, str]]] = {
    "connz": {
        "sort": "order: cid (default), start, subs, pending, msgs_to, msgs_from, bytes_to, "
        "bytes_from, last, idle, uptime, rtt; of closed ones also stop, reason",
        "auth": "with the user and account of each",
        "subs": "with the subjects of each; `detail` = all that is known of them",
        "cid": "only the connection of this number",
        "state": "`open`, `closed` or `any`; default `open`",
        "user": "only of this user; needs `auth`",
        "acc": "only of this account",
        "search": "+ only those with this text in their name, user, account, address or reason of "
        "closing, or with this cid; `total` counts these",
        "mqtt_client": "only of this MQTT client: there are none yet",
        **PAGE,
    },
    "subsz": {
        "subs": "with a list of them",
        "test": "only those that a message to this subject would reach",
        "acc": "only of this account",
        **PAGE,
    },
    "healthz": {
        "js-enabled": "old name of `js-enabled-only`",
        "js-enabled-only": "only that JetStream is on",
        "js-server-only": "only the server itself, without accounts and streams",
        "js-meta-only": "accepted; a single server has no meta layer, so all is checked",
        "account": "only this account",
        "stream": "only this stream; needs `account`",
        "consumer": "only this consumer; needs `stream`",
        "details": "all errors as a list, and + warnings (lost messages, quarantined files)",
    },
    "accountz": {"acc": "all about this account"},
    "accstatz": {"unused": "also accounts without connections"},
    "jsz": {
        "acc": "only this account",
        "accounts": "with accounts",
        "streams": "with streams, and accounts",
        "consumers": "with consumers, and streams",
        "direct-consumers": "also those that read for mirrors and sources",
        "config": "with configurations of streams and consumers",
        "leader-only": "answer only if this server leads, which a single one does",
        "stream-leader-only": "only streams that this server leads: all",
        "raft": "with their groups: of one server",
        "offset": "first account, from 0",
        "limit": f"most accounts; 0 = {DEFAULT_LIMIT}, below 0 all",
    },
    "routez": {"subs": "with subscriptions; `detail` = all about them"},
    "gatewayz": {
        "subs": "with subscriptions; `detail` = all about them",
        "accs": "with accounts",
        "gw_name": "only this gateway",
        "acc_name": "only this account",
    },
    "leafz": {"subs": "with subscriptions", "acc": "only this account"},
    "ipqueuesz": {"all": "also those that are empty", "queues": "only those of this name"},
}


def page() -> str:
    """The page."""
    answers = examples()
    about = ABOUT.format(parameters=PARAMETERS_MAX, limit=f"{DEFAULT_LIMIT:,}")
    parts = [HEAD, about, "## Endpoints\n\n"]
    rows = (
        (f"[`{path}`](#{_slug(path)})" if _is_told(one) else code(path), prose(one.about))
        for path, one in ENDPOINTS.items()
    )
    parts.append(table(("path", "what it tells"), rows) + "\n")
    for path, one in ENDPOINTS.items():
        if _is_told(one):
            parts.append(f"## `{path}`\n\n{filled(one.about + (' **+**' if one.ours else ''))}")
            parts.append(_parameters(one))
            if one.example:
                parts.append(f"`{one.example}`:\n\n```json\n{answers[one.example]}\n```\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def _is_told(one: Endpoint) -> bool:
    return bool(one.example or one.extra)


def _slug(path: str) -> str:
    return re.sub(r"[^a-z]", "", path)


def _parameters(one: Endpoint) -> str:
    asked = dict(one.extra)
    if one.ask is not None:
        told = MEANINGS[one.ask.__name__]
        found = parameters(one.ask)
        assert found.keys() == told.keys(), (one.ask.__name__, found.keys() ^ told.keys())
        asked = {name: (kind, told[name]) for name, kind in found.items()}
    if not asked:
        return ""
    rows = ((code(name), kind, prose(text)) for name, (kind, text) in sorted(asked.items()))
    return table(("parameter", "value", "meaning"), rows) + "\n"


def parameters(read: Any) -> dict[str, str]:
    """Names and kinds of what an endpoint's reader looks at."""

    class Noted(Query):
        found: ClassVar[dict[str, str]] = {}

        def text(self, name: str) -> str:
            self.found.setdefault(name, "text")
            return super().text(name)

        def raw(self, name: str) -> bytes:
            self.found.setdefault(name, "text")
            return super().raw(name)

        def flag(self, name: str) -> bool:
            self.found.setdefault(name, "boolean")
            return super().flag(name)

        def integer(self, name: str) -> int:
            self.found.setdefault(name, "number")
            return super().integer(name)

        def unsigned(self, name: str) -> int:
            self.found.setdefault(name, "number")
            return super().unsigned(name)

        def detail(self, name: str) -> tuple[bool, bool]:
            self.found.setdefault(name, "boolean, `detail`")
            return super().detail(name)

    Noted.found = {}
    read(Noted())
    return Noted.found


def served_paths() -> set[str]:
    """The paths that the server answers."""
    source = inspect.getsource(endpoints.Endpoints)
    found = re.findall(r'^ +"(/[a-z/]*)": self\._', source, re.MULTILINE)
    return {*found, endpoints.UI}


# -- answers -------------------------------------------------------------------------------------


def examples() -> dict[str, str]:
    """Answers to the examples, by path; what differs from run to run is always the same here."""
    wanted = {one.example: one.cut for one in ENDPOINTS.values() if one.example}

    async def scenario(server: Server) -> dict[str, str]:
        clients = await busy(server)
        found = {}
        for path, cut in wanted.items():
            status, body = await get(server, path)
            assert status == 200, (path, body)
            found[path] = _shown(json.loads(body), cut)
        for client in clients:
            client.close()
        return found

    return served(scenario)


LONGEST: Final = 2  # entries of a list
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
ID = re.compile(r"\bN[A-Z2-7]{55}\b")
# Numbers and texts of a key that depend on the machine and the moment.
SAMPLES: Final[dict[str, Any]] = {
    "port": 53412, "http_port": 8222, "cpu": 0.3, "mem": 29360128, "cores": 4, "gomaxprocs": 4,
    "gomemlimit": 0, "go": "…", "git_commit": "…", "config_digest": "sha256:…", "rtt": "120µs",
    "last_activity": "2026-11-30T12:00:00Z", "uptime": "1m0s", "idle": "0s", "cache_hit_rate": 0,
    "num_cache": 0, "num_matches": 9, "avg_fanout": 1, "max_fanout": 1, "ip": "127.0.0.1",
    "num_inserts": 20, "num_removes": 4, "num_subscriptions": 12, "subscriptions": 12,
    "num_subs": 1, "in_client_bytes": 204, "out_client_bytes": 1543,
    "slow_consumers": 0, "total_connections": 3, "in_msgs": 6, "in_bytes": 307, "out_msgs": 5,
    "out_bytes": 2210, "pynats_version": "…", "store_dir": "/data/jetstream", "connect_urls": [],
    "max_memory": 1 << 30, "max_storage": 10 << 30, "total": 1, "jwt": "",
}  # fmt: skip


def _shown(found: Any, cut: tuple[str, ...]) -> str:
    return json.dumps(_sampled(found, "", cut), indent=2, ensure_ascii=False)


def _sampled(value: Any, key: str, cut: tuple[str, ...]) -> Any:
    if key in SAMPLES and not isinstance(value, dict | list):
        return SAMPLES[key]
    if key in cut:
        return "…"
    if key in ("sent", "received"):
        return {"msgs": 5, "bytes": 1543, "gateways": "…", "routes": "…", "leafs": "…"}
    if isinstance(value, dict):
        return {name: _sampled(inner, name, cut) for name, inner in value.items()}
    if isinstance(value, list):
        shown = [_sampled(inner, key, cut) for inner in value[:LONGEST]]
        return [*shown, "…"] if len(value) > LONGEST else shown
    if isinstance(value, str):
        return ID.sub("NBQ4…", TIME.sub("2026-11-30T12:00:00Z", value))
    return value
