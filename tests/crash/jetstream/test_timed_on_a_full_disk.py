"""What a stream writes itself when its time comes, on a full disk: the messages of schedules, and
the markers of expired messages. It comes when there is room, exactly once, also after kill -9."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pynats_server.core.protocol.headers import build, get
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.stream.timed import expiry, schedules
from pynats_server.log.logger import Logger
from pynats_server.server.server import Server
from pynats_server.work import finish

from tests.support.deadline import wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import api, serving
from tests.support.on_loop import on_loop

SECOND_NS = 10**9
TRIES = 3
Headers = tuple[tuple[bytes, bytes], ...]

CONFIG = {
    "name": "C", "subjects": ["c.>"], "allow_msg_schedules": True, "allow_msg_ttl": True,
    "allow_rollup_hdrs": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def bugs(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors of ours; and what is put off is tried again soon."""
    found: list[Exception] = []
    monkeypatch.setattr(Stream, "on_internal_error", lambda _, error: found.append(error))
    monkeypatch.setattr(expiry, "RETRY_S", 0.02)
    monkeypatch.setattr(schedules, "RETRY_S", 0.02)
    monkeypatch.setattr(schedules, "TIMER_MIN_S", 0.01)
    return found


def stream_of(server: Server) -> Stream:
    assert server.state.jetstream is not None
    stream = server.state.jetstream.accounts["$G"].streams["C"]
    assert isinstance(stream, Stream)
    return stream


def messages(stream: Stream, filter: bytes = b">") -> list[tuple[bytes, bytes, bytes]]:
    """(subject, headers, payload)."""
    found, at = [], 1
    while (message := finish(stream.store.find_next(filter, at))) is not None:
        found.append((bytes(message.subject), message.headers or b"", message.payload))
        at = message.seq + 1
    return found


def scheduled(when: bytes, *more: tuple[bytes, bytes]) -> bytes:
    return build(((b"Nats-Schedule", when), (b"Nats-Schedule-Target", b"c.made"), *more))


def past(seconds: float = 60) -> bytes:
    moment = time.gmtime(time.time() - seconds)
    return b"@at " + time.strftime("%Y-%m-%dT%H:%M:%SZ", moment).encode()


@contextlib.asynccontextmanager
async def killed(folder: Path, image: Path) -> AsyncIterator[Stream]:
    """The stream as a server finds it whose predecessor was killed now."""
    shutil.rmtree(image, ignore_errors=True)
    shutil.copytree(folder, image)
    async with serving(image) as (server, _):
        yield stream_of(server)


KINDS: dict[str, tuple[Callable[[], bytes], Headers]] = {
    "at": (past, ()),
    "at, with a TTL": (past, ((b"Nats-Schedule-TTL", b"100s"),)),
    "at, replacing": (past, ((b"Nats-Schedule-Rollup", b"sub"),)),
    "every": (lambda: b"@every 1h", ()),
    "cron": (lambda: b"0 0 0 1 1 *", ()),
}


def make_due(stream: Stream, subject: bytes) -> None:
    """Brings forward when a schedule is next due."""
    plan = stream.replica.plan
    due, seq = plan.due[subject]
    if due > time.time_ns():
        plan.missed(subject, seq, time.time_ns() - SECOND_NS)
        stream.schedules.arm()


@pytest.mark.parametrize("kind", KINDS)
@on_loop
async def test_a_schedule_that_finds_no_room_stays_due(
    tmp_path: Path, kind: str, bugs: list[Exception]
) -> None:
    when, more = KINDS[kind]
    with disk_of_process(FullDisk(0, only=b"Nats-Scheduler")) as disk:
        async with serving(tmp_path / "store") as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            stream = stream_of(server)
            stream.accept(b"c.s", b"", scheduled(when(), *more), b"job")
            make_due(stream, b"c.s")
            await wait_until_async(lambda: disk.refused >= TRIES, "some tries")
            assert messages(stream, b"c.made") == []
            assert [body for _, _, body in messages(stream, b"c.s")] == [b"job"]
            disk.room = None
            async with killed(tmp_path / "store", tmp_path / "image") as other:
                if kind.startswith("at"):
                    await wait_until_async(lambda: messages(other, b"c.made"), "the message")
                assert b"c.s" in other.replica.plan.due or messages(other, b"c.made")
            await wait_until_async(lambda: messages(stream, b"c.made"), "the message")
            ended = kind.startswith("at")
            await wait_until_async(lambda: stream.durable_seq == 2, "the sync")
            (made,) = messages(stream, b"c.made")
            assert (made[2], get(made[1], b"Nats-Scheduler")) == (b"job", b"c.s")
            assert (stream.store.last_seq, stream.store.msgs) == (2, 1 if ended else 2)
            plan = [] if ended else [(b"c.s", 1)]
            assert [(subject, seq) for subject, (_, seq) in stream.replica.plan.due.items()] == plan
            async with killed(tmp_path / "store", tmp_path / "image") as other:
                await wait_until_async(lambda: "recover" not in other.schedules._jobs, "the search")
                due = {subject: due for subject, (due, _) in other.replica.plan.due.items()}
                assert due.keys() == dict(plan).keys()
                assert all(at > time.time_ns() for at in due.values())
                assert messages(other, b"c.made") == [made]
    assert bugs == []


@on_loop
async def test_very_many_schedules_on_a_full_disk_all_come_once_and_in_order(
    tmp_path: Path, bugs: list[Exception]
) -> None:
    """The disk has room for some at a time."""
    many = 300
    with disk_of_process(FullDisk()) as disk:
        async with serving(tmp_path / "store") as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            stream = stream_of(server)
            disk.only, disk.room = b"Nats-Scheduler", 0
            for number in range(many):
                stream.accept(b"c.s.%d" % number, b"", scheduled(past()), b"%d" % number)
            for room in (0, 300, 1000, 0, 3000, 5000):
                refused, disk.room = disk.refused, room
                await wait_until_async(lambda: disk.refused > refused + 1, "a full disk")  # noqa: B023
            disk.room = None
            await wait_until_async(lambda: stream.store.last_seq == 2 * many, "all of them")
            bodies = [body for _, _, body in messages(stream, b"c.made")]
            assert bodies == [b"%d" % number for number in range(many)]
            assert stream.store.msgs == many  # each has ended its schedule
            assert stream.replica.plan.due == {}
    assert bugs == []


@pytest.mark.parametrize("ages", ["max_age", "Nats-TTL"])
@on_loop
async def test_an_expired_message_whose_marker_finds_no_room_stays_until_it_does(
    tmp_path: Path, ages: str, monkeypatch: pytest.MonkeyPatch, bugs: list[Exception]
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(Logger, "warn_rarely", lambda _, text: warned.append(text))
    # A message lives at least as long as its marker.
    config = {**CONFIG, "subject_delete_marker_ttl": SECOND_NS}
    headers = build(((b"Nats-TTL", b"1s"),))
    if ages == "max_age":
        headers = b""
        config |= {
            "max_age": SECOND_NS // 5, "duplicate_window": SECOND_NS // 10,
            "subject_delete_marker_ttl": 3600 * SECOND_NS,
        }  # fmt: skip
    with disk_of_process(FullDisk(0, only=b"Nats-Marker-Reason")) as disk:
        async with serving(tmp_path / "store") as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", config)
            stream = stream_of(server)
            for number in range(3):
                stream.accept(b"c.%d" % number, b"", headers, b"x")
            await wait_until_async(lambda: disk.refused >= TRIES, "some tries")
            assert [body for _, _, body in messages(stream)] == [b"x"] * 3
            disk.room = None
            async with killed(tmp_path / "store", tmp_path / "image") as other:
                await wait_until_async(lambda: other.store.first_seq > 3, "the markers")
                assert other.store.last_seq == 6
            await wait_until_async(lambda: stream.store.first_seq > 3, "the markers")
            assert stream.store.last_seq == 6  # one for each
            if ages == "max_age":
                left = messages(stream)
                assert [subject for subject, _, _ in left] == [b"c.0", b"c.1", b"c.2"]
                assert all(get(block, b"Nats-Marker-Reason") == b"MaxAge" for _, block, _ in left)
    assert bugs == []


@on_loop
async def test_schedules_wait_for_room_in_their_account(
    tmp_path: Path, bugs: list[Exception]
) -> None:
    async with serving(tmp_path) as (server, client):
        assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
        stream = stream_of(server)
        usage = stream.account.usage("file")
        for number in range(3):
            stream.accept(b"c.s.%d" % number, b"", scheduled(past()), b"%d" % number)
        usage.limit = usage.used  # full
        fires: list[None] = []
        arm = stream.schedules.arm
        stream.schedules.arm = lambda: fires.append(arm())  # type: ignore[method-assign]
        await wait_until_async(lambda: len(fires) > TRIES, "some tries")
        assert len(messages(stream, b"c.s.*")) == 3
        usage.limit = -1
        await wait_until_async(lambda: len(messages(stream, b"c.made")) == 3, "the messages")
        assert messages(stream, b"c.s.*") == []
    assert bugs == []
