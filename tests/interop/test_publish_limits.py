"""Limits of publishing, as clients, operators and monitoring meet them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from tests.support import jetstream
from tests.support.deadline import PATIENCE_S, Deadline, wait_until_async
from tests.support.process import PYNATS, ServerProcess

CONFIG = """
jetstream { store_dir: "@FOLDER@/js" }
accounts {
  ALL {
    jetstream: enabled
    limits { max_publish_rate: 400 }
    users [ { user: a, password: p }, { user: b, password: p } ]
  }
  EACH {
    default_limits { max_publish_rate: 10, publish_limit_action: refuse }
    users [
      { user: c, password: p }
      { user: d, password: p, limits { max_publish_bytes: 4000 } }
      { user: e, password: p, limits { max_publish_rate: -1 } }
    ]
  }
}
"""

CLIENTS: list[Client] = []  # of the scene


def play(folder: Path, scene: Callable[[ServerProcess], Awaitable[None]]) -> None:
    async def run(server: ServerProcess) -> None:
        try:
            await scene(server)
        finally:
            for client in CLIENTS:
                await client.close()
            CLIENTS.clear()

    with ServerProcess(PYNATS, folder, CONFIG, monitor=True) as server:
        asyncio.run(run(server))


async def connect(server: ServerProcess, user: str, errors: list[str] | None = None) -> Client:
    async def note(error: Exception) -> None:
        if errors is not None:
            errors.append(str(error))

    url = f"nats://127.0.0.1:{server.port}"
    options = {"user": user, "password": "p", "error_cb": note, "allow_reconnect": False}
    CLIENTS.append(await jetstream.connect(url, **options))
    return CLIENTS[-1]


def varz(server: ServerProcess) -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.monitor_url}/varz", timeout=PATIENCE_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def connections(server: ServerProcess) -> dict[str, dict[str, Any]]:
    url = f"{server.monitor_url}/connz?auth=1&state=all"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return {each["authorized_user"]: each for each in json.load(answer)["connections"]}


def test_a_client_that_is_reset_while_it_waits_is_gone(tmp_path: Path) -> None:
    async def scene(server: ServerProcess) -> None:
        for _ in range(3):
            peer = socket.create_connection(("127.0.0.1", server.port))
            peer.sendall(b'CONNECT {"verbose":false,"user":"b","pass":"p"}\r\n')
            peer.sendall(b"PUB x 0\r\n\r\n" * 4000)
            await wait_until_async(
                lambda: connections(server).get("b", {}).get("publish_throttled"), "the limit"
            )
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        await wait_until_async(lambda: varz(server)["connections"] == 0, "their end")

    play(tmp_path, scene)


def test_an_account_never_passes_more_than_its_rate_and_loses_nothing(tmp_path: Path) -> None:
    async def scene(server: ServerProcess) -> None:
        begun = time.monotonic()
        taker = await connect(server, "a")
        givers = [await connect(server, "a"), await connect(server, "b")]
        arrived: list[tuple[float, bytes]] = []

        async def note(message: Any) -> None:
            arrived.append((time.monotonic() - begun, message.data))

        await taker.subscribe("x", cb=note)
        await taker.flush()
        for number in range(500):
            for who, giver in enumerate(givers):
                await giver.publish("x", b"%d %d" % (who, number))
        await asyncio.gather(*(giver.flush(PATIENCE_S) for giver in givers))
        await wait_until_async(lambda: len(arrived) == 1000, "all messages", PATIENCE_S)
        for count, (elapsed, _) in enumerate(arrived, 1):
            assert count <= 400 * elapsed + 400
        for who in range(2):
            mine = [data for _, data in arrived if data.startswith(b"%d " % who)]
            assert mine == [b"%d %d" % (who, number) for number in range(500)]
        shown = connections(server)
        assert shown["b"]["publish_throttled"] > 0
        assert "publish_refused" not in shown["b"]
        await wait_until_async(lambda: "messages are held back" in server.log(), "the warning")
        with urllib.request.urlopen(f"{server.monitor_url}/metrics", timeout=PATIENCE_S) as answer:
            metrics = answer.read().decode()
        found = re.findall(r'account_publish_throttles_total\{account="ALL"\} (\d+)', metrics)
        assert found and int(found[0]) > 0
        assert 'account_publish_throttles_total{account="EACH"}' not in metrics

    play(tmp_path, scene)


def test_what_a_stream_stores_counts_and_is_all_there(tmp_path: Path) -> None:
    async def scene(server: ServerProcess) -> None:
        client = await connect(server, "a")
        stream = client.jetstream(timeout=PATIENCE_S)
        await stream.add_stream(name="S", subjects=["s.>"])
        await asyncio.gather(*(stream.publish(f"s.{n}", b"x") for n in range(600)))
        assert connections(server)["a"]["publish_throttled"] > 0
        info = await stream.stream_info("S")
        assert info.state.messages == 600

    play(tmp_path, scene)


def test_refused_messages_are_named_and_leave_the_connection_alone(tmp_path: Path) -> None:
    async def scene(server: ServerProcess) -> None:
        errors: list[str] = []
        client = await connect(server, "c", errors)
        for _ in range(100):
            await client.publish("x", b"")
        await client.flush(PATIENCE_S)
        await wait_until_async(lambda: bool(errors), "an error", PATIENCE_S)
        assert 'permissions violation for publish to "x", publish rate exceeded' in errors[0]
        refused = connections(server)["c"]["publish_refused"]
        assert 0 < refused <= 90
        more: list[str] = []
        unlimited = await connect(server, "e", more)

        async def answer(message: Any) -> None:
            await message.respond(b"")

        await unlimited.subscribe("ask", cb=answer)
        await unlimited.flush(PATIENCE_S)
        replies = await client.subscribe("in")
        met, deadline = set(), Deadline()
        while len(met) < 2:
            deadline.check("an answer and a refusal")
            await client.publish("ask", b"", reply="in")
            reply = await replies.next_msg(PATIENCE_S)
            met.add((reply.headers or {}).get("Description", "an answer"))
        assert met == {"an answer", "Publish Rate Exceeded"}
        assert client.is_connected
        for _ in range(1000):
            await unlimited.publish("x", b"")
        await unlimited.flush(PATIENCE_S)
        assert more == []
        assert "publish_refused" not in connections(server)["e"]

    play(tmp_path, scene)


def test_a_reload_changes_what_those_may_who_wait(tmp_path: Path) -> None:
    async def scene(server: ServerProcess) -> None:
        client = await connect(server, "d")
        for _ in range(40):
            await client.publish("x", b"y" * 1000)
        flushed = asyncio.create_task(client.flush(PATIENCE_S))
        await wait_until_async(
            lambda: "publish_throttled" in connections(server)["d"], "being throttled", PATIENCE_S
        )
        changed = CONFIG.replace("max_publish_bytes: 4000", "max_publish_bytes: 1GB")
        assert await asyncio.to_thread(server.reload, changed)
        await flushed
        throttled = connections(server)["d"]["publish_throttled"]
        for _ in range(40):
            await client.publish("x", b"y" * 1000)
        await client.flush(PATIENCE_S)
        assert connections(server)["d"]["publish_throttled"] == throttled
        changed = CONFIG.replace("max_publish_rate: 400", "")
        assert await asyncio.to_thread(server.reload, changed)
        everybody = await connect(server, "a")
        for _ in range(2000):
            await everybody.publish("x", b"")
        await everybody.flush(PATIENCE_S)
        assert "publish_throttled" not in connections(server)["a"]

    play(tmp_path, scene)
