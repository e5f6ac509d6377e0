"""Numbers are whole or not there, equal rows stay where they are, and no row is said in words."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_top.collect.replay import ReplaySource
from pynats_top.collect.source import CONNECTIONS, PARTS, Poll, Want
from pynats_top.screen.themes import looks
from pynats_top.screen.widgets.grid import Shown

from tests.support.on_loop import on_loop
from tests.top.screen.figures import FixedSource
from tests.top.screen.stage import on_stage

COUNTED, TITLES, FIRST = 7, 8, 9


class Restless(FixedSource):
    """Its equal rows come in another order every time, as those of the original server do."""

    bytes_to = 0

    async def poll(self, want: Want) -> Poll:
        poll = await super().poll(want)
        for rows in (
            (poll.connz or {}).get("connections"),
            (poll.accounts or {}).get("account_statz"),
        ):
            if rows and self.second % 2:
                rows.reverse()
            for row in rows or ():
                row["out_bytes"] = self.bytes_to or row.get("out_bytes", 0)
        return poll


@on_loop
async def test_equal_rows_stay() -> None:
    async with on_stage(Restless(), size=(80, 24)) as stage:
        for tab, key in (("2", "subs"), ("3", "conns")):
            await stage.press(tab, "o", *key, "enter")
            before = [line[:20] for line in (await stage.poll())[FIRST:]]
            assert [line[:20] for line in (await stage.poll())[FIRST:]] == before


@on_loop
async def test_numbers_are_whole() -> None:
    source = Restless()
    async with on_stage(source, size=(80, 24)) as stage:
        await stage.press("b")
        for digits in range(1, 19):
            source.bytes_to = int("123456789012345678"[:digits])
            await stage.poll()
            for columns in (60, 80, 99, 140):
                lines = await stage.resize(columns, 24)
                titles, row = lines[TITLES].rstrip("›").split(), lines[FIRST].split()
                if "BYTES_TO" in titles:
                    assert row[titles.index("BYTES_TO")] == str(source.bytes_to)
                assert lines[TITLES].endswith("›") == ("LAST_ACTIVITY" not in titles)
        # What has grown stays so.
        wide = lines[TITLES]
        source.bytes_to = 1
        assert (await stage.poll())[TITLES] == wide


@on_loop
async def test_columns_to_the_right() -> None:
    async with on_stage(FixedSource(), size=(80, 24)) as stage:
        titles = stage.lines()[TITLES]
        assert titles.split()[:3] == ["HOST", "CID", "NAME"] and titles.endswith("›")
        moved = (await stage.press("right", "right"))[TITLES]
        assert moved.split()[:4] == ["‹", "HOST", "SUBS", "PENDING"]
        end = (await stage.press(*["right"] * 30))[TITLES]
        assert end.split() == ["‹", "HOST", "LAST_ACTIVITY"]
        assert (await stage.press(*["left"] * 30))[TITLES] == titles


@on_loop
async def test_no_row_is_said_in_words() -> None:
    source = FixedSource(number=3)
    async with on_stage(source, size=(80, 24)) as stage:
        lines = await stage.press("4")
        assert lines[FIRST].split()[1] == "EVENTS"
        lines = await stage.press("slash", *"nobody")
        assert lines[FIRST] == "  nothing has these words; Esc shows all"


@on_loop
async def test_all_is_recorded_whatever_is_looked_at() -> None:
    sources = FixedSource("a:1", "alpha"), FixedSource("b:1", "beta")
    async with on_stage(*sources, record="top.jsonl") as stage:
        await stage.press("2")
        assert all(source.wants[-1].parts == frozenset(PARTS) for source in sources)


@on_loop
async def test_what_was_not_recorded_is_not_said_to_be_nothing() -> None:
    source = FixedSource()
    polls = [await source.poll(Want(10, parts=frozenset((CONNECTIONS,))))]
    async with on_stage(ReplaySource("a", polls), size=(80, 24), replay="top.jsonl") as stage:
        await stage.until("Connections Polled: 10 of 30")
        assert (await stage.press("4"))[FIRST] == "  this was not recorded"


@pytest.mark.parametrize(("text", "width", "cell"), [
    ("12", 6, "  12  "), ("1234", 6, "1234  "), ("abcdefgh", 6, "abcdefgh"),
])  # fmt: skip
def test_a_number_is_never_cut(text: str, width: int, cell: str) -> None:
    assert Shown("N", width, str, right=True).cell(text).strip() == cell.strip()
    assert Shown("N", width, str).cell("abcdefgh") == "abcd… "


@on_loop
async def test_subscriptions_of_a_connection_stay() -> None:
    source = FixedSource()
    plain = source.connection

    async def turning(cid: int) -> dict[str, Any] | None:
        row = await plain(cid)
        assert row is not None
        subjects = ["b", "a", "c"] if source.second % 2 else ["c", "b", "a"]
        row["subscriptions_list_detail"] = [
            {"subject": each, "sid": str(number), "msgs": 10**11}
            for number, each in enumerate(subjects, 8)
        ]
        return row

    source.connection = turning  # type: ignore[method-assign]
    async with on_stage(source, size=(80, 24)) as stage:
        await stage.press("down", "enter")
        for _ in range(2):
            await stage.poll()
            lines = await stage.until("Subscriptions: 3")
            place = lines.index("Subscriptions: 3")
            rows = [line.split() for line in lines[place + 2 : place + 5]]
            assert [row[0] for row in rows] == ["a", "b", "c"]
            assert all(row[-1] == "100000000000" for row in rows)
        assert any(line.startswith("  Sent by it:    ") and "(" in line for line in lines)


@pytest.mark.parametrize(("said", "first"), [
    ("", "dark"), ("15;0", "dark"), ("0;15", "light"), ("0;default;7", "light"), ("x", "dark"),
])  # fmt: skip
def test_a_light_terminal(monkeypatch: pytest.MonkeyPatch, said: str, first: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORFGBG", said)
    assert looks()[0].name == first and len(looks()) == 3
