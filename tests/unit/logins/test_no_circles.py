"""Refused log-ins leave nothing that waits for Python's collector: anybody can cause them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pynats_common.nkeys import Prefix, create_pair
from pynats_server.options import (
    AccountOptions,
    AuthCallout,
    Authorization,
    OidcIssuer,
    Options,
    User,
)
from pynats_server.server.server import Server

from tests.support.circles import circles
from tests.support.deadline import wait_until_async
from tests.support.jetstream import connect
from tests.support.oidc_provider import AUDIENCE, provider
from tests.unit.logins.raw import is_in

OURS = ("pynats_", "_asyncio.", "builtins.coroutine", "builtins.frame", "builtins.traceback")


async def assert_none(server: Server, before: int, **credentials: Any) -> None:
    def alone() -> bool:
        return len(server.state.clients()) == before

    for warms_up in (True, False):
        with circles() as found:
            for _ in range(2 if warms_up else 5):
                assert not await is_in(server, **credentials)
            await wait_until_async(alone, "its end")
    # The test's own connections are circles of asyncio.
    assert {name: many for name, many in found.items() if name.startswith(OURS)} == {}


def play(authorization: Authorization, story: Callable[[Server], Awaitable[None]]) -> None:
    options = Options(
        host="127.0.0.1", port=-1, authorization=authorization,
        accounts={"APP": AccountOptions([User("bob", "pw")])},
    )  # fmt: skip

    async def told() -> None:
        async with Server(options, log=None) as server:
            await story(server)

    asyncio.run(told())


@pytest.mark.parametrize("password", ["wrong", "$2a$04$" + "x" * 53])
def test_passwords(password: str) -> None:
    async def story(server: Server) -> None:
        await assert_none(server, 0, user="bob", password=password)

    play(Authorization(timeout=20), story)


def test_tokens_of_providers() -> None:
    with provider() as idp:

        async def story(server: Server) -> None:
            await assert_none(server, 0, token=idp.token(aud="other"))
            await assert_none(server, 0, token=idp.token(kid="unknown"))

        play(Authorization(oidc=[OidcIssuer(idp.issuer, [AUDIENCE], account="APP")]), story)


def test_answers_of_callouts() -> None:
    issuer = create_pair(Prefix.ACCOUNT).public_key
    callout = AuthCallout(issuer, account="APP", auth_users=["bob"])

    async def story(server: Server) -> None:
        await assert_none(server, 0, user="ada", password="nobody is asked in time")
        service = await connect(server.client_url, user="bob", password="pw")

        async def refuse(question: Any) -> None:
            await question.respond(b"no JWT")

        await service.subscribe("$SYS.REQ.USER.AUTH", cb=refuse)
        await service.flush()
        await assert_none(server, 1, user="ada", password="pw")
        await service.close()

    play(Authorization(timeout=0.3, auth_callout=callout), story)
