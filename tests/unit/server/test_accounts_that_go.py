"""Nothing stays of accounts that share, when a reload takes them away."""

from __future__ import annotations

import asyncio
import dataclasses
import gc

from pynats_server import Options, Server
from pynats_server.core.account import Account
from pynats_server.core.sharing.responses import Responses
from pynats_server.core.sharing.services import ServiceImport
from pynats_server.options import (
    AccountOptions,
    ServiceExport,
    StreamExport,
    StreamImport,
    User,
)
from pynats_server.options import (
    ServiceImport as Import,
)

from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

KINDS = (Account, Responses, ServiceImport)


def alive() -> list[int]:
    """How many there are of each kind."""
    gc.collect()
    objects = gc.get_objects()
    return [sum(1 for each in objects if type(each) is kind) for kind in KINDS]


@on_loop
async def test_nothing_stays_of_accounts_that_share() -> None:
    exporting = AccountOptions(
        users=[User("a", "p")],
        service_exports=[ServiceExport("ask")],
        stream_exports=[StreamExport("tell")],
    )
    importing = AccountOptions(
        users=[User("b", "p")],
        service_imports=[Import("A", "ask")],
        stream_imports=[StreamImport("A", "tell")],
    )
    none = Options(host="127.0.0.1", port=-1, accounts={"$SYS": AccountOptions()})
    both = {"$SYS": AccountOptions(), "A": exporting, "B": importing}
    async with Server(none, log=None) as server:
        before = alive()
        for _ in range(3):
            for accounts in both, none.accounts:
                given = dataclasses.replace(server.options, accounts=accounts)
                server.load_options = lambda given=given: given
                assert server.reload()
                if accounts is both:
                    assert alive() > before
                    await use(server)
        await wait_until_async(lambda: alive() == before, "nothing more than before")


async def use(server: Server) -> None:
    """A client of B asks, and gets an answer of one of A."""
    asker = await connected(server, "b")
    answerer = await connected(server, "a")
    answerer[1].write(b"SUB ask 1\r\nPING\r\n")
    await answerer[0].readuntil(b"PONG\r\n")
    asker[1].write(b"SUB tell 1\r\nSUB in 2\r\nPUB ask in 0\r\n\r\n")
    asked = (await answerer[0].readuntil(b"\r\n")).split()
    answerer[1].write(b"PUB %b 0\r\n\r\n" % asked[3])
    await asker[0].readuntil(b"MSG in 2")
    for _, writer in asker, answerer:
        writer.close()
    await wait_until_async(lambda: not server.state.engine.connections, "their ends")


async def connected(server: Server, user: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    writer.write(b'CONNECT {"verbose":false,"user":"%b","pass":"p"}\r\n' % user.encode())
    writer.write(b"PING\r\n")
    await reader.readuntil(b"PONG\r\n")
    return reader, writer
