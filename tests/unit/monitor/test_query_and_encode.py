"""Query parameters, JSON in pieces, and the order of connections."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.monitor import connz, subsz
from pynats_server.monitor.connz import WallClock, in_order
from pynats_server.monitor.json import Document, encoded, pretty
from pynats_server.monitor.metrics import server
from pynats_server.monitor.options import DEFAULT_LIMIT, BadRequest, ConnzOptions, SubszOptions
from pynats_server.monitor.serving import query
from pynats_server.monitor.serving.query import Query
from pynats_server.system.services import counting
from pynats_server.work import finish

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_first_of_equal_parameters_counts() -> None:
    asked = Query("limit=5&limit=6&offset=%32&bad=%zz&c;d=1&empty=")
    assert (asked.integer("offset"), asked.integer("limit")) == (2, 5)
    assert (asked.text("bad"), asked.text("c;d"), asked.text("empty")) == ("", "", "")


@pytest.mark.parametrize("value", ["-1", "0", "-9223372036854775808"])
def test_pages_never_start_before_the_first_entry(value: str) -> None:
    options = query.connz(Query(f"offset={value}&limit={value}"))
    assert (options.start, options.size) == (0, DEFAULT_LIMIT)


@given(st.text())
def test_any_query_is_read_or_refused(raw: str) -> None:
    asked = Query(raw)
    for read in (asked.flag, asked.integer, asked.unsigned, asked.detail):
        for name in ("a", "limit", raw[:5]):
            try:
                read(name)
            except BadRequest as error:
                assert str(error).startswith("Error decoding")


@given(JSON_VALUES)
def test_documents_mean_what_was_encoded(value: Any) -> None:
    text = pretty(value)
    assert json.loads(text) == value
    assert not set(text) & set(b"<>&")


class Page(msgspec.Struct):
    title: str
    entries: list[str]


@given(st.lists(st.text(), max_size=20), st.text())
def test_a_list_filled_in_pieces_looks_like_one_encoded_whole(
    entries: list[str], title: str
) -> None:
    document = Document(Page(title, []))
    document.fill("entries", encoded(entries, 2))
    assert b"".join(document.pieces()) == pretty(Page(title, entries))


@given(st.integers(0, 200), st.integers(1, 9))
def test_a_document_pauses_after_some_items(count: int, size: int) -> None:
    made: list[int] = []

    def noted(item: int) -> int:
        made.append(item)
        return item

    document = Document(Page("", []))
    document.fill("entries", encoded(map(noted, range(count)), 2, size))
    at_pauses = [0]
    for piece in document.pieces():
        if not piece:
            at_pauses.append(len(made))
    at_pauses.append(len(made))
    assert len(made) == count
    assert max(b - a for a, b in itertools.pairwise(at_pauses)) <= size


def test_a_value_that_looks_like_the_list_is_left_alone() -> None:
    document = Document(Page('\n  "entries": []', []))
    document.fill("entries", encoded(["x"], 2))
    assert json.loads(b"".join(document.pieces())) == {
        "title": '\n  "entries": []',
        "entries": ["x"],
    }


def test_filling_a_list_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError):
        Document(Page("", [])).fill("nothing", encoded([1], 2))


@given(st.lists(st.integers(0, 9), max_size=40), st.sampled_from(["msgs_to", "cid", "subs"]))
def test_order_is_that_of_sorting_everything(values: list[int], sort: str) -> None:
    items = [
        SimpleNamespace(cid=cid, out_msgs=value, subscription_count=-value)
        for cid, value in enumerate(values)
    ]
    wanted = {
        "cid": lambda item: item.cid,
        "msgs_to": lambda item: (-item.out_msgs, item.cid),
        "subs": lambda item: (-item.subscription_count, item.cid),
    }[sort]

    found = finish(in_order(cast(Any, list(items)), sort, WallClock()))
    assert list(found) == sorted(items, key=wanted)


def test_connections_are_ordered_some_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def key(item: Any, _: WallClock) -> int:
        nonlocal looked_at
        looked_at += 1
        return int(item.out_msgs)

    monkeypatch.setitem(connz._ORDERS, "msgs_to", (key, True))
    items = [SimpleNamespace(cid=cid, out_msgs=cid % 7) for cid in range(5 * connz.STEP)]
    work = connz._page(
        cast(Any, None),
        ConnzOptions(sort="msgs_to", offset=4 * connz.STEP, limit=7),
        cast(Any, items),
        WallClock(),
    )
    seen = [0]
    while True:
        try:
            next(work)
        except StopIteration as end:
            page = end.value
            break
        seen.append(looked_at)
    assert max(b - a for a, b in itertools.pairwise(seen)) <= connz.STEP
    # Merged in steps as well: those up to the end of the page.
    assert len(seen) >= 2 * 5
    wanted = sorted(items, key=lambda item: (-item.out_msgs, item.cid))
    assert page == wanted[4 * connz.STEP :][:7]


class Looked:
    """Clients without subscriptions; counts how many were looked at."""

    def __init__(self, count: int) -> None:
        self.seen = 0
        self.clients: Any = [
            SimpleNamespace(cid=cid, subscription_list=self.look) for cid in range(count)
        ]

    def look(self) -> list[Any]:
        self.seen += 1
        return []

    def most_in_a_step(self, work: Any) -> int:
        before = most = 0
        for _ in work:
            most, before = max(most, self.seen - before), self.seen
        return max(most, self.seen - before)


def test_clients_without_subscriptions_are_looked_at_some_in_a_step() -> None:
    looked = Looked(5 * connz.STEP)
    assert looked.most_in_a_step(connz._subscribed(looked.clients, b"a")) <= connz.STEP
    assert looked.seen == 5 * connz.STEP
    looked = Looked(5 * counting.STEP)
    account: Any = SimpleNamespace(clients=looked.clients)
    assert looked.most_in_a_step(counting.count(account, b"a.*", None)) <= counting.STEP
    assert looked.seen == 5 * counting.STEP


def test_subscribers_of_a_subject_are_counted_some_in_a_step() -> None:
    subs = [SimpleNamespace(owner=None)] * (5 * counting.STEP)
    sublist = SimpleNamespace(lookup=lambda subject: (subs, {}))
    account: Any = SimpleNamespace(sublist=sublist)
    assert sum(1 for _ in counting.count(account, b"a", None)) == 5


def test_clients_are_ordered_some_in_a_step_for_their_subscriptions() -> None:
    count = 5 * connz.STEP
    clients = {SimpleClient(cid, 0) for cid in range(count)} | {SimpleClient(count, 1)}
    account: Any = SimpleNamespace(
        name="A", clients=clients, sublist=SimpleNamespace(count=1, fanout=lambda: (0, 0))
    )
    work = subsz._page([account], SubszOptions(subscriptions=True))
    steps = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            total, page = end.value
            break
        steps += 1
    assert (total, [cid for _, cid, _ in page]) == (1, [count])
    assert steps >= 5 + count // subsz.GROUPS


class SimpleClient:
    def __init__(self, cid: int, subscriptions: int) -> None:
        self.cid = cid
        self.subscription_count = subscriptions

    def subscription_list(self) -> list[Any]:
        return [SimpleNamespace(subject=b"a")] * self.subscription_count


@pytest.mark.parametrize(
    ("rtt_ns", "shown"),
    [(900, "900ns"), (1_999, "1µs"), (999_999, "999µs"), (1_234_567, "1.234567ms")],
)
def test_round_trip_times_are_shortened_as_go_does(rtt_ns: int, shown: str) -> None:
    figures = dict.fromkeys(CLIENT_FIGURES, 0)
    names = dict.fromkeys(("host", "name", "lang", "version"), "")
    client: Any = SimpleNamespace(**figures, **names, rtt=rtt_ns)
    assert connz._describe(client, ConnzOptions(), 0.0, 0.0, "").rtt == shown


CLIENT_FIGURES = (
    "cid", "port", "start", "pending_bytes", "in_msgs", "out_msgs", "in_bytes", "out_bytes",
    "stalls", "throttles", "refusals", "subscription_count",
)  # fmt: skip


@pytest.mark.parametrize(("most", "share"), [(-1, 1.0), (0, 0.0), (4, 0.75)])
def test_how_much_of_a_limit_is_used(most: int, share: float) -> None:
    assert server._share(3, most) == share
