"""Which receivers are slow now, and which were cut for it lately: a bounded list of each.

Names are those that clients give, so they are cut to a length. Connections of the same account,
user, name and subject are one series, so that a client that comes and goes makes no new ones.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pynats_common.go.text import text_of

from pynats_server.clients.shown import shown_user
from pynats_server.core.client import ClientConnection
from pynats_server.monitor.metrics.text import Family, gauge
from pynats_server.monitor.source import MonitorSource
from pynats_server.work import Work
from pynats_server.work.lists import slices

SHOWN = 10  # slow receivers with series
SLOW_BYTES = 192 * 1024  # a longer backlog holds producers back
STEP = 256  # connections looked at in one step
TEXT_MAX = 128  # characters of a label

_Key = tuple[str, str, str, str]  # account, user, name, subject


@dataclass(slots=True)
class Of:
    """The receivers of one account, or of all."""

    slow: int = 0  # with a backlog of more than SLOW_BYTES
    subscriptions: float = 0.0  # the share of their limit that one of them uses, at most
    pending: float = 0.0


@dataclass(slots=True)
class Receivers:
    """What was found out about all receivers."""

    whole: Of = field(default_factory=Of)
    accounts: dict[str, Of] = field(default_factory=lambda: defaultdict(Of))
    slowest: list[tuple[int, int, _Key]] = field(default_factory=list)  # a heap: backlog, cid, who


def look(source: MonitorSource) -> Work[Receivers]:
    """Looks at every connection once."""
    found = Receivers()
    connections = source.engine.connections
    pending_max = max(1, source.options.max_pending)
    for batch in slices(list(connections), STEP):
        for client in map(connections.get, batch):
            if isinstance(client, ClientConnection) and client.account is not None:
                _count(found, client, pending_max)
        yield
    return found


def _count(found: Receivers, client: ClientConnection, pending_max: int) -> None:
    backlog = client.pending_bytes
    subscriptions = client.subscription_count
    own = found.accounts[client.account.name]
    for each in (own, found.whole):
        each.pending = max(each.pending, backlog / pending_max)
        if client.max_subscriptions > 0:
            each.subscriptions = max(each.subscriptions, subscriptions / client.max_subscriptions)
        each.slow += backlog > SLOW_BYTES
    if backlog > SLOW_BYTES:
        subject = text_of(client.behind_on or b"")
        key = _key(client.account.name, shown_user(client), client.name, subject)
        entry = (backlog, client.cid, key)
        if len(found.slowest) < SHOWN:
            heapq.heappush(found.slowest, entry)
        else:
            heapq.heappushpop(found.slowest, entry)


def _key(account: str, user: str, name: str, subject: str) -> _Key:
    return account[:TEXT_MAX], user[:TEXT_MAX], name[:TEXT_MAX], subject[:TEXT_MAX]


def families(source: MonitorSource, found: Receivers) -> Iterator[Family]:
    yield gauge(
        "slow_receivers", "Connections with a backlog that holds producers back.", found.whole.slow
    )
    backlogs: dict[_Key, float] = defaultdict(float)
    for backlog, _, key in sorted(found.slowest, reverse=True):
        backlogs[key] += backlog
    yield _by_key(
        "slow_receiver_pending_bytes",
        f"Backlog of the {SHOWN} slowest receivers, and the subscription they are behind with.",
        backlogs,
    )
    cut: dict[_Key, float] = {}
    for closed in source.cut_clients:
        key = _key(closed.account, closed.user, closed.name, closed.behind_on)
        cut[key] = max(cut.get(key, 0.0), closed.stop_time)
    yield _by_key(
        "slow_consumer_cut_timestamp_seconds",
        f"When receivers were cut because they were slow: the last {SHOWN}.",
        cut,
    )


def _by_key(name: str, text: str, values: dict[_Key, float]) -> Family:
    family = gauge(name, text)
    for (account, user, client, subject), value in values.items():
        family.of(value, account=account, user=user, name=client, subject=subject)
    return family
