"""Figures are those of the answers, of any server version, and of whatever was sent instead."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_top.collect.source import Poll
from pynats_top.model.figures import Snapshot, snapshot
from pynats_top.model.history import History
from pynats_top.model.rows import TABLES, Look, filtered, key_of, ordered
from pynats_top.model.slow import BEHIND, CLOSED

from tests.top.recorded import FILES, FOLDER, last, number, polls

SECOND = 1_000_000_000


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def recorded(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def test_the_server_is_what_varz_says(recorded: Path) -> None:
    poll, made = last(recorded)
    server = made.server
    assert (server.id, server.version) == (poll.varz["server_id"], poll.varz["version"])
    for name, field in {
        "cpu": "cpu", "memory": "mem", "cores": "cores", "connections": "connections",
        "total_connections": "total_connections", "subscriptions": "subscriptions",
        "slow_consumers": "slow_consumers", "uptime": "uptime", "routes": "routes",
        "leafnodes": "leafnodes",
    }.items():  # fmt: skip
        assert getattr(server, name) == poll.varz[field], name
    for name in ("in_msgs", "out_msgs", "in_bytes", "out_bytes"):
        assert getattr(server.traffic, name) == poll.varz[name]
    assert server.js_storage == number(poll.varz, "jetstream", "stats", "storage")
    assert server.js_api_total == number(poll.varz, "jetstream", "stats", "api", "total")


def test_connections_are_what_connz_says(recorded: Path) -> None:
    poll, made = last(recorded)
    assert poll.connz is not None
    rows = poll.connz["connections"]
    assert [row.cid for row in made.connections] == [row["cid"] for row in rows]
    assert (made.polled, made.total) == (poll.connz["num_connections"], poll.connz["total"])
    for row, figures in zip(rows, made.connections, strict=True):
        assert figures.address == f"{row['ip']}:{row['port']}"
        assert figures.subscriptions == row["subscriptions"]
        assert figures.pending == row["pending_bytes"]
        assert figures.traffic.in_msgs == row["in_msgs"]
        assert figures.traffic.out_bytes == row["out_bytes"]
        assert (figures.name, figures.lang) == (row["name"], row["lang"])
        assert figures.account == row["account"]


def test_accounts_streams_and_consumers(recorded: Path) -> None:
    poll, made = last(recorded)
    assert poll.accounts is not None
    assert poll.jsz is not None
    by_name = {account.name: account for account in made.accounts}
    for row in poll.accounts["account_statz"]:
        assert by_name[row["acc"]].traffic.out_msgs == row["sent"]["msgs"]
        assert by_name[row["acc"]].subscriptions == row.get("num_subscriptions", 0)
    (stream,), (consumer,) = made.streams, made.consumers
    (detail,) = poll.jsz["account_details"][0]["stream_detail"]
    assert (stream.name, stream.subjects) == ("ORDERS", ("orders.>",))
    assert (stream.messages, stream.size) == (detail["state"]["messages"], detail["state"]["bytes"])
    assert (consumer.stream, consumer.name, consumer.mode) == ("ORDERS", "W", "pull")
    assert (consumer.pending, consumer.ack_pending) == (17, 3)


def test_who_is_slow_to_which_subjects_since_when() -> None:
    recorded = FOLDER / "nats-server-2.15.1.jsonl"
    _, made = last(recorded)
    behind = [slow for slow in made.slow if slow.state == BEHIND]
    ended = [slow for slow in made.slow if slow.state == CLOSED]
    assert [slow.name for slow in behind] == ["behind"]
    assert set(behind[0].subjects) == {"slow.here", "other.>"}
    assert behind[0].account == "APP"
    first = snapshot(polls(recorded)[0], None).now["connections"]
    assert behind[0].since == first
    assert [(slow.name, slow.subjects) for slow in ended] == [("gone", ("gone.here",))]
    assert ended[0].reason.startswith("Slow Consumer")
    assert ended[0].since > 0


def test_who_was_too_slow_for_an_old_server() -> None:
    _, made = last(FOLDER / "nats-server-2.9.25.jsonl")
    assert {slow.name: set(slow.subjects) for slow in made.slow} == {
        "gone": {"gone.here"},
        "behind": {"slow.here", "other.>"},
    }
    assert {slow.reason for slow in made.slow} == {"Slow Consumer (Write Deadline)"}


def test_rates_are_over_the_interval_of_the_server(recorded: Path) -> None:
    before, after = polls(recorded)
    _, made = last(recorded)
    assert 0.5 < made.seconds < 100
    grown = after.varz["in_msgs"] - before.varz["in_msgs"]
    assert made.server.traffic.in_msgs_rate == pytest.approx(grown / made.seconds)
    assert before.connz is not None
    assert after.connz is not None
    publisher = next(row for row in made.connections if row.name == "publisher")
    counts = [
        next(row["in_msgs"] for row in answer["connections"] if row["name"] == "publisher")
        for answer in (before.connz, after.connz)
    ]
    seconds = (made.now["connections"] - snapshot(before, None).now["connections"]) / SECOND
    assert publisher.traffic.in_msgs_rate == pytest.approx((counts[1] - counts[0]) / seconds)


def varz(now: str, msgs: int, start: str = "2026-01-01T00:00:00Z", server: str = "N1") -> Poll:
    return Poll(1.0, {"server_id": server, "now": now, "start": start, "in_msgs": msgs})


def test_a_server_that_started_again_begins_anew() -> None:
    first = snapshot(varz("2026-01-01T00:00:10Z", 5_000), None)
    again = varz("2026-01-01T00:00:12Z", 7_000, start="2026-01-01T00:00:11Z")
    again.at = 3.0
    made = snapshot(again, first)
    assert made.restarted
    assert made.server.traffic.in_msgs_rate == 0


@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        ("2026-01-01T00:00:14Z", 5.0, 25.0),  # its own clock: four seconds
        ("2026-01-01T00:00:10Z", 5.0, 25.0),  # a clock that stands still: ours
        ("2026-01-01T09:00:00Z", 5.0, 25.0),  # one that was set
        ("2025-01-01T00:00:00Z", 5.0, 25.0),  # back
        ("no time", 5.0, 25.0),
    ],
)
def test_the_interval(now: str, at: float, expected: float) -> None:
    first = snapshot(varz("2026-01-01T00:00:10Z", 100), None)
    poll = varz(now, 200)
    poll.at = at
    assert snapshot(poll, first).server.traffic.in_msgs_rate == pytest.approx(expected)


def test_a_counter_that_went_back_has_no_rate() -> None:
    first = snapshot(varz("2026-01-01T00:00:10Z", 100), None)
    made = snapshot(varz("2026-01-01T00:00:11Z", 90), first)
    assert made.server.traffic.in_msgs_rate == 0


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            found += _places(value[index], (*path, index))
    return found


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.just("\x1b[2J"),
    st.just([1, None, {"a": []}]), st.just({"x": {"y": 1}}), st.just("0001-01-01T00:00:00Z"),
    st.just("99999-99-99T99:99:99Z"),
)  # fmt: skip


@given(st.data())
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    first, second = copy.deepcopy(polls(FILES[-1]))
    before = snapshot(first, None)
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(["varz", "connz", "accounts", "jsz", "closed", "pending"]))
        answer = getattr(second, name)
        place = data.draw(st.sampled_from(_places(answer) or [("x",)]))
        holder: Any = answer
        try:
            for step in place[:-1]:
                holder = holder[step]
            if data.draw(st.booleans()):
                holder[place[-1]] = data.draw(ODD)
            else:
                del holder[place[-1]]
        except (KeyError, IndexError, TypeError):
            pass  # it went with another one
    made = snapshot(second, before)
    History().add(made)
    look = Look(now=made.server.now)
    for part, columns in TABLES.items():
        rows = getattr(made, part)
        for column in columns:
            for row in ordered(rows, column):
                cell = column.show(row, look)
                assert "\x1b" not in cell
                key_of(row)
        filtered(rows, columns, "a b", look)


def test_the_filter_wants_every_word(recorded: Path) -> None:
    _, made = last(recorded)
    columns, look = TABLES["connections"], Look()
    assert len(filtered(made.connections, columns, "", look)) == len(made.connections)
    found = filtered(made.connections, columns, "PUBLISH app", look)
    assert [row.name for row in found] == ["publisher"]
    assert filtered(made.connections, columns, "publisher nobody", look) == []


def test_history_keeps_the_last_ones() -> None:
    history = History(3)
    for cpu in range(5):
        made = Snapshot()
        made.server.cpu = cpu
        history.add(made)
    assert history.last("cpu", 10) == [2, 3, 4]
    assert history.last("cpu", 2) == [3, 4]
    assert history.last("cpu", 0) == []
