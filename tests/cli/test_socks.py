"""`--socks-proxy`: servers behind a proxy, with and without a login."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from pynats_cli.connect.socks import SocksError, SocksProxy, ask_for, parse_socks_proxy

from tests.cli.conftest import Cli, url_of
from tests.support.process import ServerProcess, lasting_port
from tests.support.socks import SocksServer


def target_of(server: ServerProcess) -> tuple[str, int]:
    parts = urlsplit(url_of(server))
    assert parts.hostname is not None and parts.port is not None
    return parts.hostname, parts.port


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[SocksServer]:
    with SocksServer(target_of(server)) as running:
        yield running


@pytest.fixture
def guarded_proxy(server: ServerProcess) -> Iterator[SocksServer]:
    with SocksServer(target_of(server), "ann", "p@ss") as running:
        yield running


@pytest.mark.parametrize(
    "host, asked", [("10.9.8.7", "10.9.8.7"), ("no.such.host", "no.such.host"), ("[::7]", "::7")]
)
def test_the_proxy_finds_the_server(
    make_cli: Callable[[str], Cli], proxy: SocksServer, host: str, asked: str
) -> None:
    cli = make_cli(f"nats://{host}:4242")
    result = cli.run("rtt", "--socks-proxy", f"socks5://{proxy.address}")
    assert result.code == 0, result.err
    assert set(proxy.asked) == {(asked, 4242)}


def test_a_context_names_the_proxy_and_its_login(
    make_cli: Callable[[str], Cli], guarded_proxy: SocksServer
) -> None:
    cli = make_cli("nats://far:4242")
    address = f"socks5h://ann:p%40ss@{guarded_proxy.address}"
    shown = cli.run("context", "add", "far", "--socks-proxy", address)
    assert "p%40ss" not in shown.out
    assert cli.run("pub", "a", "b", "--context", "far").code == 0
    assert guarded_proxy.logins == [("ann", "p@ss")]


@pytest.mark.parametrize("login", ["", "ann:secret@", "eve:p%40ss@"])
def test_a_wrong_login_is_an_error_that_does_not_tell_it(
    make_cli: Callable[[str], Cli], guarded_proxy: SocksServer, login: str
) -> None:
    cli = make_cli("nats://far:4242")
    result = cli.run("pub", "a", "b", "--socks-proxy", f"socks5://{login}{guarded_proxy.address}")
    assert result.code == 1
    reason = "user or password is wrong" if login else "it asks for another login"
    assert f"socks proxy: {reason}" in result.err
    assert not login or login[:-1].partition(":")[2] not in result.err
    assert guarded_proxy.asked == []


def test_a_server_that_the_proxy_does_not_reach(make_cli: Callable[[str], Cli]) -> None:
    cli = make_cli("nats://far:4242")
    with SocksServer(("127.0.0.1", lasting_port())) as proxy:
        result = cli.run("pub", "a", "b", "--socks-proxy", f"socks5://{proxy.address}")
    assert result.code == 1
    assert "socks proxy: connection refused (tried nats://far:4242)" in result.err


def test_websockets_do_not_go_through_it(make_cli: Callable[[str], Cli]) -> None:
    result = make_cli("ws://far:80").run("rtt", "--socks-proxy", "socks5://127.0.0.1:1")
    assert result.code == 1
    assert "ws:// and wss:// cannot be reached" in result.err


def test_the_default_port_and_the_login() -> None:
    assert parse_socks_proxy("socks5://h") == SocksProxy("h", 1080)
    found = parse_socks_proxy("socks5://a%20b:c@[::1]:7")
    assert found == SocksProxy("::1", 7, "a b", "c")
    assert "a b" not in repr(found) and "'c'" not in repr(found)


@pytest.mark.parametrize(
    "text", ["h:1", "http://h", "socks5://", "socks5://h:99999", f"socks5://{'u' * 256}:p@h"]
)
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(ValueError, match=r"^socks proxy: "):
        parse_socks_proxy(text)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (b"HTTP/1.1 400", "does not speak SOCKS5"),
        (b"\5\0\5\2\0\1", "not allowed"),
        (b"\5\0\5\x63\0\1", "unknown failure 99"),
        (b"\5\0\5\0\0\x09", "does not speak SOCKS5"),
        (b"\5\2", "asks for another login"),  # although we did not offer one
    ],
)
def test_refusals(answer: bytes, reason: str) -> None:
    class Writer:
        def write(self, _: bytes) -> None:
            pass

    async def run() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(answer)
        reader.feed_eof()
        await ask_for(SocksProxy("h", 1), "server", 4222, reader, Writer())

    with pytest.raises(SocksError, match=reason):
        asyncio.run(run())
