"""The resolver that asks a web server, and web servers that answer strangely."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pynats_server.options import ResolverOptions
from pynats_server.resolver.base import TOKEN_MAX, ResolverError
from pynats_server.resolver.making import make_resolver
from pynats_server.resolver.url import UrlResolver, shown

from tests.support.account_jwts import Lines, NoPeers, account_token, key
from tests.support.on_loop import on_loop

A, B = key("a"), key("b")
PATIENCE_S = 30.0


class Web:
    """A web server: what it says for the last part of a path, as bytes. None = nothing, ever."""

    def __init__(self) -> None:
        self.says: dict[str, bytes | None] = {"": ok("hello")}
        self.asked: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwt/v1/accounts/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        path = head.split(b" ")[1].decode()
        says = self.says.get(path.rpartition("/")[2], status("404 Not Found"))
        if says is None:
            await reader.read()
        else:
            writer.write(says)
        writer.close()


def ok(body: str) -> bytes:
    return status("200 OK", body)


def status(line: str, body: str = "", header: str = "") -> bytes:
    head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\n{header}\r\n"
    return head.encode() + body.encode()


def to(place: str) -> bytes:
    return status("302 Found", header=f"Location: {place}\r\n")


@asynccontextmanager
async def web() -> AsyncIterator[Web]:
    found = Web()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@asynccontextmanager
async def resolving(url: str, timeout_s: float = PATIENCE_S) -> AsyncIterator[UrlResolver]:
    resolver = UrlResolver(url, timeout_s=timeout_s)
    try:
        yield resolver
    finally:
        await resolver.stop()


@on_loop
async def test_an_account_is_asked_for() -> None:
    async with web() as server, resolving(server.url[:-1]) as resolver:
        await resolver.start()
        server.says[A] = ok(account_token("a") + "\n")
        assert await resolver.fetch(A) == account_token("a")
        assert resolver.known(A) is None
        starts = [head.split(b" HTTP")[0] for head in server.asked]
        assert starts == [
            b"GET /jwt/v1/accounts/",
            f"GET /jwt/v1/accounts/{A}".encode(),
        ]


@on_loop
async def test_only_keys_of_accounts_are_asked_for() -> None:
    async with web() as server, resolving(server.url) as resolver:
        for account in ("", "../x", "a?b", A[:-1], f"{A}\r\nX: y"):
            with pytest.raises(ResolverError, match="account missing"):
                await resolver.fetch(account)
        assert server.asked == []


@pytest.mark.parametrize(
    ("says", "fault"),
    [
        (status("404 Not Found", "nope"), "404 Not Found"),
        (status("500 Internal Server Error"), "500 Internal Server Error"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204 No Content"),
        (to("/elsewhere"), "404 Not Found"),
        (to("ftp://127.0.0.1/"), 'unsupported protocol scheme "ftp"'),
        (to("//[bad"), "Invalid IPv6 URL"),
        (b"SSH-2.0-x\r\n\r\n", "no HTTP: illegal status line"),
        (b"", "EOF"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "no HTTP: peer closed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 17), "no HTTP: Receive buffer too long"),
        (ok("x" * (TOKEN_MAX + 1)), f"the answer is longer than {TOKEN_MAX} bytes"),
    ],
)
def test_answers_that_are_none(says: bytes, fault: str) -> None:
    @on_loop
    async def play() -> None:
        async with web() as server, resolving(server.url) as resolver:
            server.says = {"": says}
            with pytest.raises(ResolverError) as error:
                await resolver.start()
            assert f'could not fetch <"{server.url}">: {fault}' in str(error.value)

    play()


@on_loop
async def test_redirects_are_followed_up_to_a_point() -> None:
    async with web() as server, resolving(server.url) as resolver:
        server.says |= {A: to("/x/E"), "E": to(f"http://127.0.0.1:{server.port}/F"), "F": ok("T")}
        assert await resolver.fetch(A) == "T"
        server.says[B] = to(B)
        with pytest.raises(ResolverError, match="stopped after 10 redirects"):
            await resolver.fetch(B)
        assert len(server.asked) == 3 + 11


@on_loop
async def test_a_slow_answer_is_not_waited_for() -> None:
    async with web() as server, resolving(server.url, 0.02) as resolver:
        server.says[A] = None
        with pytest.raises(ResolverError, match="context deadline exceeded"):
            await resolver.fetch(A)


@on_loop
async def test_nobody_is_there() -> None:
    async with web() as server:
        url = server.url
    async with resolving(url) as resolver:
        with pytest.raises(ResolverError, match="connection refused"):
            await resolver.start()
    async with resolving(url.replace("http", "gopher")) as resolver:
        with pytest.raises(ResolverError, match='unsupported protocol scheme "gopher"'):
            await resolver.start()


@on_loop
async def test_those_who_need_the_same_account_wait_together() -> None:
    async with web() as server, resolving(server.url) as resolver:
        server.says[A] = ok("T")
        assert set(await asyncio.gather(*(resolver.fetch(A) for _ in range(20)))) == {"T"}
        assert len(server.asked) == 1


@on_loop
async def test_a_name_and_password_are_sent_and_not_told() -> None:
    async with web() as server:
        url = server.url.replace("http://", "http://me:se%20cret@")
        async with resolving(url) as resolver:
            await resolver.start()
            wanted = b"Basic " + base64.b64encode(b"me:se cret")
            assert b"authorization: " + wanted.lower() in server.asked[0].lower()
            server.says[A] = status("401 Unauthorized")
            with pytest.raises(ResolverError) as error:
                await resolver.fetch(A)
            assert "me:xxxxx@" in str(error.value)
            assert "cret" not in str(error.value)


def test_what_is_shown_of_a_url() -> None:
    cases: Callable[[str], str] = shown
    assert cases("http://a/b") == "http://a/b"
    assert cases("http://u:p@a/b") == "http://u:xxxxx@a/b"
    assert cases("http://[bad") == "http://[bad"


def test_a_web_server_is_given_nothing() -> None:
    options = ResolverOptions(kind="url", url="http://127.0.0.1/", preload={A: "x"})
    with pytest.raises(ResolverError, match="only available for writeable resolver types"):
        make_resolver(options, str, NoPeers(), Lines())
