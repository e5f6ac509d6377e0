"""The monitoring listener in front of a real server: limits, bad requests, base path, metrics."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.monitor import http, listener
from pynats_server.monitor.endpoints import Endpoints
from pynats_server.options import Authorization, LogOptions, Options
from pynats_server.server.server import Server, ServerError

from tests.support.fuzzing import examples

HOST = b"Host: x\r\n"


def serve(folder: Path, scenario: Callable[[Server], Awaitable[None]], **settings: Any) -> str:
    """Runs a scenario against a server; returns the log."""
    log = folder / "server.log"

    async def run() -> None:
        options = Options(
            host="127.0.0.1", port=-1, http_port=-1, log=LogOptions(log_file=log), **settings
        )
        async with Server(options) as server:
            await asyncio.wait_for(scenario(server), 30)

    asyncio.run(run())
    text = log.read_text()
    assert "Traceback" not in text
    return text


async def exchange(server: Server, data: bytes, *, end: bool = True) -> bytes:
    """Sends bytes, and returns what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def get(server: Server, path: str, headers: bytes = b"") -> tuple[int, bytes]:
    request = b"GET %s HTTP/1.1\r\n%s%sConnection: close\r\n\r\n" % (path.encode(), HOST, headers)
    head, _, body = (await exchange(server, request, end=False)).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def connect(server: Server, commands: bytes) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"pedantic":false}\r\n' + commands + b"PING\r\n")
    while await reader.readline() != b"PONG\r\n":
        pass
    return writer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n\r\n", b"501"),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"431"),
        (b"POST /varz HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n\r\n" + b"x" * 100_000,
         b"413"),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", b"400"),
        (b"GET /hea", b"400"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(tmp_path: Path, request_bytes: bytes, status: bytes) -> None:
    async def scenario(server: Server) -> None:
        answer = await exchange(server, request_bytes)
        assert answer.split()[1:2] == [status], answer[:200]
        assert (await get(server, "/healthz"))[0] == 200

    serve(tmp_path, scenario)


def test_several_requests_on_one_connection(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        one = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
        head = b"HEAD /varz HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        answer = await exchange(server, one + head + last, end=False)
        assert answer.count(b"HTTP/1.1 200 OK") == 3
        assert answer.count(b'{"status":"ok"}') == 2
        old = await exchange(server, b"GET /healthz HTTP/1.0\r\n\r\n", end=False)
        assert old.endswith(b'\r\n\r\n{"status":"ok"}')

    serve(tmp_path, scenario)


def test_a_peer_that_says_too_little_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEADER_TIMEOUT", 0.1)
    monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.2)

    async def scenario(server: Server) -> None:
        assert await exchange(server, b"", end=False) == b""
        assert b"400 Bad Request" in await exchange(server, b"GET /hea", end=False)
        idle = await exchange(server, b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", end=False)
        assert idle.endswith(b'{"status":"ok"}')

    serve(tmp_path, scenario)


def test_of_too_many_connections_the_longest_idle_one_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 2)

    async def scenario(server: Server) -> None:
        held = [await asyncio.open_connection("127.0.0.1", server.http_port) for _ in range(2)]
        request = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
        for reader, writer in reversed(held):
            writer.write(request)
            await reader.readuntil(b"}")
        assert (await get(server, "/healthz"))[0] == 200
        assert await held[1][0].read() == b""
        held[0][1].write(request)
        await held[0][0].readuntil(b"}")
        silent = [await asyncio.open_connection("127.0.0.1", server.http_port) for _ in range(20)]
        assert (await get(server, "/healthz"))[0] == 200
        for _, writer in held + silent:
            writer.close()

    serve(tmp_path, scenario)


def test_too_many_connections_are_closed_at_the_door_while_all_others_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 2)

    async def scenario(server: Server) -> None:
        asked, answer = asyncio.Semaphore(0), asyncio.Event()

        async def wait(_: Endpoints, request: http.Request) -> http.Response:
            asked.release()
            await answer.wait()
            return http.Response.text(200, "done")

        monkeypatch.setattr(Endpoints, "answer", wait)
        request = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
        held = [await asyncio.open_connection("127.0.0.1", server.http_port) for _ in range(2)]
        for _, writer in held:
            writer.write(request)
            await asked.acquire()
        assert await exchange(server, request, end=False) == b""
        answer.set()
        for reader, writer in held:
            await reader.readuntil(b"done")
            writer.close()

    serve(tmp_path, scenario)


def test_shutting_down_does_not_wait_for_open_connections(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
        writer.write(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        await reader.readuntil(b"}")
        await server.shutdown()
        assert await reader.read() == b""
        writer.close()

    serve(tmp_path, scenario)


def test_not_ready_is_unhealthy(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        server.state.ready = False
        status, body = await get(server, "/healthz?details=1")
        assert status == 500
        assert json.loads(body)["errors"][0]["type"] == "CONNECTION"
        server.state.ready = True

    serve(tmp_path, scenario)


def test_base_path(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        status, page = await get(server, "/mon")
        assert status == 200
        assert b'href="/mon/varz"' in page
        assert (await get(server, "/mon/healthz"))[0] == 200
        assert json.loads((await get(server, "/mon/varz"))[1])["http_base_path"] == "/mon/"
        for path in ("/", "/mon/", "/healthz", "/monhealthz", "/mon/nope"):
            assert (await get(server, path))[0] == 404, path

    serve(tmp_path, scenario, http_base_path="/mon/")


def test_token_is_not_shown(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        await reader.readline()
        writer.write(b'CONNECT {"auth_token":"very-secret","verbose":false}\r\nPING\r\n')
        await reader.readline()
        for path in ("/connz?auth=1&subs=detail", "/varz", "/metrics", "/stacksz"):
            body = (await get(server, path))[1]
            assert b"very-secret" not in body
        assert b"[REDACTED]" in (await get(server, "/connz?auth=1"))[1]
        writer.close()

    serve(tmp_path, scenario, authorization=Authorization(token="very-secret"))


def test_metrics_have_no_series_per_connection(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        few = (await get(server, "/metrics"))[1]
        clients = [await connect(server, b"SUB a 1\r\nPUB a 2\r\nhi\r\n") for _ in range(20)]
        many = (await get(server, "/metrics"))[1]
        assert few.count(b"\n") == many.count(b"\n")
        assert b"\nnats_server_connections 20.0\n" in many
        assert b"\nnats_server_received_messages_total 20.0\n" in many
        assert b'nats_server_account_subscriptions{account="$G"} 20.0' in many
        accept = b"Accept: application/openmetrics-text; version=1.0.0\r\n"
        assert (await get(server, "/metrics", accept))[1].endswith(b"# EOF\n")
        for client in clients:
            client.close()

    serve(tmp_path, scenario)


def test_pages_of_connections_join_to_the_whole(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        clients = [await connect(server, b"SUB s.%d 1\r\n" % i * (i + 1)) for i in range(7)]
        found: list[int] = []
        for offset in range(0, 9, 2):
            path = f"/connz?sort=start&offset={offset}&limit=2&subs=detail"
            page = json.loads((await get(server, path))[1])
            assert page["total"] == 7
            assert page["num_connections"] == len(page["connections"])
            found += [entry["cid"] for entry in page["connections"]]
        assert found == sorted(server.state.engine.connections)
        for client in clients:
            client.close()

    serve(tmp_path, scenario)


def test_many_subscriptions_of_a_connection_are_all_listed(tmp_path: Path) -> None:
    count = 3000  # several slices

    async def scenario(server: Server) -> None:
        subscriptions = b"".join(b"SUB many.%d %d\r\n" % (i, i) for i in range(count))
        client = await connect(server, subscriptions)
        listed = json.loads((await get(server, "/connz?subs=1"))[1])["connections"][0]
        assert sorted(listed["subscriptions_list"]) == sorted(f"many.{i}" for i in range(count))
        page = json.loads((await get(server, f"/subsz?subs=1&offset=10&limit={count}"))[1])
        assert (page["total"], len(page["subscriptions_list"])) == (count, count - 10)
        client.close()

    serve(tmp_path, scenario)


def test_any_request_target_is_answered(tmp_path: Path) -> None:
    targets = st.lists(
        st.sampled_from(
            ["/connz", "/subsz", "/varz", "?", "&", "=", "%", "limit", "offset", "sort", "..", "/",
             "9223372036854775807", "-1", "1e308", "%00", "%ff", "*", "http://x", ";", "cid", "x"]
        ),
        min_size=1, max_size=8,
    ).map("".join)  # fmt: skip

    async def scenario(server: Server) -> None:
        targets_seen: list[str] = []

        @settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))
        @given(targets)
        def collect(target: str) -> None:
            targets_seen.append(target)

        collect()
        for target in targets_seen:
            status, _ = await get(server, target)
            assert status in (200, 307, 400, 404), target

    log = serve(tmp_path, scenario)
    assert "failed" not in log


def test_a_port_in_use_is_named() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ServerError) as caught:
                await Server(Options(host="127.0.0.1", port=-1, http_port=port)).start()
        assert str(caught.value) == (
            "Can't start monitoring: can't listen to the monitor port: "
            f"listen tcp 127.0.0.1:{port}: bind: address already in use"
        )

    asyncio.run(scenario())


def test_closed_connections_are_found_by_account_and_user(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        client = await connect(server, b"SUB a q 1\r\nUNSUB 1 7\r\n")
        client.close()
        while not server.state.closed_clients:
            await asyncio.sleep(0.01)
        path = "/connz?state=closed&subs=detail&acc=$G&sort=uptime"
        entry = json.loads((await get(server, path))[1])["connections"][0]
        assert entry["reason"] == "Client Closed"
        assert entry["stop"] >= entry["start"]
        assert [
            (sub["subject"], sub["qgroup"], sub["max"])
            for sub in entry["subscriptions_list_detail"]
        ] == [("a", "q", 7)]
        other = json.loads((await get(server, "/connz?state=closed&acc=$SYS"))[1])
        assert (other["total"], other["connections"]) == (0, [])

    serve(tmp_path, scenario)
