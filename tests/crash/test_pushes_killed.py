"""kill -9 while operators push claims: every one that was acknowledged is there, or a newer one."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_common import jwt

from tests.conformance.resolver.servers import by_jwt, connected
from tests.support.account_jwts import (
    ISSUED,
    SYSTEM,
    SYSTEM_USER,
    account_token,
    key,
    operator_token,
)
from tests.support.deadline import wait_until_async
from tests.support.fuzzing import examples
from tests.support.process import PYNATS, ServerProcess

UPDATE = "$SYS.REQ.CLAIMS.UPDATE"
ROUNDS = examples(3)
NAMES = [f"account {number}" for number in range(4)]
CONFIG = f"""
operator: {operator_token()}
resolver: {{type: full, dir: "@FOLDER@/jwt"}}
resolver_preload: {{ {SYSTEM.public_key}: {account_token(SYSTEM)} }}
"""


async def keep_pushing(client: Client, name: str, acknowledged: dict[str, int]) -> None:
    """Newer and newer claims, each when the one before was acknowledged."""
    inbox = client.new_inbox()
    pushed = acknowledged.get(name, 0)

    async def push() -> None:
        nonlocal pushed
        pushed += 1
        await client.publish(UPDATE, account_token(name, age=pushed).encode(), inbox)

    async def answered(message: Msg) -> None:
        assert b"jwt updated" in message.data
        acknowledged[name] = pushed
        await push()

    await client.subscribe(inbox, cb=answered)
    await push()


async def until_killed(server: ServerProcess, acknowledged: dict[str, int], enough: int) -> None:
    async with connected(server.port, **by_jwt(SYSTEM_USER, SYSTEM)) as client:
        enough += sum(acknowledged.values())
        for name in NAMES:
            await keep_pushing(client, name, acknowledged)
        await wait_until_async(lambda: sum(acknowledged.values()) >= enough, "the pushes")
        server.kill()


def age_of(folder: Path, name: str) -> int:
    token = (folder / "jwt" / f"{key(name)}.jwt").read_text()
    claims = jwt.decode_as(jwt.AccountClaims, token)
    assert claims.sub == key(name)
    return claims.iat - ISSUED


def test_acknowledged_claims_outlive_the_server(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    chance = random.Random(7)
    server = ServerProcess(PYNATS, tmp_path, CONFIG)
    try:
        for _ in range(ROUNDS):
            server.start()
            asyncio.run(until_killed(server, acknowledged, chance.randrange(5, 40)))
            for name, age in acknowledged.items():
                kept = age_of(tmp_path, name)
                assert kept in (age, age + 1)
                acknowledged[name] = kept
    finally:
        server.stop()
    assert len(acknowledged) == len(NAMES)
