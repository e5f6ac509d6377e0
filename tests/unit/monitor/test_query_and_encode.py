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
from pynats_server.monitor import connz
from pynats_server.monitor.connz import WallClock, in_order
from pynats_server.monitor.json import Document, encoded, pretty
from pynats_server.monitor.options import DEFAULT_LIMIT, BadRequest, ConnzOptions
from pynats_server.monitor.serving import query
from pynats_server.monitor.serving.query import Query
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
