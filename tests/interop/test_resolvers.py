"""Accounts that come, change and go while clients are there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error
from pynats_common.nkeys import KeyPair, Prefix
from pynats_server import Options, Server, ServerError

from tests.conformance.resolver.servers import by_jwt, connected
from tests.support.account_jwts import (
    OPERATOR,
    SYSTEM,
    SYSTEM_USER,
    account_token,
    deletion,
    key,
    operator_token,
    pair,
)
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop
from tests.support.tls_files import write_tls_files

A = key("a")
FULL = "{type: full, dir: '@D@/jwt', allow_delete: true, timeout: '200ms', interval: '50ms'}"
USER = pair("user", Prefix.USER)


@asynccontextmanager
async def serving(
    folder: Path, resolver: str = FULL, preload: dict[str, str] | None = None, url: str = ""
) -> AsyncIterator[Server]:
    listed = {SYSTEM.public_key: account_token(SYSTEM)} if preload is None else preload
    lines = "\n".join(f"{account}: {token}" for account, token in listed.items())
    config = f"operator: {operator_token(url)}\nlisten: '127.0.0.1:-1'\n"
    if resolver:
        config += f"resolver: {resolver.replace('@D@', str(folder))}\n"
    if listed:
        config += f"resolver_preload: {{\n{lines}\n}}\n"
    place = folder / "server.conf"
    place.write_text(config)
    server = Server(Options.load(place), log=None)
    server.load_options = lambda: Options.load(place)
    async with server:
        yield server


def logged_in(server: Server, account: KeyPair, user: KeyPair = USER) -> Any:
    return connected(server.client_port, **by_jwt(user, account))


def operating(server: Server) -> Any:
    return logged_in(server, SYSTEM, SYSTEM_USER)


async def ask(client: Client, verb: str, body: str) -> str:
    answer = await client.request(f"$SYS.REQ.CLAIMS.{verb}", body.encode(), timeout=30)
    return answer.data.decode()


@on_loop
async def test_an_account_is_there_when_it_is_pushed(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, operating(server) as operator:
        with pytest.raises(Error, match="Authorization Violation"):
            async with logged_in(server, pair("a")):
                pass
        assert "jwt updated" in await ask(operator, "UPDATE", account_token("a"))
        async with logged_in(server, pair("a")) as client:
            await client.flush(30)
    async with serving(tmp_path) as server, logged_in(server, pair("a")) as client:
        await client.flush(30)  # after a restart


@on_loop
async def test_who_waits_for_an_account_keeps_nobody_waiting(tmp_path: Path) -> None:
    slow = FULL.replace("200ms", "20s")
    async with serving(tmp_path, slow) as server, operating(server) as operator:
        lookups = []

        async def looked_up(message: Any) -> None:
            lookups.append(message.subject.split(".")[3])

        await operator.subscribe("$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP", cb=looked_up)
        await operator.flush(30)
        unknown = [asyncio.ensure_future(first_in(server, str(each))) for each in range(20)]
        await wait_until_async(lambda: len(lookups) == 20, "the look-ups")
        assert set(lookups) == {key(str(each)) for each in range(20)}
        await ask(operator, "UPDATE", account_token("a"))
        async with logged_in(server, pair("a")) as client:
            await client.flush(30)
        for each in unknown:
            each.cancel()
        await asyncio.gather(*unknown, return_exceptions=True)


async def first_in(server: Server, account: str) -> None:
    async with logged_in(server, pair(account)):
        pass


@on_loop
async def test_another_server_may_know_an_account(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, operating(server) as peer:

        async def answer(message: Any) -> None:
            await message.respond(account_token("a").encode())

        await peer.subscribe("$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP", cb=answer)
        await peer.flush(30)
        async with logged_in(server, pair("a")) as client:
            await client.flush(30)
        assert (tmp_path / "jwt" / f"{A}.jwt").read_text() == account_token("a")


@on_loop
async def test_servers_converge(tmp_path: Path) -> None:
    """The other one speaks through a client."""
    async with serving(tmp_path) as server, operating(server) as peer:
        digests: list[bytes] = []

        async def answer(message: Any) -> None:
            digests.append(message.data)
            if message.reply.startswith("$SYS._INBOX.") and len(digests) == 1:
                await peer.publish(message.reply, f"{A}|{account_token('a')}".encode())

        await peer.subscribe("$SYS.REQ.CLAIMS.PACK", cb=answer)
        await peer.flush(30)
        place = tmp_path / "jwt" / f"{A}.jwt"
        await wait_until_async(place.exists, "the account")
        await wait_until_async(lambda: digests[-1] != digests[0], "another digest")
        same = await peer.request("$SYS.REQ.CLAIMS.PACK", digests[-1], timeout=30)
        assert same.data == b""


@on_loop
async def test_clients_of_a_deleted_account_leave(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, operating(server) as operator:
        await ask(operator, "UPDATE", account_token("a"))
        async with logged_in(server, pair("a")) as client:
            assert "deleted 1 accounts" in await ask(operator, "DELETE", deletion([A], OPERATOR))
            await wait_until_async(lambda: client.is_closed, "the client's end")
            assert "account authentication expired" in str(client.last_error).lower()
        assert "jwt updated" in await ask(operator, "UPDATE", account_token("a"))
        with pytest.raises(Error, match="Authorization Violation"):
            await first_in(server, "a")
        assert "jwt updated" in await ask(operator, "UPDATE", account_token("a", age=1))
        await first_in(server, "a")


@on_loop
async def test_a_claim_that_would_not_count_changes_nothing(tmp_path: Path) -> None:
    stranger = pair("stranger", Prefix.OPERATOR)
    async with serving(tmp_path) as server, operating(server) as operator:
        await ask(operator, "UPDATE", account_token("a"))
        async with logged_in(server, pair("a")) as client:
            foreign = account_token("a", age=1, signer=stranger)
            answer = await ask(operator, "UPDATE", foreign)
            assert "account validation failed" in answer
            await client.flush(30)
    async with serving(tmp_path) as server:
        await first_in(server, "a")


@on_loop
async def test_a_reload_may_choose_another_resolver(tmp_path: Path) -> None:
    async with serving(tmp_path, "MEMORY") as server, operating(server) as operator:
        place = tmp_path / "server.conf"
        text = place.read_text()
        place.write_text(text.replace("MEMORY", FULL.replace("@D@", str(tmp_path))))
        assert await server.reload_aside() == ""
        await wait_until_async((tmp_path / "jwt").exists, "the folder")
        await wait_until_async(lambda: server.state.system_account.has_interest(
            b"$SYS.REQ.CLAIMS.LIST"), "the services")  # fmt: skip
        assert "jwt updated" in await ask(operator, "UPDATE", account_token("a"))
        await first_in(server, "a")
        place.write_text("\n".join(line for line in text.split("\n") if "resolver:" not in line))
        refusal = "config reload does not support moving to or from an account resolver"
        assert refusal in await server.reload_aside()


@on_loop
async def test_a_reload_may_name_more_accounts(tmp_path: Path) -> None:
    async with serving(tmp_path, "MEMORY") as server:
        place = tmp_path / "server.conf"
        place.write_text(
            place.read_text().replace("preload: {", f"preload: {{\n{A}: {account_token('a')}")
        )
        assert await server.reload_aside() == ""
        await wait_until_async(
            lambda: (
                server.state.resolver is not None
                and server.state.resolver.known(A) == account_token("a")
            ),
            "the account",
        )
        await first_in(server, "a")


@on_loop
async def test_a_reload_sees_files_that_somebody_has_put_there(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, operating(server) as operator:
        (tmp_path / "jwt" / f"{A}.jwt").write_text(account_token("a"))
        assert A not in await ask(operator, "LIST", "")
        assert await server.reload_aside() == ""
        resolver: Any = server.state.resolver
        await wait_until_async(lambda: A in resolver.accounts(), "the file")
        assert A in await ask(operator, "LIST", "")


@asynccontextmanager
async def account_server(
    accounts: dict[str, str], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        text = accounts.get(path.removeprefix("/jwt/v1/accounts/"), "")
        status = "200 OK" if text or path == "/jwt/v1/accounts/" else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwt/v1"


@on_loop
async def test_accounts_of_a_web_server(tmp_path: Path) -> None:
    accounts = {SYSTEM.public_key: account_token(SYSTEM), A: account_token("a")}
    accounts[key("b")] = account_token("a")  # of another
    async with account_server(accounts) as url:
        for resolver in (f'URL("{url}/accounts")', ""):  # or as the operator says
            async with serving(tmp_path, resolver, {}, url) as server:
                await first_in(server, "a")
                del accounts[A]
                await first_in(server, "a")  # it is known
                accounts[A] = account_token("a")
                for account in "bc":
                    with pytest.raises(Error, match="Authorization Violation"):
                        await first_in(server, account)
    with pytest.raises(ServerError, match=f'could not fetch <"{url}/accounts/">: connection refu'):
        async with serving(tmp_path, f'URL("{url}/accounts")', {}):
            pass


@on_loop
async def test_a_web_server_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    write_tls_files(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server-key.pem")
    accounts = {SYSTEM.public_key: account_token(SYSTEM), A: account_token("a")}
    async with account_server(accounts, context) as url:
        resolver = f'URL("{url}/accounts")\nresolver_tls: '
        for tls in (f"{{ca_file: '{tmp_path}/ca.pem'}}", "{insecure: true}"):
            async with serving(tmp_path, resolver + tls, {}) as server:
                await first_in(server, "a")
        with pytest.raises(ServerError, match="tls: failed to verify certificate"):
            async with serving(tmp_path, resolver + "{}", {}):
                pass


@on_loop
async def test_a_folder_needs_operators(tmp_path: Path) -> None:
    options = Options(host="127.0.0.1", port=-1)
    options.resolver.kind, options.resolver.dir = "full", tmp_path
    with pytest.raises(ServerError, match="no operator key found"):
        await Server(options, log=None).start()
