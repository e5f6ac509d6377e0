"""The original's text: its sizes, its widths, its blanks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_top.collect.source import Poll
from pynats_top.model.figures import ConnectionFigures, ServerFigures, Snapshot, snapshot
from pynats_top.model.rates import Traffic
from pynats_top.model.rows import Look, ago, go_time
from pynats_top.model.sizes import count_text, size_text
from pynats_top.text import delimited, grid

from tests.top.recorded import FOLDER

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"), (1023, "1023"), (1024, "1.0K"), (1_048_575, "1024.0K"), (1_048_576, "1.0M"),
        (1_038_991, "1014.6K"), (2**30 - 1, "1024.0M"), (2**30, "1.0G"), (2**41, "2048.0G"),
        (-5, "-5"), (3389.7, "3.3K"), (999.9, "999"),
    ],
)  # fmt: skip
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text
    assert size_text(size, raw=True) == str(int(size))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (999, "999"), (1000, "1.0K"), (999_999, "1000.0K"), (34_200, "34.2K"),
        (10**6, "1.0M"), (10**9, "1.0B"), (10**12, "1.0T"), (10**16, "10000.0T"), (37.9, "37"),
    ],
)  # fmt: skip
def test_counts(count: float, text: str) -> None:
    assert count_text(count) == text


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_more_is_never_shown_as_less(one: int, other: int) -> None:
    less, more = sorted((one, other))
    for written, step, units in ((size_text, 1024, "KMG"), (count_text, 1000, "KMBT")):

        def value(text: str, step: int = step, units: str = units) -> float:
            unit = text[-1]
            return (
                float(text[:-1]) * step ** (units.index(unit) + 1) if unit in units else float(text)
            )

        assert value(written(less)) <= value(written(more))
        assert abs(value(written(more)) - more) <= max(0.051 * step ** len(units), more * 0.06)


ORIGINAL = json.loads((FOLDER / "nats-top.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("scene", "flags"),
    [(scene, flags) for scene, asked in ORIGINAL.items() for flags in asked["texts"]],
)
def test_the_text_of_the_original(scene: str, flags: str) -> None:
    """Every byte that `nats-top -o -` prints of the same answers."""
    asked, given = ORIGINAL[scene], flags.split()
    made = snapshot(Poll(1.0, asked["varz"], asked["connz"]), None)
    look, subscriptions = Look(raw="-b" in given), "-u" in given
    if "-l" in given:
        text = delimited(made, look, subscriptions, given[-1])
    else:
        text = grid(made, look, subscriptions)
    assert text == asked["texts"][flags]


def connection(cid: int, name: str = "", **fields: object) -> ConnectionFigures:
    made = ConnectionFigures(
        cid=cid, kind="Client", type="nats", ip="127.0.0.1", port=56134, name=name, lang="go",
        version="1.1.0", account="", user="", start_time="", last_activity_time="",
        uptime="1m2s", idle="0s", rtt="", subscriptions=5, pending=0, stalls=0,
        traffic=Traffic(11_600, 926_822, 11_600, 1_153_433),
        subjects=("foo", "hello"),
    )  # fmt: skip
    for field, value in fields.items():
        setattr(made, field, value)
    return made


SERVER = ServerFigures(
    id="NID", name="NID", version="2.15.1", uptime="31m42s", cpu=0.84, memory=6_186_598,
    traffic=Traffic(34_200, 3_145_728, 68_300, 6_291_456, 37.94, 3389.7, 75.8, 6779.4),
)  # fmt: skip


def test_the_grid() -> None:
    made = Snapshot(SERVER, [connection(2), connection(113, ip="::1")], polled=2)
    assert grid(made, Look(), subscriptions=True).split("\n") == [
        "NATS server version 2.15.1 (uptime: 31m42s) ",
        "Server: ",
        "  ID:   NID",
        "  Load: CPU:  0.8%  Memory: 5.9M  Slow Consumers: 0",
        "  In:   Msgs: 34.2K  Bytes: 3.0M  Msgs/Sec: 37.9  Bytes/Sec: 3.3K",
        "  Out:  Msgs: 68.3K  Bytes: 6.0M  Msgs/Sec: 75.8  Bytes/Sec: 6.6K",
        "",
        "Connections Polled: 2",
        "  HOST             CID    SUBS    PENDING     MSGS_TO     MSGS_FROM   BYTES_TO    "
        "BYTES_FROM  LANG     VERSION  UPTIME   LAST_ACTIVITY                         "
        "  SUBSCRIPTIONS",
        "  127.0.0.1:56134  2      5       0           11.6K       11.6K       1.1M        "
        "905.1K      go       1.1.0    1m2s     0001-01-01 00:00:00 +0000 UTC           foo, hello",
        "  ::1:56134        113    5       0           11.6K       11.6K       1.1M        "
        "905.1K      go       1.1.0    1m2s     0001-01-01 00:00:00 +0000 UTC           foo, hello",
        "",
    ]  # fmt: skip


def test_rates_and_plain_numbers() -> None:
    row = connection(2)
    row.traffic = Traffic(5, 5, 5, 5, 1.9, 2048.0, 12_345.6, 0.4)
    cells = grid(Snapshot(SERVER, [row]), Look(rates=True), False).split("\n")[-2].split()
    assert cells[4:8] == ["12.3K", "1", "0", "2.0K"]
    raw = grid(Snapshot(SERVER, [row]), Look(rates=True, raw=True), False).split("\n")
    assert raw[-2].split()[4:8] == ["12345", "1", "0", "2048"]
    assert "Memory: 5.9M" in raw[3]
    assert "Bytes: 3145728  Msgs/Sec: 37.9  Bytes/Sec: 3389" in raw[4]


@pytest.mark.parametrize(
    ("names", "width"),
    [
        (["ab"], 4),  # never narrower than its header
        (["twenty letters 012345"], 23),  # two more than the longest
        (["abcdef", "abcdefgh"], 8),  # but not when there is room for it
        (["äöü"], 8),  # bytes are counted
    ],
)
def test_the_width_of_names(names: list[str], width: int) -> None:
    made = Snapshot(SERVER, [connection(1, name) for name in names])
    header = grid(made, Look(), False).split("\n")[8]
    assert header.index("SUBS") - header.index("NAME") == width + 1


def test_the_text_with_a_delimiter() -> None:
    row = connection(2, "n", last_activity_time="2026-11-30T14:03:26.187508103Z")
    made = Snapshot(SERVER, [row], polled=1, error="gone")
    assert delimited(made, Look(rates=True), True, ";").split("\n") == [
        "NATS server version;2.15.1;(uptime: 31m42s);gone",
        "Server:",
        "Load:;CPU:;0.8%;Memory:;5.9M;Slow Consumers:;0",
        "In:;Msgs:;34.2K;Bytes:;3.0M;Msgs/Sec:;37.9;Bytes/Sec:;3.3K",
        "Out:;Msgs:;68.3K;Bytes:;6.0M;Msgs/Sec:;75.8;Bytes/Sec:;6.6K",
        "",
        "Connections Polled:;1",
        "HOST;CID;NAME;SUBS;PENDING;MSGS_TO;MSGS_FROM;BYTES_TO;BYTES_FROM;LANG;VERSION;UPTIME;"
        "LAST_ACTIVITY;SUBSCRIPTIONS",
        "127.0.0.1:56134;2;n;5;0;11.6K;11.6K;1.1M;905.1K;go;1.1.0;1m2s;"
        "2026-11-30 14:03:26.187508103 +0000 UTC;foo  hello",
        "",
    ]


def test_names_of_addresses_replace_them_with_their_ports() -> None:
    made = Snapshot(SERVER, [connection(2)])
    assert "  db.example.com  " in grid(made, Look(names={"127.0.0.1": "db.example.com"}), False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_599, "59m59s"), (3_600, "1h00m"), (90_000, "1d1h")],
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert ago(SECOND, (seconds + 1) * SECOND) == text
    assert ago(0, SECOND) == ""


def test_a_time_as_go_writes_it() -> None:
    assert go_time(1_796_047_406_000_000_000) == "2026-11-30 14:03:26 +0000 UTC"
