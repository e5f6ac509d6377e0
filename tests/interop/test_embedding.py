"""The embedded server, used like in an application's tests, with nats-py."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import nats.errors
import pytest
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_server import (
    Authorization,
    JetStreamOptions,
    Options,
    Server,
    ServerError,
    ThreadedServer,
)

from tests.support import jetstream
from tests.support.deadline import PATIENCE_S, next_turn

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
Scenario = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Runs a scenario on each kind of loop; an error that the loop reports fails the test."""

    def run_scenario(scenario: Scenario) -> None:
        complaints: list[dict[str, Any]] = []

        async def limited() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, c: complaints.append(c))
            await asyncio.wait_for(scenario(), PATIENCE_S)

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(limited())
        assert complaints == []

    return run_scenario


def embedded(**settings: Any) -> Server:
    return Server(Options(host="127.0.0.1", port=-1, **settings))


async def connect(url: str, **settings: Any) -> Client:
    return await jetstream.connect(url, allow_reconnect=False, **settings)


def test_publish_and_subscribe(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with embedded() as server:
            nc = await connect(server.client_url)
            sub = await nc.subscribe("orders.*")
            await nc.publish("orders.new", b"1", headers={"Kind": "first"})
            await nc.publish("bills.new", b"not for us")
            await nc.publish("orders.old", b"")
            first, second = await sub.next_msg(PATIENCE_S), await sub.next_msg(PATIENCE_S)
            assert (first.subject, first.data, first.headers) == (
                "orders.new",
                b"1",
                {"Kind": "first"},
            )
            assert (second.subject, second.data, second.headers) == ("orders.old", b"", None)
            await nc.close()

    run(scenario)


def test_request_and_no_responders(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with embedded() as server:
            nc = await connect(server.client_url)

            async def double(msg: Msg) -> None:
                await msg.respond(msg.data * 2)

            await nc.subscribe("double", cb=double)
            replies = await asyncio.gather(*(nc.request("double", b"%d" % n) for n in range(50)))
            assert [reply.data for reply in replies] == [b"%d" % n * 2 for n in range(50)]
            with pytest.raises(nats.errors.NoRespondersError):
                await nc.request("nobody", b"")
            await nc.close()

    run(scenario)


def test_queue_group_shares_the_messages(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with embedded() as server:
            worked: list[list[bytes]] = [[], [], []]
            clients = [await connect(server.client_url) for _ in worked]
            for client, done in zip(clients, worked, strict=True):

                async def work(msg: Msg, done: list[bytes] = done) -> None:
                    done.append(msg.data)

                await client.subscribe("jobs", queue="workers", cb=work)
                await client.flush()
            jobs = [b"%d" % n for n in range(300)]
            for job in jobs:
                await clients[0].publish("jobs", job)
            await clients[0].flush()
            for client in clients:
                await client.drain()
            assert sorted(itertools.chain(*worked)) == sorted(jobs)
            assert all(worked)

    run(scenario)


def test_drain_delivers_what_was_on_its_way(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with embedded() as server:
            sender, receiver = await connect(server.client_url), await connect(server.client_url)
            own = server.state.global_account.sublist.count  # what every used account imports
            received: list[bytes] = []

            async def slow(msg: Msg) -> None:
                await next_turn()
                received.append(msg.data)

            await receiver.subscribe("feed", cb=slow)
            await receiver.flush()
            sent = [b"%d" % n for n in range(500)]
            for data in sent:
                await sender.publish("feed", data)
            await sender.flush()
            await receiver.drain()
            assert received == sent
            await sender.publish("feed", b"too late")
            await sender.flush()
            assert server.state.global_account.sublist.count == own
            await sender.close()

    run(scenario)


def test_servers_in_one_process_know_nothing_of_each_other(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario() -> None:
        async with embedded() as one, embedded() as two, embedded() as three:
            servers = [one, two, three]
            assert len({server.client_port for server in servers}) == 3
            assert len({server.id for server in servers}) == 3
            clients = [await connect(server.client_url) for server in servers]
            subs = [await client.subscribe("x") for client in clients]
            for number, client in enumerate(clients):
                await client.publish("x", b"%d" % number)
                await client.flush()
            for number, sub in enumerate(subs):
                assert (await sub.next_msg(PATIENCE_S)).data == b"%d" % number
                assert sub.pending_msgs == 0
            await one.shutdown()
            await clients[1].publish("x", b"still here")
            assert (await subs[1].next_msg(PATIENCE_S)).data == b"still here"
            for client in clients:
                await client.close()

    run(scenario)


def _open_sockets() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue  # the descriptor of the listing itself
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_shutdown_leaves_nothing_behind(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        gc.collect()
        sockets, tasks = _open_sockets(), asyncio.all_tasks()
        server = embedded(
            http_host="127.0.0.1",
            http_port=-1,
            pid_file=tmp_path / "pid",
            ports_file_dir=tmp_path,
        )
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            await reader.readline()
            writer.write(b'CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n')
            assert b"PONG" in await reader.readline()
            assert len(list(tmp_path.iterdir())) == 2
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        await next_turn()
        assert list(tmp_path.iterdir()) == []
        assert asyncio.all_tasks() == tasks
        gc.collect()
        assert _open_sockets() == sockets

    run(scenario)


def test_a_store_folder_that_cannot_be_used_is_named(
    run: Callable[[Scenario], None], tmp_path: Path
) -> None:
    def with_store(folder: Path) -> Server:
        return embedded(jetstream=JetStreamOptions(enabled=True, store_dir=folder))

    async def scenario() -> None:
        async with with_store(tmp_path):
            with pytest.raises(ServerError) as taken:
                await with_store(tmp_path).start()
        place = tmp_path / "jetstream"
        assert str(taken.value) == f"Can't start JetStream: {place} is in use by another server"
        async with with_store(tmp_path):  # the first one has let it go
            pass
        (tmp_path / "file").touch()
        with pytest.raises(ServerError) as no_folder:
            await with_store(tmp_path / "file").start()
        place = tmp_path / "file" / "jetstream"
        assert str(no_folder.value) == (
            f"Can't start JetStream: storage directory is not a directory: {place}: not a directory"
        )

    run(scenario)


def test_failed_start_says_why_and_leaves_nothing_open(run: Callable[[Scenario], None]) -> None:
    async def scenario() -> None:
        async with embedded() as first:
            tasks = asyncio.all_tasks()
            second = Server(Options(host="127.0.0.1", port=first.client_port))
            with pytest.raises(ServerError, match="address already in use"):
                await second.start()
            assert asyncio.all_tasks() == tasks
            await (await connect(first.client_url)).close()

    run(scenario)


def test_fixture_serves_any_loop(
    pynats_server: ThreadedServer,
    run: Callable[[Scenario], None],
) -> None:
    async def scenario() -> None:
        nc = await connect(pynats_server.client_url)
        sub = await nc.subscribe("greet")
        await nc.publish("greet", b"hello")
        assert (await sub.next_msg(PATIENCE_S)).data == b"hello"
        await nc.close()

    assert pynats_server.monitor_url.startswith("http://127.0.0.1:")
    run(scenario)


def test_fixture_factory_serves_options_of_choice(
    pynats_server_factory: Callable[[Options], ThreadedServer],
    run: Callable[[Scenario], None],
) -> None:
    authorization = Authorization(user="ann", password="secret")
    locked = pynats_server_factory(Options(host="127.0.0.1", port=-1, authorization=authorization))
    small = pynats_server_factory(Options(host="127.0.0.1", port=-1, max_payload=100))

    async def scenario() -> None:
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await connect(locked.client_url)
        nc = await connect(locked.client_url, user="ann", password="secret")
        await nc.close()
        nc = await connect(small.client_url)
        assert nc.max_payload == 100
        await nc.close()

    run(scenario)
