"""The monitoring listener in front of a real server: limits, bad requests, base path, metrics."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.monitor import connz
from pynats_server.monitor.endpoints import Endpoints
from pynats_server.monitor.serving import farewell, http, listener, long_answers
from pynats_server.options import Authorization, LogOptions, Options
from pynats_server.server.server import Server, ServerError

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.exposition import series_of
from tests.support.fuzzing import examples
from tests.support.monitoring import HOST, connect, exchange, get, serve


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
    monkeypatch.setattr(http, "HEADER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(http, "IDLE_TIMEOUT_S", 0.2)

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

        @asynccontextmanager
        async def wait(*_: object) -> AsyncIterator[http.Response]:
            asked.release()
            await answer.wait()
            yield http.Response.text(200, "done")

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
        few = series_of((await get(server, "/metrics"))[1].decode())
        clients = [await connect(server, b"SUB a 1\r\nPUB a 2\r\nhi\r\n") for _ in range(20)]
        many = series_of((await get(server, "/metrics"))[1].decode())
        assert many.keys() - few.keys() == {'log_ins_total{method="none"}'}
        assert many["connections"] == many["received_messages_total"] == 20
        # Besides those that every account has of the system account.
        name = 'account_subscriptions{account="$G"}'
        assert many[name] - few[name] == 20
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
        path = f"/subsz?acc=$G&subs=1&offset=10&limit={count}"
        page = json.loads((await get(server, path))[1])
        own = [entry for entry in page["subscriptions_list"] if entry["cid"]]
        others = page["total"] - count  # which come behind those of clients
        assert (len(own), len(page["subscriptions_list"])) == (count - 10, count - 10 + others)
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
        await wait_until_async(lambda: server.state.closed_clients, "the end of the client")
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


async def open_slow_reader(server: Server) -> socket.socket:
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", server.http_port))
    return peer


def many_subscriptions(count: int) -> bytes:
    return b"".join(b"SUB s.%d %d\r\n" % (i, i) for i in range(count))


def count_descriptions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made = [0]
    describe = connz.describe_subscription

    def counted(*arguments: Any) -> Any:
        made[0] += 1
        return describe(*arguments)

    monkeypatch.setattr(connz, "describe_subscription", counted)
    return made


DETAILS = b"GET /connz?subs=detail HTTP/1.1\r\n" + HOST + b"\r\n"


def test_an_answer_is_made_as_far_as_it_is_read_and_the_next_one_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 60_000  # some MB: more than the system's buffers hold

    async def scenario(server: Server) -> None:
        made = count_descriptions(monkeypatch)
        client = await connect(server, many_subscriptions(count))
        peer = await open_slow_reader(server)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(peer, DETAILS * 20)
        before = -1
        while before != made[0]:  # it comes to a halt
            before = made[0]
            await wait_until_async(lambda: not server.state.turns.jobs, "the made part")
            for _ in range(20):
                await next_turn()
        assert 0 < made[0] < count
        answers = 0
        tail = b""
        while answers < 2:
            data = await asyncio.wait_for(loop.sock_recv(peer, 1 << 20), PATIENCE_S)
            answers += (tail + data).count(b"\r\n0\r\n\r\n") - tail.count(b"\r\n0\r\n\r\n")
            tail = data[-8:]
        assert made[0] >= 2 * count
        peer.close()
        client.close()

    serve(tmp_path, scenario)


def test_peers_that_do_not_read_keep_nobody_from_being_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_answers, "STUCK_S", 0.05)
    monkeypatch.setattr(long_answers, "LOOK_S", 0.01)
    count = 60_000

    async def scenario(server: Server) -> None:
        client = await connect(server, many_subscriptions(count))
        loop = asyncio.get_running_loop()
        peers = [await open_slow_reader(server) for _ in range(3 * long_answers.AT_ONCE)]
        for peer in peers:
            await loop.sock_sendall(peer, DETAILS * 2)
        status, body = await get(server, "/connz")
        assert (status, json.loads(body)["num_connections"]) == (200, 1)
        assert (await get(server, "/varz"))[0] == 200
        for peer in peers:
            peer.close()
        client.close()

    serve(tmp_path, scenario)


def test_shutting_down_does_not_wait_for_peers_that_do_not_read(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        client = await connect(server, many_subscriptions(60_000))
        peer = await open_slow_reader(server)
        try:
            await asyncio.get_running_loop().sock_sendall(peer, DETAILS * 2)
            guests = guests_of(server)
            await wait_until_async(
                lambda: any(guest.peer and guest.peer.stuck_since for guest in guests.values()),
                "an answer that is not read",
            )
            await asyncio.wait_for(server.shutdown(), PATIENCE_S)
        finally:
            peer.close()
            client.close()

    serve(tmp_path, scenario)


def guests_of(server: Server) -> dict[asyncio.Task[None], listener._Guest]:
    assert server._monitor is not None
    return server._monitor._guests


@pytest.mark.parametrize("ends_by", ["itself", "making room"])
def test_a_connection_whose_last_answer_is_not_read_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_by: str
) -> None:
    async def answers(peer: http.Peer) -> None:
        peer._writer.write(bytes(16 << 20))  # more than the system's buffers hold
        if ends_by == "making room":
            await peer._reader.read()  # as one that is idle

    monkeypatch.setattr(farewell, "FAREWELL_S", 0.05 if ends_by == "itself" else 3 * PATIENCE_S)
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 1)

    async def scenario(server: Server) -> None:
        assert (await get(server, "/healthz"))[0] == 200
        await wait_until_async(lambda: not guests_of(server), "the end of the first")
        with monkeypatch.context() as patched:
            patched.setattr(http.Peer, "serve", answers)
            peer = await open_slow_reader(server)
            await wait_until_async(lambda: bool(guests_of(server)), "the peer")
            (task,) = guests_of(server)
            guest = guests_of(server)[task]
            await wait_until_async(
                lambda: task.done() or guest.writer.transport.get_write_buffer_size() > 0,
                "its answer",
            )
        try:
            if ends_by == "making room":
                assert (await get(server, "/healthz"))[0] == 200
            await wait_until_async(task.done, "the end of the connection")
        finally:
            peer.close()

    serve(tmp_path, scenario)


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connections_cut_in_the_middle_of_anything_leave_no_traceback(
    tmp_path: Path, factory: Callable[[], asyncio.AbstractEventLoop],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 8)
    unfinished = (b"", b"GET /va", b"GET /varz HTTP/1.1\r\nHost: x\r\nX: ", DETAILS, DETAILS * 3,
                  b"GET /varz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")  # fmt: skip
    problems: list[dict[str, Any]] = []
    log = tmp_path / "log"

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context))
        options = Options(host="127.0.0.1", port=-1, http_port=-1, log=LogOptions(log_file=log))
        async with Server(options) as server:
            client = await connect(
                server, b"".join(b"SUB s.%d %d\r\n" % (i, i) for i in range(999))
            )
            await get(server, "/varz")
            peers = []
            for number in range(60):
                peer = await open_slow_reader(server)
                await loop.sock_sendall(peer, unfinished[number % len(unfinished)])
                peers.append(peer)
                await next_turn()
                if number % 2:  # a reset instead of an end
                    linger = struct.pack("ii", 1, 0)
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if number > 10:
                    peers.pop(number % 7).close()
            for peer in peers:
                peer.close()
            await wait_until_async(lambda: not guests_of(server), "their ends")
            assert (await get(server, "/varz"))[0] == 200
            client.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(scenario())
    assert problems == []
    text = log.read_text()
    assert "Traceback" not in text
    assert "failed" not in text


def test_pages_of_subscriptions_join_to_the_whole(tmp_path: Path) -> None:
    """Those of clients, and of the server itself behind them."""

    async def scenario(server: Server) -> None:
        account = server.state.global_account
        for number in range(700):
            account.subscribe(b"own.%d.*" % number, print)
        clients = [await connect(server, b"SUB a 1\r\nSUB b.* 2\r\nSUB c q 3\r\n") for _ in "xyz"]
        found: list[dict[str, Any]] = []
        for offset in range(0, 900, 50):
            _, body = await get(server, f"/subsz?acc=$G&subs=1&offset={offset}&limit=50")
            page = json.loads(body)
            assert page["total"] == account.sublist.count
            found += page.get("subscriptions_list", [])
        assert len(found) == page["total"]
        assert sorted(entry["sid"] for entry in found[:9]) == sorted("123" * 3)
        own = {entry["subject"] for entry in found[9:] if entry["subject"].startswith("own.")}
        assert len(own) == 700
        for client in clients:
            client.close()

    serve(tmp_path, scenario)
