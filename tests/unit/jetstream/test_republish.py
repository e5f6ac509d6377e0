"""Republished messages are sent when they are durable, once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pynats_server.jetstream.stream.republish import AT_ONCE, STEPS, Republished, RepublishQueue

from tests.support.deadline import next_turn


class Scene:
    """The queue of a stream that only records its output; `turn` runs one turn of the loop."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.complaints: list[Exception] = []
        self.costs = 1  # steps of a message
        loop = asyncio.get_running_loop()

        def publish(target: bytes, payload: bytes, headers: bytes) -> None:
            engine.steps += self.costs
            if target == b"bad":
                raise RuntimeError("a receiver of ours")
            self.left.append(payload)

        options = SimpleNamespace(max_buffered_msgs=3, max_buffered_size=30)
        engine = SimpleNamespace(within_turn=lambda work: work(), steps=0)
        account: Any = SimpleNamespace(
            server=SimpleNamespace(loop=loop, engine=engine, options=options), publish=publish
        )
        self.queue = RepublishQueue(account, self.complaints.append)

    def store(self, *seqs: int, target: bytes = b"to") -> None:
        for seq in seqs:
            self.queue.add(Republished(seq, target, b"", b"%d" % seq))

    async def turn(self) -> list[bytes]:
        await next_turn()
        return self.left


def scene(script: Callable[[Scene], Any]) -> None:
    async def run() -> None:
        await script(Scene())

    asyncio.run(run())


def test_nothing_leaves_before_it_is_durable() -> None:
    async def script(it: Scene) -> None:
        it.store(1, 2, 3)
        assert await it.turn() == []
        it.queue.committed(2)
        assert it.left == []  # not within the call: streams may republish into each other
        assert await it.turn() == [b"1", b"2"]
        it.queue.committed(3)
        it.queue.committed(3)
        assert await it.turn() == [b"1", b"2", b"3"]

    scene(script)


def test_what_a_full_disk_took_back_never_leaves() -> None:
    async def script(it: Scene) -> None:
        it.store(1, 2, 3)
        it.queue.undone(1)
        it.store(2)
        it.queue.committed(2)
        assert await it.turn() == [b"1", b"2"]

    scene(script)


def test_one_receiver_that_fails_costs_the_others_nothing() -> None:
    async def script(it: Scene) -> None:
        it.store(1, target=b"bad")
        it.store(2)
        it.queue.committed(2)
        assert await it.turn() == [b"2"]
        assert len(it.complaints) == 1

    scene(script)


def test_what_waits_for_the_disk_has_a_limit() -> None:
    async def script(it: Scene) -> None:
        it.store(1, 2)
        assert not it.queue.is_full
        it.store(3)
        assert it.queue.is_full
        it.queue.undone(2)
        assert not it.queue.is_full
        it.queue.add(Republished(3, b"to", b"", b"x" * 28))
        assert it.queue.is_full  # by bytes, and by number
        it.queue.committed(2)
        await it.turn()
        assert not it.queue.is_full
        it.queue.add(Republished(4, b"to", b"xx", b""))
        assert it.queue.is_full
        it.queue.committed(4)
        await it.turn()
        assert not it.queue.is_full

    scene(script)


def test_a_large_commit_leaves_in_parts_and_in_order() -> None:
    async def script(it: Scene) -> None:
        count = 2 * AT_ONCE + 1
        it.store(*range(1, count + 1))
        it.queue.committed(count)
        sizes = [len(await it.turn()) for _ in range(4)]
        assert sizes == [AT_ONCE, 2 * AT_ONCE, count, count]
        assert it.left == [b"%d" % seq for seq in range(1, count + 1)]

    scene(script)


def test_messages_to_very_many_receivers_leave_one_in_each_turn() -> None:
    async def script(it: Scene) -> None:
        it.costs = STEPS
        it.store(1, 2, 3)
        it.queue.committed(3)
        assert [len(await it.turn()) for _ in range(3)] == [1, 2, 3]

    scene(script)
