"""docs/reference/metrics.md: every family of /metrics, from the tables that write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynats_server import Server
from pynats_server.core.reasons import CloseReason
from pynats_server.monitor.metrics import accounts, streams
from pynats_server.monitor.metrics.entities import OTHER, Table
from pynats_server.monitor.metrics.page import collect
from pynats_server.monitor.metrics.text import PREFIX, Family
from pynats_server.monitor.varz import Usage
from pynats_server.work import finish

from tests.docs.pages.markdown import MADE, code, codes, filled, prose, table
from tests.docs.pages.running import busy, served

HEAD: Final = f"""# Metrics

{MADE}
`/metrics` of the monitoring port, in the text format of Prometheus, or OpenMetrics where the client
asks for it (`Accept: application/openmetrics-text`). nats-server has none of these: there, an
exporter makes them of `/varz` and the others.

Counters end in `_total`. The last word before that is the unit where there is one: `bytes`,
`seconds`, `ratio` (1 = all). Times are seconds since 1970. Every family is there as soon as there
is something to tell. Which of them to watch, and for what, is in the
[guide to monitoring](../guides/monitoring.md).

"""
# Families of the whole server, by how their names begin; the first that fits counts.
GROUPS: Final = (
    ("JetStream", "jetstream_", "With JetStream on."),
    ("This page", "metrics_", "The budget of series: `metrics { max_series: 20000 }`. Accounts, "
     "streams and consumers each get an equal part of what the others leave; those beyond are "
     f"summed up under the name `{OTHER}`."),
    ("Server", "", ""),
)  # fmt: skip
OF_EACH: Final = (
    ("Accounts", accounts.table, "One series for each account."),
    ("Streams", streams.stream_table, "One series for each stream; none with `?streams=0`."),
    ("Consumers", streams.consumer_table, "One series for each consumer; none with `?streams=0`."),
)


def page() -> str:
    """The page."""
    found = families()
    parts = [HEAD]
    rest = [one for one in found if not _of_entity(one.name)]
    sections: dict[str, list[Family]] = {}
    for one in rest:
        title = next(t for t, begin, _ in GROUPS if one.name.removeprefix(PREFIX).startswith(begin))
        sections.setdefault(title, []).append(one)
    whole = {title: about for title, _, about in GROUPS}
    for title in ("Server", "JetStream"):
        parts.append(_section(title, whole[title], _table(sections[title])))
    for title, make, about in OF_EACH:
        entity = make()
        about = f"{about} Labels: {codes(entity.labels)}."
        parts.append(_section(title, about, _table(_families(entity), but=entity.labels)))
    parts.append(_section("This page", whole["This page"], _table(sections["This page"])))
    return "".join(parts).rstrip("\n") + "\n"


def _section(title: str, about: str, rows: str) -> str:
    return f"## {title}\n\n{filled(about) if about else ''}{rows}\n"


def families() -> list[Family]:
    """All families, each with at least one series if it has labels."""

    async def scenario(server: Server) -> list[Family]:
        clients = await busy(server)
        state = server.state
        state.handshakes["TLSv1.3"] += 1
        state.log_ins["password"] += 1
        state.refusals["password"] += 1
        state.closed_for[CloseReason.CLIENT_CLOSED] += 1
        state.http_requests["/varz"] += 1
        found = list(finish(collect(state, Usage())))
        for client in clients:
            client.close()
        return found

    return served(scenario)


def _of_entity(name: str) -> bool:
    return any(name.startswith(f"{PREFIX}{make().what}_") for _, make, _ in OF_EACH)


def _families(entity: Table[object]) -> list[Family]:
    return list(entity.families())


def _table(found: Iterable[Family], but: Iterable[str] = ()) -> str:
    rows = []
    for one in found:
        name = one.name + ("_total" if one.kind == "counter" else "")
        labels = [label for label in _labels(one) if label not in but]
        rows.append((code(name), one.kind, codes(labels), prose(one.help)))
    return table(("name", "type", "labels", "meaning"), rows)


SLOW_LABELS: Final = ("account", "user", "name", "subject")


def _labels(one: Family) -> list[str]:
    if one.name.removeprefix(PREFIX).startswith(("slow_receiver_", "slow_consumer_cut_")):
        return list(SLOW_LABELS)
    if one.name.endswith("_limit_used_ratio"):
        return ["limit"]
    if one.kind == "histogram":
        return ["le"]
    shown = one.series[0][0].strip("{}") if one.series else ""
    return [part.partition("=")[0] for part in shown.split(",") if part]
