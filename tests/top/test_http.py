"""What a monitoring port, or what is none, can answer; each fault is one line in words."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_top.addresses import monitoring_url
from pynats_top.collect import http
from pynats_top.collect.http import HttpSource
from pynats_top.collect.source import PARTS, SourceError, Want

from tests.support.process import lasting_port
from tests.top.answering import Peer, answer, peer, says

INFO = b'INFO {"server_id":"N","version":"2.15.1"}\r\n'


def fault(talk: Peer, *, scheme: str = "http", timeout_s: float = 5.0) -> str:
    """What a poll says when the peer talks so."""

    async def ask() -> str:
        async with peer(talk) as port:
            source = HttpSource(f"{scheme}://user:secret@127.0.0.1:{port}", timeout_s=timeout_s)
            try:
                with pytest.raises(SourceError) as caught:
                    await source.poll(Want())
            finally:
                await source.close()
            text = str(caught.value)
            assert "secret" not in text
            assert "\n" not in text
            return text.replace(str(port), "PORT")

    return asyncio.run(ask())


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(INFO)
    await reader.read()


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
    while True:
        writer.write(b" ")
        await writer.drain()
        try:
            async with asyncio.timeout(0.01):
                await reader.read()
        except TimeoutError:
            continue


HERE = "http://127.0.0.1:PORT"


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (greets, "127.0.0.1:PORT is a client port, no monitoring port: start the server with"
                 " -m 8222 and use that port"),
        (says(answer(b"<html>", kind="text/html")),
         f"{HERE} has a web page at /varz: no monitoring port"),
        (says(answer(b"no", "404 Not Found", "text/plain")),
         f"{HERE} has no /varz (404): no monitoring port, or not there"),
        (says(answer(b"broken\x1b[2J\nmore", "500 Internal Server Error", "text/plain")),
         f"{HERE} answers /varz with 500: broken\\u001b[2J"),
        (says(answer(b"", "302 Found")), f"{HERE} answers /varz with 302"),
        (says(answer(b'{"a": tru')), "the answer to /varz is no valid JSON"),
        (says(answer(b"[" * 100_000)), "the answer to /varz is no valid JSON"),
        (says(answer(gzip.compress(b"{}"))), "the answer to /varz is no valid JSON"),
        (says(answer(b"[]")), "the answer to /varz is no JSON object"),
        (says(b""), f"{HERE} has closed the connection"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
         f"{HERE}: no HTTP: peer closed connection without sending complete message body"
         " (received 2 bytes, expected 10)"),
        (says(b"SSH-2.0-OpenSSH\r\n"), f"{HERE}: no HTTP: something else is there"),
    ],
    ids=["client port", "html", "404", "500", "302", "half", "deep", "gzip", "list", "closed",
         "cut", "ssh"],
)  # fmt: skip
def test_what_is_no_answer(talk: Peer, words: str) -> None:
    assert fault(talk).startswith(words)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_other_credentials_are_wanted(status: str) -> None:
    text = fault(says(answer(b"", status)))
    assert text.startswith(f"{HERE} wants other credentials ({status[:3]}): a user and password")


@pytest.mark.parametrize("talk", [is_silent, trickles])
def test_an_answer_has_one_time_limit(talk: Peer) -> None:
    assert fault(talk, timeout_s=0.2) == f"{HERE} has not answered in time"


def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_MAX", 1 << 20)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    assert fault(endless) == f"{HERE}: the answer is longer than 1048576 bytes"


def test_no_tls_where_https_was_asked_for() -> None:
    async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"", "400 Bad Request"))
        await writer.drain()

    text = fault(speaks_http, scheme="https")
    assert text == "https://127.0.0.1:PORT: no TLS there: use -m, or an address with http://"


def test_nobody_listens() -> None:
    async def ask() -> str:
        with pytest.raises(SourceError) as caught:
            await HttpSource(f"http://127.0.0.1:{lasting_port()}").poll(Want())
        return str(caught.value)

    assert "connection refused: no server there, or one without" in asyncio.run(ask())


def asked(want: Want, user: str = "", **more: Any) -> list[bytes]:
    """The heads of the requests of two polls; they come on as few connections as can be."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(b"new")
        while head := await reader.readuntil(b"\r\n\r\n"):
            heads.append(head)
            writer.write(answer(b"{}"))

    async def ask() -> None:
        async with peer(talk) as port:
            source = HttpSource(f"http://{user}127.0.0.1:{port}/base/", **more)
            await source.poll(want)
            await source.poll(want)
            await source.connection(7)
            await source.close()

    asyncio.run(ask())
    return heads


def test_only_what_is_looked_at_is_asked_for() -> None:
    heads = asked(Want(limit=5, sort="subs", subscriptions=True, auth=True))
    targets = [head.split()[1] for head in heads if head != b"new"]
    assert heads.count(b"new") == 1
    assert targets[:2] == [b"/base/varz", b"/base/connz?limit=5&sort=subs&subs=1&auth=1"]
    assert targets[2:4] == targets[:2]
    assert targets[4] == b"/base/connz?cid=7&subs=detail&auth=1"
    every = [head.split()[1] for head in asked(Want(sort="lang", parts=frozenset(PARTS)))[1:7]]
    assert every == [
        b"/base/varz",
        b"/base/connz?limit=1024&sort=cid",
        b"/base/accstatz?unused=1",
        b"/base/jsz?accounts=1&streams=1&config=1&limit=10000&consumers=1",
        b"/base/connz?sort=pending&limit=50&subs=1&auth=1",
        b"/base/connz?state=closed&sort=stop&limit=256&subs=1&auth=1",
    ]


@pytest.mark.parametrize(
    ("user", "more", "header"),
    [
        ("us%40er:p%3Aw@", {}, b"Authorization: Basic dXNAZXI6cDp3"),
        ("token@", {}, b"Authorization: Bearer token"),
        ("", {"login": ("u", "p")}, b"Authorization: Basic dTpw"),
        ("", {"login": ("t", None)}, b"Authorization: Bearer t"),
    ],
)
def test_credentials(user: str, more: dict[str, Any], header: bytes) -> None:
    assert all(header in head for head in asked(Want(), user, **more) if head != b"new")


def test_a_server_without_some_endpoint_is_shown_without_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            there = b"/varz" in head
            writer.write(answer(b"{}" if there else b"", "200 OK" if there else "404 Not Found"))

    async def ask() -> None:
        async with peer(talk) as port:
            source = HttpSource(f"http://127.0.0.1:{port}")
            poll = await source.poll(Want(parts=frozenset(PARTS)))
            assert (poll.varz, poll.accounts, poll.jsz) == ({}, None, None)
            await source.close()

    asyncio.run(ask())


def test_a_connection_that_the_server_has_ended_is_opened_again() -> None:
    async def ask() -> None:
        async with peer(says(answer(b'{"now": "x"}'))) as port:
            source = HttpSource(f"http://127.0.0.1:{port}")
            for _ in range(3):
                assert (await source.poll(Want(parts=frozenset()))).varz == {"now": "x"}
            await source.close()

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8222"),
        ("host:81", "http://host:81"),
        ("::1", "http://[::1]:8222"),
        ("[::1]:81", "http://[::1]:81"),
        ("https://host", "https://host:8222"),
        ("http://u:p@host/nats/?x=1#y", "http://u:p@host:8222/nats/"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert monitoring_url(text) == url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nats://u:secret@host:4222", "is a client address: give that of the monitoring port,"
                                      " as in http://host:8222"),
        ("http://", "host is missing"),
        ("host:99999", "invalid monitoring endpoint"),
        ("host:0", "port is missing"),
        ("http://[::1", "invalid monitoring endpoint"),
    ],
)  # fmt: skip
def test_addresses_that_are_none(text: str, words: str) -> None:
    with pytest.raises(CliError) as caught:
        monitoring_url(text)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
