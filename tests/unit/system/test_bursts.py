"""Many clients that come and go together: every one is told, in order."""

from __future__ import annotations

import asyncio
import json

import pytest
from pynats_server import Options, Server
from pynats_server.core.account import Account
from pynats_server.options import AccountOptions, User
from pynats_server.system.events import accounts

from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

CLIENTS = 150


def options() -> Options:
    return Options(
        host="127.0.0.1",
        port=-1,
        accounts={
            "A": AccountOptions(users=[User(user="a", password="a")]),
            "SYS": AccountOptions(),
        },
        system_account="SYS",
    )


@on_loop
async def test_a_burst_of_clients_is_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "REPEAT_S", 3600.0)  # nothing is told twice
    told: list[tuple[str, int]] = []

    def on_event(
        account: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        event = json.loads(payload)
        told.append(
            (subject.decode(), event["conns"] if "conns" in event else event["client"]["id"])
        )

    async with Server(options(), log=None) as server:
        server.state.system_account.subscribe(b"$SYS.ACCOUNT.A.>", on_event)
        clients = [
            await asyncio.open_connection("127.0.0.1", server.client_port) for _ in range(CLIENTS)
        ]
        for _, writer in clients:
            writer.write(b'CONNECT {"user":"a","pass":"a","verbose":false}\r\n')
        await wait_until_async(lambda: len(told) == 2 * CLIENTS, "all that came")
        for _, writer in clients:
            writer.close()
        await wait_until_async(lambda: len(told) == 4 * CLIENTS, "all that went")
    counts = [number for subject, number in told if subject.endswith(".CONNS")]
    came = [number for subject, number in told if subject.endswith(".CONNECT")]
    went = [number for subject, number in told if subject.endswith(".DISCONNECT")]
    assert counts == [*range(1, CLIENTS + 1), *range(CLIENTS - 1, -1, -1)]
    assert sorted(came) == sorted(went) == list(range(1, CLIENTS + 1))
    assert [subject for subject, _ in told[0::2]] == ["$SYS.ACCOUNT.A.SERVER.CONNS"] * 2 * CLIENTS


@on_loop
async def test_names_that_are_no_part_of_a_subject_are_not_published() -> None:
    told: list[bytes] = []
    blank = options()
    blank.accounts["a b"] = AccountOptions(users=[User(user="b", password="b")])
    async with Server(blank, log=None) as server:
        server.state.system_account.subscribe(
            b"$SYS.>", lambda account, subject, *rest: told.append(subject)
        )
        for user in ("b", "a"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            login = {"user": user, "pass": user, "verbose": False}
            writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
            await reader.readuntil(b"PONG\r\n")
            writer.close()
        await wait_until_async(lambda: b"$SYS.ACCOUNT.A.DISCONNECT" in told, "the other client")
    assert [subject for subject in told if b" " in subject] == []
