"""Query parameters, JSON in pieces, and the order of connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.monitor.connz import in_order
from pynats_server.monitor.gotext import WallClock
from pynats_server.monitor.json import Document, encoded, pretty
from pynats_server.monitor.query import DEFAULT_LIMIT, BadRequest, Query

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_first_of_equal_parameters_counts() -> None:
    query = Query("limit=5&limit=6&offset=%32&bad=%zz&c;d=1&empty=")
    assert query.page() == (2, 5)
    assert (query.text("bad"), query.text("c;d"), query.text("empty")) == ("", "", "")


@pytest.mark.parametrize("value", ["-1", "0", "-9223372036854775808"])
def test_pages_never_start_before_the_first_entry(value: str) -> None:
    assert Query(f"offset={value}&limit={value}").page() == (0, DEFAULT_LIMIT)


@given(st.text())
def test_any_query_is_read_or_refused(raw: str) -> None:
    query = Query(raw)
    for read in (query.flag, query.integer, query.unsigned, query.detail):
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
    async def fill() -> bytes:
        document = Document(Page(title, []))
        await document.fill("entries", encoded(entries, 2))
        return b"".join(document.parts())

    assert asyncio.run(fill()) == pretty(Page(title, entries))


def test_a_value_that_looks_like_the_list_is_left_alone() -> None:
    async def fill() -> bytes:
        document = Document(Page('\n  "entries": []', []))
        await document.fill("entries", encoded(["x"], 2))
        return b"".join(document.parts())

    assert json.loads(asyncio.run(fill())) == {"title": '\n  "entries": []', "entries": ["x"]}


def test_filling_a_list_that_is_not_there_is_an_error() -> None:
    async def items() -> AsyncIterator[list[bytes]]:
        yield [b"1"]

    with pytest.raises(LookupError):
        asyncio.run(Document(Page("", [])).fill("nothing", items()))


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

    async def order() -> list[Any]:
        return list(await in_order(list(items), sort, WallClock()))

    assert asyncio.run(order()) == sorted(items, key=wanted)
