"""Mirrors and sources of streams in other accounts: nothing is lost, doubled or mixed, whatever
ends, fails, is full, is made anew or tells lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.stream.copying import distant, follower

from tests.support.copying import ask, bodies, copying, each_way, origin_of_a, playing
from tests.support.deadline import wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import HeldCommits
from tests.support.on_loop import on_loop


@each_way
@on_loop
async def test_more_than_a_window_is_copied(how: str, tmp_path: Path) -> None:
    """The origin stops until it is told that what it has sent was taken."""
    async with playing(tmp_path) as s:
        await s.make(s.a, "O", subjects=["o"], storage="memory")
        await s.publish(600, size=10_000)
        await s.make(s.d, "M", **copying(how))
        await s.until_copied(list(range(600)))


@each_way
@on_loop
async def test_a_restart_goes_on_where_it_was(how: str, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin(how, 5)
    async with playing(tmp_path) as s:
        await s.publish(5, 5)
        await s.until_copied(list(range(10)))


@each_way
@on_loop
async def test_a_consumer_that_has_gone_is_made_again(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "STALLED_S", 1.5)
    async with playing(tmp_path) as s:
        await s.begin(how, 3)
        origin = s.stream("A", "O")
        for consumer in list(origin.consumers.by_name.values()):
            await origin.consumers.delete(consumer)
        await s.publish(3, 3)
        await s.until_copied(list(range(6)))


@each_way
@on_loop
async def test_a_message_that_is_missing_comes_again(how: str, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin(how, 1)
        reader = s.reader()
        received = reader._received
        lost: list[object] = []

        def lossy(*message: Any) -> None:
            if lost:
                received(*message)
            else:
                lost.append(message)

        # The subscription has the first one: so the reader begins anew, with this one.
        reader._received = lossy  # type: ignore[method-assign]
        reader.open()
        await wait_until_async(lambda: reader._asking is None, "another consumer")
        await s.publish(4, 1)
        await s.until_copied(list(range(5)))
        assert lost


@each_way
@on_loop
async def test_a_work_queue_keeps_what_is_not_durable_here(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldCommits(monkeypatch, "M")
    async with playing(tmp_path) as s:
        await s.begin(how, 3, retention="workqueue")
        reader = s.reader()
        await wait_until_async(lambda: reader._held is not None, "the origin asks")
        assert s.stream("A", "O").store.msgs == 3
        held.let_go()
        await wait_until_async(lambda: s.stream("A", "O").store.msgs == 0, "the origin is empty")


@on_loop
async def test_a_source_that_is_gone_acknowledges_what_it_has(tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.make(s.a, "O", subjects=["o"], retention="workqueue")
        await s.make(s.d, "M", sources=[origin_of_a()], subjects=["own"])
        await s.publish(3)
        await s.until_copied([0, 1, 2])
        await ask(s.d, "STREAM.UPDATE.M", name="M", subjects=["own"])
        origin = s.stream("A", "O")
        await wait_until_async(lambda: origin.store.msgs == 0, "the origin is empty")
        await wait_until_async(lambda: not origin.consumers.by_name, "its consumer has gone")


@each_way
@on_loop
async def test_a_full_disk_makes_it_wait(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "RETRY_S", 0.02)
    with disk_of_process(FullDisk(below="/c-M")) as disk:
        async with playing(tmp_path) as s:
            await s.begin(how, 2, "c-M", retention="workqueue")
            disk.room, refused = 0, disk.refused
            await s.publish(3, 2)
            await wait_until_async(lambda: disk.refused > refused + 3, "it tries in vain")
            assert s.stream("A", "O").store.msgs >= 3
            disk.room = None
            await s.until_copied(list(range(5)), "c-M")
            await wait_until_async(lambda: s.stream("A", "O").store.msgs == 0, "all is told")


@each_way
@on_loop
async def test_an_origin_that_was_made_anew(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source takes its messages, too; a mirror does not mix the messages of two streams."""
    monkeypatch.setattr(distant, "STALLED_S", 0.5)
    async with playing(tmp_path) as s:
        await s.begin(how, 3)
        await ask(s.a, "STREAM.DELETE.O")
        await s.make(s.a, "O", subjects=["o"])
        await s.publish(4, 100)
        if how == "source":
            await s.until_copied([0, 1, 2, 100, 101, 102, 103])
            return

        async def says_so() -> bool:
            told = (await ask(s.d, "STREAM.INFO.M"))["mirror"]
            return "made anew" in told.get("error", {}).get("description", "")

        await wait_until_async(says_so, "it says what is wrong")
        assert bodies(s.stream("D", "M")) == [0, 1, 2]


@each_way
@on_loop
async def test_nobody_makes_it_copy_what_no_consumer_has_sent(how: str, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin(how, 1)
        reader = s.reader()
        assert reader._subscription is not None
        target = reader._subscription.subject.decode()
        for reply in ("", "x", "$JS.ACK.O.C.1.x.2.3.4", "$JS.ACK.O.C.1.2.2.-3.4", "$JS.ACK"):
            if not reply.startswith("$JS.ACK"):  # no client may publish with such
                await s.d.publish(target, b"7", reply=reply)
            else:
                reader._received(None, b"o", reply.encode(), b"", b"7")
        await s.d.publish(target, b"", headers={"Nats-Last-Consumer": "99999"})
        await s.d.flush()
        await s.publish(2, 1)
        await s.until_copied([0, 1, 2])


@on_loop
async def test_an_origin_that_does_not_wait_is_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "QUEUE_BYTES", 40_000)
    monkeypatch.setattr(distant, "FIRST_PAUSE_S", 0.01)
    most = 0
    took = distant.Distant._received

    def watched(reader: distant.Distant, *message: Any) -> None:
        nonlocal most
        took(reader, *message)
        most = max(most, reader._queued_bytes)

    monkeypatch.setattr(distant.Distant, "_received", watched)
    async with playing(tmp_path) as s:
        await s.make(s.a, "O", subjects=["o"])
        await s.publish(100, size=1000)
        await s.make(s.d, "M", mirror=origin_of_a())
        await s.until_copied(list(range(100)))
    assert 10_000 < most <= 40_000


@on_loop
async def test_what_is_asked_in_vain_is_asked_again_ever_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "FIRST_PAUSE_S", 0.001)
    async with playing(tmp_path) as s:
        await s.make(s.d, "M", mirror={"name": "O", "external": {"api": "NO.WHERE"}})
        reader = s.reader()
        await wait_until_async(lambda: reader._pause_s >= 0.064, "six tries")
        told = (await ask(s.d, "STREAM.INFO.M"))["mirror"]
        assert (told["lag"], told["active"], told.get("error")) == (0, -1, None)
