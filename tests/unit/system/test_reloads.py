"""A reload tells of those who have to go, and of nobody else."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
from pynats_server import Options, Server
from pynats_server.core.account import Account
from pynats_server.options import AccountOptions, User
from pynats_server.system.events import accounts

from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop


def users(*names: str) -> list[User]:
    return [User(user=name, password=name) for name in names]


@on_loop
async def test_who_has_to_go_is_told_of_and_an_account_that_goes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "REPEAT_S", 3600.0)  # nothing is told twice
    told: list[tuple[str, str]] = []

    def on_event(
        account: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        event = json.loads(payload)
        client = event.get("client", {})
        told.append((subject.decode(), client.get("user") or str(event.get("conns"))))

    options = Options(
        host="127.0.0.1",
        port=-1,
        accounts={
            "A": AccountOptions(users=users("a1", "a2")),
            "B": AccountOptions(users=users("b")),
            "SYS": AccountOptions(),
        },
        system_account="SYS",
    )
    async with Server(options, log=None) as server:
        server.state.system_account.subscribe(b"$SYS.ACCOUNT.>", on_event)
        writers = []
        for user in ("a1", "a2", "b"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            login = {"user": user, "pass": user, "verbose": False}
            writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
            await reader.readuntil(b"PONG\r\n")
            writers.append(writer)
        await wait_until_async(lambda: len(told) == 6, "those who came")
        told.clear()
        fewer = {"A": AccountOptions(users=users("a1")), "SYS": AccountOptions()}
        server.load_options = lambda: dataclasses.replace(server.options, accounts=fewer)
        assert server.reload()
        await wait_until_async(lambda: len(told) == 4, "those who went")
        for writer in writers:
            writer.close()
    assert sorted(told) == [
        ("$SYS.ACCOUNT.A.DISCONNECT", "a2"),
        ("$SYS.ACCOUNT.A.SERVER.CONNS", "1"),
        ("$SYS.ACCOUNT.B.DISCONNECT", "b"),
        ("$SYS.ACCOUNT.B.SERVER.CONNS", "0"),
    ]
