"""Markers of expired messages where the stream has no room for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.stream.timed import expiry
from pynats_server.log.logger import Logger

from tests.support.deadline import wait_until_async
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.on_loop import on_loop

SECOND_NS = 10**9


@pytest.mark.parametrize("storage", ["file", "memory"])
@on_loop
async def test_messages_whose_markers_are_refused_stay_until_there_is_room(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the real server; the log says so, and not as an error of ours at every try."""
    warned: list[str] = []
    bugs: list[Exception] = []
    monkeypatch.setattr(Logger, "warn_rarely", lambda _, text: warned.append(text))
    monkeypatch.setattr(Stream, "on_internal_error", lambda _, error: bugs.append(error))
    monkeypatch.setattr(expiry, "RETRY_S", 0.02)
    server = jetstream_server(tmp_path)
    await server.start()
    client = await connect(server.client_url)
    try:
        config = {
            "name": "K", "subjects": ["k.*"], "storage": storage, "discard": "new", "max_msgs": 2,
            "max_age": SECOND_NS // 5, "duplicate_window": SECOND_NS // 10, "allow_msg_ttl": True,
            "subject_delete_marker_ttl": 3600 * SECOND_NS, "allow_rollup_hdrs": True,
        }  # fmt: skip
        assert "error" not in await api(client, "STREAM.CREATE.K", config)
        for subject in ("k.1", "k.2"):
            await client.request(subject, b"x")
        await wait_until_async(lambda: len(warned) > 2, "some tries")
        state = (await api(client, "STREAM.INFO.K"))["state"]
        assert (state["messages"], state["last_seq"]) == (2, 2)
        assert "maximum messages exceeded" in warned[0]
        assert "error" not in await api(client, "STREAM.UPDATE.K", {**config, "max_msgs": 4})
        assert server.state.jetstream is not None
        stream = server.state.jetstream.accounts["$G"].streams["K"]
        await wait_until_async(lambda: stream.store.first_seq >= 3, "the end of both")
        assert (stream.store.last_seq, bugs) == (4, [])  # two markers came
    finally:
        await client.close()
        await server.shutdown()
