"""A full disk: publishes get the API's error, everything else works, and publishing resumes when
there is room. The process's file size limit simulates the full disk (EFBIG is treated like
ENOSPC)."""

from __future__ import annotations

import asyncio
import json
import resource
from pathlib import Path
from typing import Any

from pynats_server.core.protocol.headers import get
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from test_kill_under_load import Broker

from tests.support.deadline import wait_until_async
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

    kept, refusals = asyncio.run(run())
    broker.stop()
    assert 1 <= (tmp_path / "log").read_text().count("the disk is full") < refusals
    again = Broker(tmp_path / "store", tmp_path / "log")

    async def check() -> None:
        client = await connect(f"nats://127.0.0.1:{again.port}")
        state = json.loads((await client.request("$JS.API.STREAM.INFO.S", b"")).data)["state"]
        assert state["messages"] == kept + 1
        await client.close()

    asyncio.run(check())
    again.stop()


def test_followers_miss_nothing_of_a_full_disk(tmp_path: Path) -> None:
    """What a mirror and a source had taken over and the disk did not keep comes again."""
    broker = Broker(tmp_path / "store", tmp_path / "log")
    unlimited = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)

    async def run() -> int:
        client = await connect(f"nats://127.0.0.1:{broker.port}")

        async def ask(verb: str, **body: Any) -> Any:
            reply = await client.request(f"$JS.API.{verb}", json.dumps(body).encode())
            found = json.loads(reply.data)
            assert "error" not in found, found
            return found

        async def publish(count: int) -> None:
            for _ in range(count):
                reply = json.loads((await client.request("o", BODY)).data)
                assert "error" not in reply, reply

        async def refused() -> bool:
            infos = [await ask("STREAM.INFO.M"), await ask("STREAM.INFO.S")]
            told = [infos[0]["mirror"], infos[1]["sources"][0]]
            return all(one.get("error", {}).get("err_code") == 10047 for one in told)

        async def whole() -> bool:
            states = [(await ask(f"STREAM.INFO.{name}"))["state"] for name in "MS"]
            return [(s["messages"], s["last_seq"]) for s in states] == [(sent, sent)] * 2

        await ask("STREAM.CREATE.O", name="O", subjects=["o"], storage="memory")
        await ask("STREAM.CREATE.M", name="M", mirror={"name": "O"})
        await ask("STREAM.CREATE.S", name="S", sources=[{"name": "O"}])
        await publish(sent := 20)
        await wait_until_async(whole, "all of it")
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (LIMIT, unlimited[1]))
        await publish(100)
        sent += 100
        await wait_until_async(refused, "full disks")
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, unlimited)
        await wait_until_async(whole, "all of it again")
        await publish(5)
        sent += 5
        await wait_until_async(whole, "what came later")
        info = await ask("STREAM.INFO.S")
        assert (info["sources"][0]["lag"], info["sources"][0].get("error")) == (0, None)
        await client.close()
        return sent

    sent = asyncio.run(run())
    broker.kill()
    store = FileStore(FileConfig("S", tmp_path / "store/jetstream/$G/streams/S"))
    copies = [
        int((get(store.load(seq).headers, b"Nats-Stream-Source") or b"").split(b" ")[1])
        for seq, _ in store.oldest()
    ]
    assert copies == list(range(1, sent + 1))
