"""Consumers know how much is before them, also with more subjects than a stream remembers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.jetstream import api, connect, jetstream_server

SUBJECTS = 6000  # a stream remembers whom 4,096 of them concern
FILTERS = ["s.1.*", "s.*.77", "s.2.>", "s.1.177", ">"]


def concerns(pattern: str, number: int) -> bool:
    """Whether a filter covers the subject of a number."""
    first, last = str(number % 10), str(number // 10)
    return {
        "s.1.*": first == "1",
        "s.*.77": last == "77",
        "s.2.>": first == "2",
        "s.1.177": (first, last) == ("1", "177"),
        ">": True,
    }[pattern]


def test_counts_stay_exact_when_subjects_are_replaced_and_removed(tmp_path: Path) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            config = {"name": "S", "subjects": ["s.>"], "max_msgs_per_subject": 1}
            await api(client, "STREAM.CREATE.S", config)
            for place, pattern in enumerate(FILTERS):
                found = {"durable_name": f"C{place}", "filter_subject": pattern}
                body = {"stream_name": "S", "config": {**found, "ack_policy": "explicit"}}
                assert "error" not in await api(client, f"CONSUMER.CREATE.S.C{place}", body)

            async def publish(numbers: range) -> None:
                for number in numbers:
                    await client.publish(f"s.{number % 10}.{number // 10}", b"x")
                await client.flush()

            async def check(live: list[int]) -> None:
                for place, pattern in enumerate(FILTERS):
                    info = await api(client, f"CONSUMER.INFO.S.C{place}")
                    expected = sum(concerns(pattern, number) for number in live)
                    assert info["num_pending"] == expected, pattern

            await publish(range(SUBJECTS))
            await check([*range(SUBJECTS)])
            await publish(range(SUBJECTS))  # each takes the place of the one before
            await check([*range(SUBJECTS)])
            live = set(range(SUBJECTS))
            for number in (5991, 771, 772, 1771, 3):
                seq = SUBJECTS + 1 + number
                await api(client, "STREAM.MSG.DELETE.S", {"seq": seq})
                live.discard(number)
                await check(sorted(live))
            await api(client, "STREAM.PURGE.S", {"filter": "s.1.*"})
            await check([number for number in live if number % 10 != 1])
            await client.close()

    asyncio.run(run())
