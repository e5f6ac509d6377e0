"""The two servers that are asked: the real one in operator mode, and ours."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from pynats_common.nkeys import KeyPair, Prefix
from pynats_server import Options, Server

from tests.conformance.resolver.scenes import Ask, Login, Scene
from tests.support.account_jwts import (
    SYSTEM,
    SYSTEM_USER,
    account_token,
    names_for,
    operator_token,
    pair,
    user_token,
)
from tests.support.process import REFERENCE, ServerProcess

QUIET_S = 0.4  # the real server answers none later than that
NAMES = names_for(["a", "b", "c", "d", "e", "f", "nobody"])
TOKENS = {
    account_token(name, age=age): f"<jwt of {name}, {age}>"
    for name in "abcd"
    for age in (0, 10, 20)
} | {account_token(SYSTEM): "<jwt of system>"}


def configuration(scene: Scene, folder: Path) -> str:
    """Of both, but for the operator."""
    preload = {SYSTEM.public_key: account_token(SYSTEM), **scene.preload}
    listed = "\n".join(f"  {account}: {token}" for account, token in preload.items())
    resolver = scene.resolver.replace("@D@", str(folder))
    (folder / "jwt").mkdir(parents=True)
    for name, text in scene.files.items():
        (folder / "jwt" / name).write_text(text)
    return f"resolver: {resolver}\nresolver_preload: {{\n{listed}\n}}\n"


async def ask(client: Client, step: Ask, count: int | None) -> list[Any]:
    """The answers: `count` of them and what has come before that to another request, or all that
    come for a while."""
    inbox = client.new_inbox()
    answers = await client.subscribe(inbox)
    body = step.body if isinstance(step.body, bytes) else step.body.encode()
    await client.publish(step.subject, body, inbox, headers=step.headers)
    found = []
    if count is not None:
        found = [told(await answers.next_msg(30)) for _ in range(count)]
        await client.request("$SYS.REQ.SERVER.PING.IDZ", b"", timeout=30)
    try:
        while True:
            found.append(told(await answers.next_msg(QUIET_S if count is None else 0.001)))
    except TimeoutError:
        await answers.unsubscribe()
    return [*sorted(found[:-1], key=repr), *found[-1:]]


def told(message: Any) -> Any:
    """An answer, without what differs between two servers."""
    if message.headers:
        return {"status": message.headers.get("Status")}
    text = message.data.decode()
    for part, name in (TOKENS | NAMES).items():
        text = text.replace(part, name)
    text = re.sub(r"(validation errors: )\[.*\]", r"\1[...]", text)  # the accounts' words
    text = re.sub(r"eyJ[\w.-]{99,}", "<jwt>", text)
    try:
        body = json.loads(text)
    except ValueError:
        return text
    if isinstance(body, dict) and "server" in body:
        body["server"] = "server"
        if isinstance(body.get("data"), list):
            body["data"].sort()
    return body


async def _nothing(_: Exception) -> None:
    """nats-py would log it; the test looks at what came of it."""


@asynccontextmanager
async def connected(port: int, **login: Any) -> AsyncIterator[Client]:
    client = Client()
    try:
        await client.connect(
            f"nats://127.0.0.1:{port}", allow_reconnect=False, error_cb=_nothing, **login
        )
        yield client
    finally:
        await client.close()


def by_jwt(user: KeyPair, account: KeyPair) -> dict[str, Any]:
    token = user_token(user, account)
    return {
        "user_jwt_cb": lambda: bytearray(token.encode()),
        "signature_cb": lambda nonce: base64.b64encode(user.sign(nonce.encode())),
    }


async def log_in(port: int, account: str) -> None:
    """A user of an account comes and goes."""
    async with connected(port, **by_jwt(pair("user", Prefix.USER), pair(account))):
        pass


async def play_reference(scene: Scene, folder: Path) -> dict[str, list[Any]]:
    """What the real server answers."""
    config = f"operator: {operator_token()}\n" + configuration(scene, folder)
    found = {}
    with ServerProcess(REFERENCE, folder, config) as server:
        async with connected(server.port, **by_jwt(SYSTEM_USER, SYSTEM)) as client:
            for step in scene.steps:
                if isinstance(step, Login):
                    await log_in(server.port, step.account)
                else:
                    found[step.name] = await ask(client, step, None)
    return found


async def play_ours(
    scene: Scene, folder: Path, expected: dict[str, list[Any]]
) -> dict[str, list[Any]]:
    """What ours answers."""
    config = f"operator: {operator_token()}\n" + configuration(scene, folder)
    place = folder / "ours.conf"
    place.write_text(config)
    options = Options.load(place)
    options.host, options.port = "127.0.0.1", -1
    found = {}
    async with (
        Server(options, log=None) as server,
        connected(server.client_port, **by_jwt(SYSTEM_USER, SYSTEM)) as client,
    ):
        for step in scene.steps:
            if isinstance(step, Login):
                await log_in(server.client_port, step.account)
            else:
                found[step.name] = await ask(client, step, len(expected[step.name]))
    return found
