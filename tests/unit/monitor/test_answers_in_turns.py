"""Places for long monitoring answers: addresses take turns, and no place is lost."""

from __future__ import annotations

import asyncio
from typing import cast

from pynats_server.monitor.serving.http import Peer
from pynats_server.monitor.serving.long_answers import AT_ONCE, LongAnswers

from tests.support.deadline import next_turn


class Waiting:
    stuck_since = None

    def __init__(self, network: str) -> None:
        self.network = network


def peer_of(network: str) -> Peer:
    return cast(Peer, Waiting(network))


def test_many_peers_of_one_address_delay_another_by_one_answer() -> None:
    async def scenario() -> None:
        places, begun = LongAnswers(), []
        ends = [asyncio.Event() for _ in range(5 * AT_ONCE)]

        async def ask(network: str, number: int) -> None:
            peer = peer_of(network)
            async with places.place_for(peer):
                begun.append((network, number))
                await ends[number].wait()

        many = [asyncio.create_task(ask("many", number)) for number in range(4 * AT_ONCE)]
        await next_turn()
        assert begun == [("many", number) for number in range(AT_ONCE)]
        other = asyncio.create_task(ask("other", 4 * AT_ONCE))
        await next_turn()
        for number in range(2):
            ends[number].set()
            await asyncio.wait_for(many[number], 10)
            await next_turn()
        assert ("other", 4 * AT_ONCE) in begun[: AT_ONCE + 2]
        for end in ends:
            end.set()
        await asyncio.gather(*many, other)
        assert len(begun) == 4 * AT_ONCE + 1

    asyncio.run(scenario())


def test_who_leaves_before_its_turn_or_in_it_gives_its_place_to_the_next() -> None:
    async def scenario() -> None:
        places, begun, end = LongAnswers(), [], asyncio.Event()

        async def ask(number: int) -> None:
            peer = peer_of("a")
            async with places.place_for(peer):
                begun.append(number)
                await end.wait()

        tasks = [asyncio.create_task(ask(number)) for number in range(AT_ONCE + 3)]
        await next_turn()
        tasks[AT_ONCE].cancel()  # it waits
        tasks[0].cancel()  # it has begun
        tasks[AT_ONCE + 1].cancel()  # it is called up before it notices
        await asyncio.wait(tasks[:1])
        for _ in range(3):
            await next_turn()
        assert begun == [*range(AT_ONCE), AT_ONCE + 2]
        end.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not places._begun and not places._waiting and not len(places._turns)

    asyncio.run(scenario())
