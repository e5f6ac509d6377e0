"""What every key does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import ReplaySource
from pynats_top.collect.source import CONNECTIONS, Want
from pynats_top.screen.keys import KEYS
from pynats_top.screen.widgets import prompt

from tests.support.on_loop import on_loop
from tests.top.screen.figures import FixedSource
from tests.top.screen.stage import Stage, on_stage

ASKED, COUNTED, TITLES, FIRST = 6, 7, 8, 9  # lines


def _cids(lines: Sequence[str]) -> list[int]:
    return [int(line[21:28]) for line in lines[FIRST:-2] if line]


@on_loop
async def test_questions_as_the_original_asks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "SHOWN_S", 3600)
    source = FixedSource()
    async with on_stage(source, size=(140, 24)) as stage:
        assert stage.lines()[ASKED] == ""
        assert (await stage.press("o"))[ASKED].startswith("sort by [cid]:   cid start subs pending")
        lines = await stage.press(*"bytes_tp", "backspace", "o")
        assert lines[ASKED].startswith("sort by [cid]: bytes_to")
        assert (await stage.press("enter"))[ASKED] == ""
        assert source.wants[-1].sort == "bytes_to"
        assert (await stage.press("o"))[ASKED].startswith("sort by [bytes_to]: ")
        # Of a value that is none it says so, and everything stays as it was.
        assert (await stage.press(*"nope", "enter"))[ASKED] == "invalid order: nope"
        assert source.wants[-1].sort == "bytes_to"
        # Tab completes; Escape takes it back; keys of the screen are letters of the answer.
        assert (await stage.press("o", "m", "tab"))[ASKED].startswith("sort by [bytes_to]: msgs_to")
        await stage.press("escape", "o", "q", "r", "1", "escape")
        assert source.wants[-1].sort == "bytes_to" and stage.lines()[ASKED] == ""
        # An order that no server has is ours.
        lines = await stage.press("o", *"lang", "enter")
        assert source.wants[-1].sort == "lang" and _cids(lines)[0] == 6

        assert (await stage.press("n"))[ASKED].startswith("limit   [1024]:")
        assert (await stage.press(*"4x", "backspace", "enter"))[ASKED] == ""
        assert source.wants[-1].limit == 4
        assert stage.lines()[COUNTED] == "Connections Polled: 4 of 30"
        for wrong in ("0", "x", "-1", "99999999999"):
            await stage.press("n", *wrong, "enter")
            assert stage.lines()[ASKED] == f"invalid limit: {wrong}"
        await stage.press("n", "ctrl+u", "enter")
        assert source.wants[-1].limit == 4 and stage.lines()[ASKED] == ""
        # After a while the words go away.
        monkeypatch.setattr(prompt, "SHOWN_S", 0.01)
        await stage.press("n", "x", "enter")
        await stage.until_line(ASKED, "")


@on_loop
async def test_how_figures_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynats_top.lookup._name_of", lambda address: f"host-of-{address}")
    source = FixedSource()
    async with on_stage(source, size=(240, 24)) as stage:
        await stage.poll()
        plain = await stage.poll()
        assert plain[TITLES].split()[-2:] == ["UPTIME", "LAST_ACTIVITY"]
        shown = await stage.press("s")
        assert source.wants[-1].subscriptions and shown[TITLES].endswith("SUBSCRIPTIONS")
        assert shown[FIRST].endswith("orders.new, orders.5")
        assert await stage.press("s") == plain and not source.wants[-1].subscriptions

        raw = await stage.press("b")
        assert "Bytes: 48000000  Msgs/Sec: 40000.0   Bytes/Sec: 4000000" in raw[4]
        assert "18000       2400        1800000     240000 " in raw[FIRST]
        rates = await stage.press("space")
        assert "per second" in rates[COUNTED]
        assert "1500        200         150000      20000 " in rates[FIRST]
        assert await stage.press("b", "space") == plain

        await stage.press("d")
        await stage.until("host-of-127.0.0.1")
        assert await stage.press("d") == plain

        assert _cids(await stage.press("r"))[0] == 92
        assert _cids(await stage.press("r")) == _cids(plain)

        # While it stands still nothing is asked for.
        assert "paused" in (await stage.press("p"))[-2] and stage.app.pollers[0].paused
        assert "paused" not in (await stage.press("p"))[-2] and not stage.app.pollers[0].paused


@on_loop
async def test_filter_as_it_is_typed() -> None:
    async with on_stage(FixedSource(), size=(120, 24)) as stage:
        lines = await stage.press("slash", *"WORKER-1")
        assert lines[ASKED].startswith("filter: WORKER-1")
        assert lines[COUNTED] == "Connections Polled: 30  filter: WORKER-1 (10 shown)"
        lines = await stage.press("0", "enter")
        assert _cids(lines) == [10] and lines[ASKED] == ""
        assert _cids(await stage.poll()) == [10]
        # It can be changed; Escape in it or on the screen takes it away.
        assert _cids(await stage.press("slash", "backspace", "1")) == [11]
        assert "filter" not in (await stage.press("escape"))[COUNTED]
        await stage.press("slash", *"py", "enter")
        assert "(15 shown)" in stage.lines()[COUNTED]
        assert "filter" not in (await stage.press("escape"))[COUNTED]


@on_loop
async def test_moving_in_a_table() -> None:
    source = FixedSource()
    async with on_stage(source, size=(80, 24)) as stage:

        def chosen() -> int:
            return stage.chosen_cid()

        await stage.press("down")
        assert chosen() == 5
        await stage.press("j", "j", "k", "down")
        assert chosen() == 7
        await stage.press("up", "up", "up", "up")
        assert chosen() == 5
        assert "1-13 of 30" in stage.lines()[-2]
        assert "2-14 of 30" in (await stage.press("pagedown"))[-2] and chosen() == 18
        assert "18-30 of 30" in (await stage.press("G"))[-2] and chosen() == 92
        assert "16-28 of 30" in (await stage.press("pageup", "up"))[-2]
        await stage.press("end")
        # The chosen one stays chosen, wherever another order puts it.
        lines = await stage.press("r")
        assert chosen() == 92 and _cids(lines)[0] == 92
        await stage.press("g")
        assert chosen() == 92
        assert "VERSION" not in lines[TITLES]
        lines = await stage.press(*["right"] * 30)
        assert lines[TITLES].endswith("LAST_ACTIVITY")
        assert "UTC" in lines[FIRST]
        assert (await stage.press("left"))[TITLES] != lines[TITLES]
        assert (await stage.press("escape"))[TITLES].startswith("  HOST")


@on_loop
async def test_details_and_help() -> None:
    source = FixedSource()
    async with on_stage(source, size=(120, 40)) as stage:
        shown = await stage.press("down", "down", "enter")
        shown = await stage.until("workers")
        assert shown[0] == "Connection 6: 127.0.0.1:50006" and source.asked[-1] == 6
        assert any("[red]evil[/red]\\u001b[31m\\u000d\\u000a" in line for line in shown)
        asked = len(source.asked)
        await stage.poll()
        assert len(source.asked) > asked  # it is alive
        source.number = 0
        await stage.poll()
        assert "it has ended" in (await stage.until("ended"))[0]
        source.error = "connection refused"
        await stage.poll()
        assert "connection refused" in (await stage.until("refused"))[0]
        source.error, source.number = "", 30
        await stage.press("down", "up", "pagedown", "pageup", "home", "end", "right", "left")
        await stage.press("escape")
        assert (await stage.poll())[COUNTED] == "Connections Polled: 30"

        for key in ("question_mark", "h"):
            lines = await stage.press(key)
            text = "\n".join(lines)
            assert all(each.help[:40] in text for each in KEYS if not each.replay)
            assert "Any key goes back" in lines[-1]
            # Also when it is typed twice, in one go: the second one is for the screen below.
            await stage.press("x", "x")
            assert stage.lines()[TITLES].startswith("  HOST")
        await stage.resize(60, 15)
        first = await stage.press("h")
        assert await stage.press("down") != first
        assert await stage.press("up") == first
        assert "leave, whatever is asked" in "\n".join(await stage.press(*["pagedown"] * 6))


@on_loop
async def test_tabs_ask_for_what_they_show() -> None:
    source = FixedSource()
    async with on_stage(source, size=(120, 30)) as stage:
        titles = {"1": "Servers: 1", "3": "Accounts: 2", "4": "Streams: 2", "5": "Consumers: 2",
                  "6": "Slow Consumers: 2", "2": "Connections Polled: 30"}  # fmt: skip
        for key, title in titles.items():
            await stage.press(key)
            lines = await stage.poll()
            assert title in lines, key
            parts = {"1": "", "2": CONNECTIONS}.get(key, title.split(":")[0].split()[0].lower())
            assert source.wants[-1].parts == ({parts} if parts else set())
        await stage.press("tab")
        assert "Accounts: 2" in await stage.poll()
        lines = await stage.press("shift+tab")
        assert "Connections Polled: 30" in lines

        # Rows lead on: an account to its connections, a stream to its consumers.
        await stage.press("3")
        await stage.press("enter")
        assert source.wants[-1].auth and "filter: $G (0 shown)" in stage.lines()[COUNTED]
        assert "ACCOUNT" in stage.lines()[TITLES]
        await stage.press("escape", "4")
        await stage.press("o", *"messages", "enter")
        await stage.press("slash", *"ord", "enter", "enter")
        assert "Consumers: 2  filter: ORDERS (2 shown)" in await stage.poll()
        assert "no details" in (await stage.press("enter"))[ASKED]
        await stage.press("6", "escape")
        await stage.poll()
        await stage.press("enter")
        assert (await stage.until("workers"))[0].startswith("Connection 90: ")


@on_loop
async def test_several_servers() -> None:
    first, second = FixedSource(), FixedSource("b:8222", "beta")
    async with on_stage(first, second, size=(140, 30)) as stage:
        lines = await stage.poll()
        assert lines[COUNTED] == "Servers: 2"
        assert [line.split()[0] for line in lines[FIRST : FIRST + 2]] == ["alpha", "beta"]
        await stage.press("down", "down", "enter")
        lines = await stage.poll()
        assert "Server: beta  (2 of 2" in lines[1] and lines[COUNTED] == "Connections Polled: 30"
        # The other one is asked for nothing but itself.
        assert first.wants[-1] == Want(parts=frozenset())
        assert "Server: alpha" in (await stage.press("right_square_bracket"))[1]
        assert "Server: beta" in (await stage.press("left_square_bracket"))[1]
        assert "] server" in stage.lines()[-1]
        lines = await stage.press("1", "slash", *"alp", "enter", "r")
        assert "Servers: 2  filter: alp (1 shown)  reversed" in lines


@on_loop
async def test_themes_change_colours_only() -> None:
    async with on_stage(FixedSource(), size=(80, 24)) as stage:
        lines, looks = stage.lines(), [stage.app.look.name]
        for _ in range(3):
            assert await stage.press("t") == lines
            looks.append(stage.app.look.name)
        assert looks == ["dark", "light", "contrast", "dark"]


@on_loop
async def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(FixedSource(), size=(80, 24)) as stage:
        await stage.press("t", "down")
        strips = stage.app.screen._compositor.render_strips()
        styles = [part.style for strip in strips for part in strip if part.style]
        filtered = [style for style in styles if style.color and not style.color.is_default]
        assert not filtered and any(style.reverse for style in styles)
        assert stage.app.look.name == "plain"


@on_loop
async def test_recordings() -> None:
    source = FixedSource()
    polls = []
    for second in (10, 11, 12, 30, 45):
        source.second = second
        polls.append(await source.poll(Want(parts=frozenset((CONNECTIONS,)))))
    replay = ReplaySource("rec.jsonl", polls)
    async with on_stage(replay, size=(120, 24), replay="rec.jsonl") as stage:
        assert "poll 1 of 5" in stage.lines()[-2] and ". step" in stage.lines()[-1]
        await _until_place(stage, "2", "full_stop")
        assert "paused" in stage.lines()[-2]
        assert "Msgs/Sec: 40000.0" in stage.lines()[4]
        await _until_place(stage, "3", "full_stop")
        await _until_place(stage, "2", "comma")
        await _until_place(stage, "5", "greater_than_sign")
        await _until_place(stage, "1", "less_than_sign")
        assert "x4" in (await stage.press("plus", "plus"))[-2] and replay.speed == 4
        assert "x2" in (await stage.press("minus"))[-2]
        # Nothing that is pressed goes on in it by the way.
        await stage.press("3", "2", "s", "o", *"subs", "enter", "n", "7", "enter")
        assert "poll 1 of 5" in stage.lines()[-2]
        assert "the next poll of the recording" in "\n".join(await stage.press("h"))


async def _until_place(stage: Stage, place: str, key: str) -> None:
    await stage.press(key)
    await stage.until(f"poll {place} of 5")


@on_loop
async def test_keys_of_recordings_do_nothing_elsewhere() -> None:
    async with on_stage(FixedSource(), size=(120, 40)) as stage:
        lines = stage.lines()
        assert await stage.press("full_stop", "comma", "plus", "minus", "f7", "z") == lines
        assert "Recording" not in "\n".join(await stage.press("h"))


@pytest.mark.parametrize("keys", [["q"], ["ctrl+c"], ["o", "ctrl+c"], ["h", "ctrl+c"]])
def test_the_end(keys: list[str]) -> None:
    @on_loop
    async def run() -> None:
        async with on_stage(FixedSource(), size=(80, 24)) as stage:
            stage.type(*keys)
            await stage.ended()
            assert stage.app.return_code == 0

    run()


@on_loop
async def test_ends_after_so_many_refreshes() -> None:
    async with on_stage(FixedSource(), refreshes=2) as stage:
        poller: Poller = stage.app.pollers[0]
        await poller.poll()
        await stage.ended()
        assert poller.polls == 2 and stage.app.return_code == 0
