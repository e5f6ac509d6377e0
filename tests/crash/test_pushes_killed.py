"""kill -9 while operators push claims: every one that was acknowledged is there, or a newer one."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from nats.aio.client import Client
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
from tests.support.fuzzing import examples
from tests.support.process import PYNATS, ServerProcess

ROUNDS = examples(3)
NAMES = [f"account {number}" for number in range(4)]
CONFIG = f"""
operator: {operator_token()}
resolver: {{type: full, dir: "@FOLDER@/jwt"}}
resolver_preload: {{ {SYSTEM.public_key}: {account_token(SYSTEM)} }}
"""


async def push(client: Client, name: str, age: int, acknowledged: dict[str, int]) -> None:
    """Newer and newer claims, until the server is gone."""
    while True:
        age += 1
        token = account_token(name, age=age).encode()
        answer = await client.request("$SYS.REQ.CLAIMS.UPDATE", token, timeout=30)
        assert b"jwt updated" in answer.data
        acknowledged[name] = age


async def until_killed(server: ServerProcess, acknowledged: dict[str, int], enough: int) -> None:
    async with connected(server.port, **by_jwt(SYSTEM_USER, SYSTEM)) as client:
        pushes = [
            asyncio.ensure_future(push(client, name, acknowledged.get(name, 0), acknowledged))
            for name in NAMES
        ]
        start = sum(acknowledged.values())
        while sum(acknowledged.values()) < start + enough:
            done, _ = await asyncio.wait(pushes, timeout=0.002)
            assert not done, [each.exception() for each in done]
        server.kill()
        for each in pushes:
            each.cancel()
        await asyncio.gather(*pushes, return_exceptions=True)


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
