"""What a stream has begun ends with it, whatever was under way when it ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.store import StoreClosed
from pynats_server.work import Work

from tests.support.deadline import wait_until_async
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.on_loop import on_loop

HOUR_NS = 3600 * 10**9


@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize("leaves", [False, True])
@on_loop
async def test_a_stream_that_ends_before_its_turn_does_leaves_no_timer_and_no_job(
    tmp_path: Path, storage: str, leaves: bool
) -> None:
    """Messages of the server itself, and of mirrors and sources, are stored between two turns."""
    server = jetstream_server(tmp_path)
    await server.start()
    client = await connect(server.client_url)
    try:
        assert server.state.jetstream is not None
        account = server.state.jetstream.accounts["$G"]
        await api(client, "STREAM.CREATE.E", {
            "name": "E", "subjects": ["e"], "storage": storage, "max_age": HOUR_NS,
        })  # fmt: skip
        stream = account.streams["E"]
        account.publish(b"e", b"x")
        assert stream.store.msgs == 1
        if leaves:
            stream.leave()
        else:
            await account.delete(stream)
        assert not stream.expiry.is_armed
        assert account.usage(storage).used == 0
        await wait_until_async(lambda: not server.state.turns.jobs, "the end of all jobs")
        begun: list[str] = []

        def work() -> Work[None]:
            begun.append("work")
            yield

        stream.changes.background(work())
        refused: list[Exception | None] = []
        stream.changes.run(stream.store.purging(), lambda _, error: refused.append(error))
        assert (begun, server.state.turns.jobs) == ([], 0)
        assert [type(error) for error in refused] == [StoreClosed]
    finally:
        await client.close()
        await server.shutdown()
