"""An authenticator that a program brings: who it lets in, and what its faults do (nothing)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pynats_server import (
    AccountOptions,
    Hello,
    Options,
    Permissions,
    Refusal,
    Slow,
    SubjectPermission,
    User,
    Verdict,
)
from pynats_server.auth.own import Verify
from pynats_server.server.server import Server

from tests.support.deadline import next_turn
from tests.unit.logins.raw import is_in, log_in, verdicts

ADA = {"user": "ada", "password": "countess"}


def options(**fields: Any) -> Options:
    accounts = {"APP": AccountOptions(), "USERS": AccountOptions([User("bob", "pw")])}
    return replace(Options(host="127.0.0.1", port=-1, accounts=accounts), **fields)


def run(verify: Verify, story: Callable[[Server], Any], settings: Options | None = None) -> None:
    async def told() -> None:
        async with Server(settings or options(), log=None, authenticator=verify) as server:
            await story(server)

    asyncio.run(told())


def knows_ada(hello: Hello) -> Verdict | Refusal | None:
    if hello.said.user != "ada":
        return None
    good = hello.said.password == "countess"
    rights = Permissions(SubjectPermission(["a.>"]))
    return Verdict("APP", user="Ada", rights=rights) if good else Refusal(why="wrong")


async def later(hello: Hello) -> Verdict | Refusal | None:
    await next_turn()
    return knows_ada(hello)


def in_a_thread(hello: Hello) -> Slow:
    return Slow(lambda: knows_ada(hello) or Refusal())


@pytest.mark.parametrize("verify", [knows_ada, later, in_a_thread])
def test_it_decides(verify: Verify) -> None:
    async def story(server: Server) -> None:
        client = await log_in(server, **ADA)
        assert client.told == "PONG"
        (verdict,) = verdicts(server)
        assert (verdict.account, verdict.user, verdict.method) == ("APP", "Ada", "own")
        client.writer.write(b"PUB b 1\r\nx\r\nPUB a.b 1\r\nx\r\nPING\r\n")
        told = (await client.reader.readline()).decode()
        assert told == "-ERR 'Permissions Violation for Publish to \"b\"'\r\n"
        await client.close()
        assert not await is_in(server, **(ADA | {"password": "x"}))

    run(verify, story)


@pytest.mark.parametrize("verify", [knows_ada, later])
def test_what_it_leaves_open_is_as_configured(verify: Verify) -> None:
    async def story(server: Server) -> None:
        assert await is_in(server, user="bob", password="pw")
        assert not await is_in(server, user="bob", password="x")
        assert not await is_in(server)

    run(verify, story)


@pytest.mark.parametrize("verify", [knows_ada, later])
def test_nobody_is_let_in_because_nothing_is_configured(verify: Verify) -> None:
    async def story(server: Server) -> None:
        assert not await is_in(server)
        assert not await is_in(server, user="bob", password="pw")
        assert await is_in(server, **ADA)

    run(verify, story, options(accounts={"APP": AccountOptions()}))


def _raises(hello: Hello) -> Any:
    raise KeyError(hello.said.password)


async def _raises_later(hello: Hello) -> Any:
    raise KeyError(hello.said.password)


def _raises_in_a_thread(hello: Hello) -> Any:
    return Slow(lambda: _raises(hello))


async def _never(hello: Hello) -> Any:
    await asyncio.Event().wait()


class _Truthy:
    account = "APP"


FAULTS: dict[str, Any] = {
    "raises": _raises,
    "raises later": _raises_later,
    "raises in a thread": _raises_in_a_thread,
    "True": lambda hello: True,
    "a name": lambda hello: "APP",
    "something like it": lambda hello: _Truthy(),
    "no account": lambda hello: Verdict("NOPE"),
    "an account that is none": lambda hello: Verdict(None),  # type: ignore[arg-type]
    "rights that are none": lambda hello: Verdict("APP", rights=5),  # type: ignore[arg-type]
    "two arguments": lambda hello, more: Verdict("APP"),
    "never": _never,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_lets_nobody_in(name: str) -> None:
    settings = options()
    settings.authorization.timeout = 0.5 if name == "never" else 20
    broken = True

    def verify(hello: Hello) -> Any:
        return FAULTS[name](hello) if broken else knows_ada(hello)

    async def story(server: Server) -> None:
        nonlocal broken
        for _ in range(3):
            assert not await is_in(server, **ADA)
        broken = False
        assert await is_in(server, **ADA)

    run(verify, story, settings)


def test_what_it_raises_is_not_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Its text may be the password."""

    async def told() -> None:
        async with Server(options(), log="debug", authenticator=_raises) as server:
            assert not await is_in(server, **ADA)

    asyncio.run(told())
    text = capfd.readouterr().err
    assert "the authenticator has failed: KeyError at " in text
    assert "countess" not in text


def test_a_client_leaves_when_its_time_is_over() -> None:
    def verify(hello: Hello) -> Verdict:
        return Verdict("APP", expires=time.time() + 0.3)

    async def story(server: Server) -> None:
        client = await log_in(server)
        assert client.told == "PONG"
        assert await client.read_to_end() == "-ERR 'User Authentication Expired'\r\n"
        await client.close()

    run(verify, story)


def test_a_reload_asks_nobody_again() -> None:
    asked: list[str] = []

    def verify(hello: Hello) -> Verdict | None:
        asked.append(hello.said.user)
        return knows_ada(hello)  # type: ignore[return-value]

    async def told() -> None:
        async with Server(options(), log=None, authenticator=verify) as server:
            client = await log_in(server, **ADA)
            changed = options(accounts={"APP": AccountOptions(), "USERS": AccountOptions()})
            server.load_options = lambda: changed
            assert server.reload()
            assert asked == ["ada"]
            gone = options(accounts={"USERS": AccountOptions()})
            server.load_options = lambda: gone
            assert server.reload()
            assert await client.read_to_end() in ("", "-ERR 'Authorization Violation'\r\n")
            await client.close()

    asyncio.run(told())
