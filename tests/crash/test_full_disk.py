"""A full disk: publishes get the API's error, everything else works, and publishing resumes when
there is room. The process's file size limit simulates the full disk (EFBIG is treated like
ENOSPC)."""

from __future__ import annotations

import asyncio
import json
import resource
from pathlib import Path

from test_kill_under_load import Broker

from tests.support.jetstream import connect

LIMIT = 256 * 1024
BODY = b"x" * 4000


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "store", tmp_path / "log")
    unlimited = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)

    async def run() -> tuple[int, int]:
        client = await connect(f"nats://127.0.0.1:{broker.port}")
        request = json.dumps({"name": "S", "subjects": ["s"]}).encode()
        await client.request("$JS.API.STREAM.CREATE.S", request)
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (LIMIT, unlimited[1]))
        kept, refusals = 0, 0
        for _ in range(200):
            ack = json.loads((await client.request("s", BODY)).data)
            if "error" in ack:
                assert ack["error"]["err_code"] == 10047, ack
                assert ack["seq"] == 0
                refusals += 1
            else:
                kept = ack["seq"]
        assert refusals > 50
        state = json.loads((await client.request("$JS.API.STREAM.INFO.S", b"")).data)["state"]
        assert state["messages"] == state["last_seq"] == kept
        read = await client.request("$JS.API.STREAM.MSG.GET.S", json.dumps({"seq": kept}).encode())
        assert "error" not in json.loads(read.data)
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, unlimited)
        ack = json.loads((await client.request("s", BODY)).data)
        assert ack == {"stream": "S", "seq": kept + 1}
        await client.close()
        return kept, refusals

    kept, _ = asyncio.run(run())
    broker.kill()
    again = Broker(tmp_path / "store", tmp_path / "log")

    async def check() -> None:
        client = await connect(f"nats://127.0.0.1:{again.port}")
        state = json.loads((await client.request("$JS.API.STREAM.INFO.S", b"")).data)["state"]
        assert state["messages"] == kept + 1
        await client.close()

    asyncio.run(check())
    again.stop()
