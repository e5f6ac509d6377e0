"""/subsz: figures of the subscription lists, and the subscriptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import msgspec
from pynats_common.go.json import json_number
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_s

from pynats_server.core.client import ClientConnection
from pynats_server.core.interest.listing import listed
from pynats_server.monitor.connz import (
    SubscriptionInfo,
    WallClock,
    describe_subscription,
    in_order,
)
from pynats_server.monitor.json import Document, Pieces, encoded
from pynats_server.monitor.options import BadRequest, SubszOptions
from pynats_server.monitor.source import AccountView, ClientView, MonitorSource, SubscriptionView
from pynats_server.work import Work

STEP = 512  # subscriptions collected in one step
GROUPS = 128  # clients counted in one step


class SublistFigures(msgspec.Struct, kw_only=True):
    """The state of one subscription list, or of several together."""

    num_subscriptions: int = 0
    num_cache: int = 0
    num_inserts: int = 0
    num_removes: int = 0
    num_matches: int = 0
    cache_hit_rate: int | float = 0
    max_fanout: int = 0
    avg_fanout: int | float = 0


class SubscriptionPage(msgspec.Struct, omit_defaults=True, kw_only=True):
    server_id: str
    now: str
    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: int | float
    max_fanout: int
    avg_fanout: int | float
    total: int
    offset: int
    limit: int
    subscriptions_list: list[SubscriptionInfo] | None = None


def figures(accounts: Iterable[AccountView]) -> Work[SublistFigures]:
    """The lists of several accounts as one."""
    out = SublistFigures()
    hits, receivers = 0, 0.0
    for account in accounts:
        sublist = account.sublist
        out.num_subscriptions += sublist.count
        out.num_cache += sublist.cached
        out.num_inserts += sublist.inserts
        out.num_removes += sublist.removes
        out.num_matches += sublist.matches
        hits += sublist.cache_hits
        most, mean = sublist.fanout()
        out.max_fanout = max(out.max_fanout, most)
        receivers += mean * sublist.cached
        yield
    if out.num_matches:
        out.cache_hit_rate = json_number(hits / out.num_matches)
    if out.num_cache:
        out.avg_fanout = json_number(receivers / out.num_cache)
    return out


def subsz(source: MonitorSource, options: SubszOptions) -> Work[Pieces]:
    """The body of /subsz. Raises BadRequest."""
    test = text_of(options.test)
    if test and not _is_literal(test):
        raise BadRequest(f"invalid test subject, must be valid publish subject: {test}")
    name = options.account
    accounts = [
        account
        for _, account in sorted(source.accounts.items())
        if not name or account.name == name
    ]
    counted = yield from figures(accounts)
    found: list[_Found] = []
    total = 0
    if options.subscriptions:
        total, found = yield from _page(accounts, options)
    document = Document(
        SubscriptionPage(
            server_id=source.id,
            now=format_time_s(time.time()),
            total=total,
            offset=options.start,
            limit=options.size,
            subscriptions_list=[] if found else None,
            **msgspec.structs.asdict(counted),
        )
    )
    if found:
        document.fill("subscriptions_list", encoded(map(_describe, found), 2))
    return document.pieces()


_Found = tuple[AccountView, int, SubscriptionView]


def _describe(found: _Found) -> SubscriptionInfo:
    account, cid, sub = found
    # What another account imports is in this one's list, too.
    of = sub.owner.account if isinstance(sub.owner, ClientConnection) else account
    return describe_subscription(sub, cid, of.name, of.name)


def _page(accounts: list[AccountView], options: SubszOptions) -> Work[tuple[int, list[_Found]]]:
    """(total, subscriptions on the page). Groups before and after the page are only counted where
    their size is known."""
    total, offset, limit = 0, options.start, options.size
    page: list[_Found] = []
    for account in accounts:
        groups = _reached(account, options.test) if options.test else (yield from _groups(account))
        for number, (size, list_them) in enumerate(groups, 1):
            first, room = max(0, offset - total), limit - len(page)
            total += size
            if number % GROUPS == 0:
                yield
            if first < size and room > 0:
                yield from _take(list_them(), first, min(size - first, room), page)
        yield
    return total, page


def _take(items: Iterator[_Found | None], first: int, most: int, page: list[_Found]) -> Work[None]:
    """Adds to the page `most` of what is listed after the first ones; None is the end of a step."""
    passed = taken = 0
    for item in items:
        if item is None:
            yield
            continue
        passed += 1
        if passed > first:
            page.append(item)
            taken += 1
            if taken == most:
                return
        if passed % STEP == 0:
            yield


_Group = tuple[int, Callable[[], Iterator[_Found | None]]]


def _reached(account: AccountView, test: bytes) -> Iterator[_Group]:
    """The subscriptions that a message on this subject could reach."""
    plain, queues = account.sublist.lookup(test)
    size = len(plain) + sum(map(len, queues.values()))
    subs = chain(plain, *queues.values())
    yield size, lambda: ((account, _cid(sub.owner), sub) for sub in subs)


def _groups(account: AccountView) -> Work[Iterator[_Group]]:
    """Subscriptions in groups of known size: those of each client and then all others."""
    clients = yield from in_order(list(account.clients), "cid", WallClock())
    return _of_each(account, clients)


def _of_each(account: AccountView, clients: Iterable[ClientView]) -> Iterator[_Group]:
    others = account.sublist.count
    for client in clients:
        others -= client.subscription_count
        yield client.subscription_count, partial(_of_client, account, client)
    if others > 0:
        yield others, partial(_of_others, account)


def _of_client(account: AccountView, client: ClientView) -> Iterator[_Found]:
    return ((account, client.cid, sub) for sub in client.subscription_list())


def _of_others(account: AccountView) -> Iterator[_Found | None]:
    """Those of the server itself, and those with which others import from this account."""
    place: tuple[int, ...] | None = ()
    while place is not None:
        subs, place = listed(account.sublist, place, STEP)
        for sub in subs:
            owner = sub.owner
            if not (isinstance(owner, ClientConnection) and owner.account.name == account.name):
                yield account, _cid(owner), sub
        yield None


def _cid(owner: Any) -> int:
    """The connection of a subscription; 0 for a part of the server."""
    return int(getattr(owner, "cid", 0))


def _is_literal(subject: str) -> bool:
    """Whether clients can publish to it: no empty token, no wildcard."""
    return all(token and token not in ("*", ">") for token in subject.split("."))
