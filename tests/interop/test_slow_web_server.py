"""A web server that is slow, or says strange things, about the accounts of clients who come."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from nats.errors import Error
from pynats_common.nkeys import Prefix
from pynats_server import Options, Server
from pynats_server.options import OperatorOptions, ResolverOptions
from pynats_server.resolver.lookups import EACH

from tests.conformance.resolver.servers import by_jwt, connected
from tests.support.account_jwts import SYSTEM, account_token, key, operator_token, pair
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

USER = pair("user", Prefix.USER)
TIMEOUT_S = 0.5


class Web:
    """Says what `texts` has of an account; never answers for other accounts that are `slow`."""

    def __init__(self) -> None:
        self.texts = {key(name): account_token(name) for name in "abc"}
        self.texts[SYSTEM.public_key] = account_token(SYSTEM)
        self.slow = False
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        account = head.split(b" ")[1].decode().rpartition("/")[2]
        self.asked.append(account)
        if account.startswith("to-"):
            account = account.removeprefix("to-")
        elif account == key("moved"):
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /to-%b\r\nContent-Length: 0\r\n\r\n"
                         % account.encode())  # fmt: skip
            writer.close()
            return
        text = self.texts.get(account, "")
        if account and not text and self.slow:
            await reader.read()
        status = "200 OK" if text or not account else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()


@asynccontextmanager
async def serving(web: Web) -> AsyncIterator[Server]:
    there = await asyncio.start_server(web.serve, "127.0.0.1", 0)
    port = there.sockets[0].getsockname()[1]
    resolver = ResolverOptions("url", url=f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S)
    options = Options(
        host="127.0.0.1", port=-1, operator=OperatorOptions(tokens=[operator_token()]),
        resolver=resolver,
    )  # fmt: skip
    async with there, Server(options, log=None) as server:
        yield server


async def come(server: Server, name: str) -> None:
    async with connected(server.client_port, **by_jwt(USER, pair(name))):
        pass


@on_loop
async def test_a_slow_answer_is_a_refusal_and_holds_up_nobody() -> None:
    web = Web()
    web.slow = True
    async with serving(web) as server:
        begun = time.monotonic()
        slow = asyncio.ensure_future(come(server, "nobody"))
        await wait_until_async(lambda: key("nobody") in web.asked, "the look-up")
        await come(server, "a")
        assert not slow.done() or time.monotonic() > begun + TIMEOUT_S
        with pytest.raises(Error, match="Authorization Violation"):
            await slow
        assert time.monotonic() >= begun + TIMEOUT_S


@on_loop
async def test_answers_are_kept_and_strange_ones_refuse() -> None:
    web = Web()
    web.texts[key("other")] = account_token("a")
    web.texts[key("html")] = "<html>no</html>"
    web.texts[key("moved")] = account_token("moved")
    async with serving(web) as server:
        for _ in range(3):
            await come(server, "a")
            await come(server, "moved")
        assert web.asked.count(key("a")) == web.asked.count(key("moved")) == 1
        for name in ("missing", "other", "html"):
            with pytest.raises(Error, match="Authorization Violation"):
                await come(server, name)


@on_loop
async def test_a_flood_from_one_address_waits_in_its_own_turn() -> None:
    """All that is asked for one address is slow: whoever comes from another one is let in."""
    web = Web()
    web.slow = True
    async with serving(web) as server:
        flood = [asyncio.ensure_future(come(server, f"none {number}")) for number in range(EACH)]
        await wait_until_async(lambda: len(web.asked) > EACH, "the flood")
        assert server.state.claimed is not None
        await server.state.claimed.load(key("b"), "10.0.0.1")
        here = asyncio.ensure_future(come(server, "c"))
        answers = await asyncio.gather(*flood, here, return_exceptions=True)
        assert answers[-1] is None  # in its turn
        assert all("Authorization Violation" in str(each) for each in answers[:-1])
        assert web.asked.count(key("b")) == 1


def test_the_usual_times() -> None:
    """1.9 s for a look-up, and 2 s for a log-in: those who wait for an account are refused by the
    first."""
    assert ResolverOptions().timeout == 1.9
    assert Options().auth_timeout == 2.0
    own = dataclasses.replace(Options().authorization, timeout=0.25)
    assert Options(authorization=own).auth_timeout == 0.25
