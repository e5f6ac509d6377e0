"""A reload reads its file in a thread: clients are served meanwhile."""

from __future__ import annotations

import asyncio
import threading

from pynats_server import Options, Server
from pynats_server.settings import SettingsError

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop


class SlowFile:
    """A configuration that is read when the test says so."""

    def __init__(self) -> None:
        self.readers: list[int] = []
        self.may_end = threading.Semaphore(0)
        self.max_payload = 0

    def load(self) -> Options:
        self.readers.append(threading.get_ident())
        assert self.may_end.acquire(timeout=PATIENCE_S)
        if not self.max_payload:
            raise SettingsError("no good")
        options = Options(host="127.0.0.1", port=-1)
        options.max_payload = self.max_payload
        return options


@on_loop
async def test_clients_are_served_while_a_configuration_is_read() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        server.load_options = file.load
        client = await connect(server.client_url)
        file.max_payload = 4321
        reloads = [asyncio.ensure_future(server.reload_aside()) for _ in range(2)]
        await wait_until_async(lambda: file.readers, "reading")
        await client.flush()
        assert server.options.max_payload != 4321
        file.may_end.release()
        assert await reloads[0] == ""
        assert server.options.max_payload == 4321
        file.may_end.release()
        assert await reloads[1] == ""  # one after the other
        assert threading.get_ident() not in file.readers
        await client.close()


@on_loop
async def test_a_wrong_file_changes_nothing_when_it_is_read_in_a_thread() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        server.load_options = file.load
        before = server.options
        file.may_end.release()
        assert await server.reload_aside() != ""
        assert server.options is before


@on_loop
async def test_a_server_that_stops_while_a_configuration_is_read_stops() -> None:
    server = Server(Options(host="127.0.0.1", port=-1))
    await server.start()
    file = SlowFile()
    file.max_payload = 4321
    server.load_options = file.load
    reload = asyncio.ensure_future(server.reload_aside())
    await wait_until_async(lambda: file.readers, "reading")
    await server.shutdown()
    file.may_end.release()
    assert await reload == "the server is not running"
