"""What a stream publishes again leaves when it is durable, once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pynats_server.jetstream.stream.republish import Republished, RepublishQueue


class Scene:
    """A queue of a stream that only notes what leaves; `turn` lets one turn of the loop pass."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.complaints: list[Exception] = []
        loop = asyncio.get_running_loop()

        def publish(engine: Any, target: bytes, payload: bytes, headers: bytes) -> None:
            if target == b"bad":
                raise RuntimeError("a receiver of ours")
            self.left.append(payload)

        options = SimpleNamespace(max_buffered_msgs=3, max_buffered_size=30)
        engine = SimpleNamespace(within_turn=lambda work: work())
        stream: Any = SimpleNamespace(
            account=SimpleNamespace(
                manager=SimpleNamespace(loop=loop, engine=engine, options=options)
            ),
            ingest=SimpleNamespace(account=SimpleNamespace(publish=publish)),
            on_internal_error=self.complaints.append,
        )
        self.queue = RepublishQueue(stream)

    def store(self, *seqs: int, target: bytes = b"to") -> None:
        for seq in seqs:
            self.queue.add(Republished(seq, target, b"", b"%d" % seq))

    async def turn(self) -> list[bytes]:
        await asyncio.sleep(0)
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
        assert it.queue.is_full  # by its bytes, and by their number
        it.queue.committed(2)
        await it.turn()
        assert not it.queue.is_full
        it.queue.add(Republished(4, b"to", b"xx", b""))
        assert it.queue.is_full
        it.queue.committed(4)
        await it.turn()
        assert not it.queue.is_full

    scene(script)
