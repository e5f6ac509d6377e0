"""persist_mode: a stream may ask for acknowledgements before the fsync."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pynats_server import Options, Server
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.config.validation import prepare_create
from pynats_server.jetstream.store.file.filestore import FileStore


def test_async_persistence_is_asked_for_stream_by_stream(tmp_path: Path) -> None:
    async def run() -> None:
        options = Options(host="127.0.0.1", port=-1)
        options.jetstream.enabled = True
        options.jetstream.store_dir = tmp_path
        async with Server(options) as server:
            assert server.state.jetstream is not None
            account = server.state.jetstream.accounts["$G"]
            intervals = {}
            for mode in ("", "async"):
                config = StreamConfig(name=f"S{mode}", subjects=[f"s{mode}"], persist_mode=mode)
                stream = await account.create(
                    await account.sliced(prepare_create(config, account.surroundings))
                )
                assert isinstance(stream.store, FileStore)
                intervals[mode] = stream.store.config.sync_interval_s
            assert intervals[""] == 0
            assert intervals["async"] > 0

    asyncio.run(run())
