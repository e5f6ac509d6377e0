"""Requests to the system account where the real server is no help: what they may cost, who may ask,
and what only this server answers."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from pynats_common import s2
from pynats_server import Authorization, Options, Permissions, Server, SubjectPermission
from pynats_server.monitor.json import pretty, squeezed
from pynats_server.options import LOG_PARTS, AccountOptions, ServiceExport, ServiceImport, User
from pynats_server.resolver.directory.full import FullResolver
from pynats_server.said import packing
from pynats_server.said.json import compact
from pynats_server.said.objects import BODY_MAX, FLAG, TEXTS, BadBody
from pynats_server.system.services import desk
from pynats_server.system.services.decoding import decode
from pynats_server.system.services.table import SERVICES
from pynats_server.work import finish

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop
from tests.unit.monitor.test_query_and_encode import JSON_VALUES

PING = "$SYS.REQ.SERVER.PING"


@asynccontextmanager
async def running(log: logging.Logger | None = None, **options: Any) -> AsyncIterator[Server]:
    """A server whose accounts each have one user with the account's name."""
    accounts = options.pop("accounts", {})
    for name in ("$SYS", "A", "B"):
        accounts.setdefault(name, AccountOptions())
    for name, account in accounts.items():
        account.users = [User(name, "p")]
    given = Options(host="127.0.0.1", port=-1, accounts=accounts, **options)
    async with Server(given, log=log) as server:
        yield server


@asynccontextmanager
async def client_of(server: Server, account: str) -> AsyncIterator[Client]:
    client = await connect(server.client_url, user=account, password="p")
    try:
        yield client
    finally:
        await client.close()


async def answer(client: Client, subject: str, body: Any = None) -> dict[str, Any]:
    payload = json.dumps(body).encode() if body is not None else b""
    reply = await client.request(subject, payload, timeout=PATIENCE_S)
    found: dict[str, Any] = json.loads(reply.data)
    return found


def subscriptions(server: Server, account: str) -> int:
    return int(server.state.accounts[account].sublist.count)


# -- the form of answers --------------------------------------------------------------------------


@given(JSON_VALUES)
def test_a_document_without_its_layout_is_the_same_on_one_line(value: Any) -> None:
    assert squeezed(pretty(value)) == compact(value)


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 200_000])
def test_packed_answers_are_made_in_steps_and_unpack(size: int) -> None:
    body = bytes(index * 7 % 251 for index in range(size))
    assert gzip.decompress(finish(packing.encode(body, packing.GZIP))) == body
    packed = finish(packing.encode(body, packing.SNAPPY))
    assert packed.startswith(b"\xff\x06\x00\x00sNaPpY")
    assert s2.decode_stream(packed, size + 1) == body
    steps = sum(1 for _ in packing.encode(body, packing.GZIP))
    assert steps == -(-size // 8192)


@on_loop
async def test_an_answer_that_nobody_could_receive_is_refused() -> None:
    async with (
        running(max_pending=20_000, max_payload=1000) as server,
        client_of(server, "A") as one,
        client_of(server, "$SYS") as system,
    ):
        for number in range(300):
            await one.subscribe(f"a.rather.long.subject.{number}.{'x' * 60}")
        await one.flush()
        asked = {"subscriptions": True, "account": "A"}
        refused = await answer(system, f"{PING}.SUBSZ", asked)
        assert refused["error"]["code"] == 500
        assert "longer than 20000 bytes" in refused["error"]["description"]
        some = await answer(system, f"{PING}.SUBSZ", asked | {"limit": 5})
        assert len(some["data"]["subscriptions_list"]) == 5


# -- what is asked --------------------------------------------------------------------------------


def test_there_is_a_service_for_every_name_that_is_listened_to() -> None:
    assert set(SERVICES) == {
        *(f"SERVER {name}" for name in desk.SERVER_NAMES),
        *(f"ACCOUNT {name}" for name in desk.ACCOUNT_NAMES),
        *desk.CHANGE_NAMES,
        "NSUBS", "USER INFO", "SUBSCRIBERS", "CLAIMS UPDATE",
        *(f"CLAIMS {name}" for name in FullResolver.answers),
    }  # fmt: skip


@given(st.binary(max_size=60))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        decode(body, "Options", {"a": ("a", FLAG), "b": ("b", TEXTS)})
    except BadBody as error:
        assert str(error)


def test_a_long_body_is_refused() -> None:
    names = json.dumps({"tags": ["x" * 50] * 1000}).encode()
    _, asked = decode(names, "Options", {})
    assert len(asked.tags) == 1000
    with pytest.raises(BadBody):
        decode(names.ljust(BODY_MAX + 1), "Options", {})


@on_loop
async def test_requests_of_one_account_wait_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "WAITING", 5)
    async with running() as server:
        lane = ("$SYS", "A")
        most = 0
        start = server.state.turns.start

        def counted(*arguments: Any, **more: Any) -> Any:
            nonlocal most
            job = start(*arguments, **more)
            most = max(most, server.state.turns.count(lane))
            return job

        monkeypatch.setattr(server.state.turns, "start", counted)
        server.state.turns.now = itertools.count().__next__
        server.state.turns.budget_ns = 3  # steps in a pass of the loop
        async with client_of(server, "A") as one, client_of(server, "B") as other:
            for _ in range(100):
                await one.publish(f"{PING}.CONNZ", b"", reply="nobody")
            assert (await answer(other, f"{PING}.CONNZ"))["data"]["total"] == 1
            await one.flush()
            await wait_until_async(lambda: server.state.turns.count(lane) == 0, "the answers")
        assert most == 5


@on_loop
async def test_bodies_of_one_account_wait_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "WAITING_BYTES", 1000)
    async with running() as server, client_of(server, "A") as one:
        inbox = await one.subscribe("inbox")
        await one.publish(f"{PING}.CONNZ", b" " * 1001, reply="inbox")
        # What one client asks for is answered in its order.
        assert (await answer(one, f"{PING}.CONNZ", {}))["data"]["total"] == 1
        assert inbox.pending_msgs == 0
        await one.publish(f"{PING}.CONNZ", b"{}", reply="inbox")
        assert json.loads((await inbox.next_msg(PATIENCE_S)).data)["data"]["total"] == 1


# -- who may ask ----------------------------------------------------------------------------------


@on_loop
async def test_an_account_imports_of_the_system_account_when_it_is_used() -> None:
    async with running() as server:
        assert (subscriptions(server, "A"), subscriptions(server, "B")) == (0, 0)
        async with client_of(server, "A"):
            assert (subscriptions(server, "A"), subscriptions(server, "B")) == (4, 0)
            async with client_of(server, "A"):
                assert subscriptions(server, "A") == 4


@on_loop
async def test_without_a_system_account_there_is_nothing_to_ask() -> None:
    options = Options(host="127.0.0.1", port=-1, no_system_account=True)
    async with Server(options, log=None) as server:
        client = await connect(server.client_url)
        for subject in ("$SYS.REQ.USER.INFO", f"{PING}.CONNZ"):
            with pytest.raises(nats.errors.NoRespondersError):
                await client.request(subject, timeout=PATIENCE_S)
        await client.close()


@on_loop
async def test_who_comes_through_another_account_asks_for_that_one() -> None:
    through = AccountOptions(service_exports=[ServiceExport("$SYS.REQ.SERVER.PING.CONNZ")])
    asking = AccountOptions(
        service_imports=[ServiceImport("A", "$SYS.REQ.SERVER.PING.CONNZ", to="others")]
    )
    async with (
        running(accounts={"A": through, "B": asking}) as server,
        client_of(server, "B") as client,
    ):
        assert (await answer(client, "others"))["data"]["total"] == 0
        assert (await answer(client, f"{PING}.CONNZ"))["data"]["total"] == 1


@on_loop
async def test_an_account_cannot_ask_for_all_by_its_name() -> None:
    async with (
        running(accounts={"PING": AccountOptions()}) as server,
        client_of(server, "PING") as client,
        client_of(server, "A"),
    ):
        with pytest.raises(nats.errors.NoRespondersError):
            await client.request("$SYS.REQ.ACCOUNT.PING.STATZ", timeout=PATIENCE_S)
        assert (await answer(client, "$SYS.REQ.ACCOUNT.PING.CONNZ"))["data"]["total"] == 1
        told = await answer(client, "$SYS.REQ.USER.INFO")
        assert told["data"] == {"user": "PING", "account": "PING", "account_name": "PING"}


@on_loop
async def test_what_an_account_imports_under_such_a_name_goes_before() -> None:
    mine = AccountOptions(service_imports=[ServiceImport("$SYS", "mine", to="$SYS.REQ.USER.INFO")])
    system = AccountOptions(service_exports=[ServiceExport("mine")])
    async with (
        running(accounts={"A": mine, "$SYS": system}) as server,
        client_of(server, "A") as client,
        client_of(server, "$SYS") as other,
    ):

        async def reply(message: Any) -> None:
            await message.respond(b"mine")

        await other.subscribe("mine", cb=reply)
        await other.flush()
        assert (await client.request("$SYS.REQ.USER.INFO", timeout=PATIENCE_S)).data == b"mine"


# -- what is ours ---------------------------------------------------------------------------------


@on_loop
async def test_figures_that_nobody_gets_an_answer_with_go_to_all() -> None:
    async with running() as server, client_of(server, "$SYS") as system:
        assert server.events._pace is not None
        server.events._pace.stop()  # they are told by themselves, too
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def note(message: Any) -> None:
            heard.put_nowait(message)

        pace = server.events._pace
        assert pace is not None
        pace.stop()  # which tells them, too
        await system.subscribe(f"$SYS.SERVER.{server.id}.STATSZ", cb=note)
        await system.flush()
        await system.publish(PING)
        message = await asyncio.wait_for(heard.get(), PATIENCE_S)
        assert json.loads(message.data)["statsz"]["active_servers"] == 1


@on_loop
async def test_what_only_programs_in_go_have_is_said_to_be_missing() -> None:
    async with running() as server, client_of(server, "$SYS") as system:
        told = (await answer(system, f"{PING}.PROFILEZ", {"name": "heap"}))["data"]
        assert told["profile"] is None
        assert told["error"] == 'Profile "heap" is of programs in Go, and this server is in Python'
        variables = (await answer(system, f"{PING}.EXPVARZ"))["data"]
        assert variables["memstats"]["Sys"] > 1_000_000
        assert len(variables["cmdline"]) == 1  # nothing that could be a password
        assert (await answer(system, f"{PING}.IPQUEUESZ"))["data"] == {}


@on_loop
async def test_what_is_no_proper_asker_is_refused_and_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors: list[str] = []
    async with running() as server, client_of(server, "$SYS") as system:
        monkeypatch.setattr(server.log, "error", errors.append)
        told = await system.request(
            "$SYS.REQ.USER.x.INFO", timeout=PATIENCE_S,
            headers={"Nats-Request-Info": "[" * 60_000},
        )  # fmt: skip
        assert json.loads(told.data)["error"]["code"] == 400
    assert errors == []


@on_loop
async def test_what_changes_the_server_is_done_though_who_asks_has_gone() -> None:
    log = logging.getLogger("tests.of_who_has_gone")
    log.setLevel(1)
    async with running(log) as server, client_of(server, "$SYS") as system:
        name = f"$SYS.REQ.SERVER.{server.id}.LOGLEVEL"
        turns = server.state.turns
        clock = turns.now
        turns.now = itertools.count().__next__
        turns.budget_ns = 3  # steps in a pass of the loop
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        asked = b'{"part":"clients","level":"trace"}'
        writer.write(
            b'CONNECT {"user":"$SYS","pass":"p","verbose":false}\r\n'
            + b"PUB %b.CONNZ nobody 0\r\n\r\n" % PING.encode() * 100
            + b"PUB %b nobody %d\r\n%b\r\n" % (name.encode(), len(asked), asked)
            + b"PING\r\n"
        )
        await reader.readuntil(b"PONG\r\n")
        writer.transport.abort()
        await wait_until_async(lambda: len(server.state.engine.connections) == 1, "its end")
        turns.now = clock
        turns.budget_ns = 1_000_000
        await wait_until_async(lambda: not turns.jobs, "all that is to be done")
        assert (await answer(system, name))["data"]["clients"] == "trace"


@on_loop
async def test_both_sides_of_permissions_are_told_where_there_are_some() -> None:
    rights = Permissions(publish=SubjectPermission(deny=["zz"]))
    users = [User("u", "p", permissions=rights)]
    options = Options(host="127.0.0.1", port=-1, authorization=Authorization(users=users))
    async with Server(options, log=None) as server:
        client = await connect(server.client_url, user="u", password="p")
        told = await answer(client, "$SYS.REQ.USER.INFO")
        await client.close()
    assert told["data"]["permissions"] == {"publish": {"deny": ["zz"]}, "subscribe": {}}


@on_loop
async def test_features_are_the_same_wherever_they_are_told() -> None:
    async with running() as server, client_of(server, "$SYS") as system:
        told = await answer(system, f"{PING}.VARZ")
    assert told["data"]["feature_flags"] == told["server"]["feature_flags"]
    assert len(told["data"]["feature_flags"]) == 4


@on_loop
async def test_a_server_that_ends_takes_no_more_requests() -> None:
    async with running() as server:
        system = server.state.system_account
        assert system.has_interest(PING.encode())
    assert not system.has_interest(PING.encode())


@on_loop
async def test_levels_of_the_log_are_changed_until_a_reload() -> None:
    log = logging.getLogger("test")
    async with running(log=log) as server, client_of(server, "$SYS") as system:
        subject = f"$SYS.REQ.SERVER.{server.id}.LOGLEVEL"
        before = (await answer(system, subject))["data"]
        assert set(before) == set(LOG_PARTS)
        told = (await answer(system, subject, {"part": "clients", "level": "trace"}))["data"]
        assert told == before | {"clients": "trace"}
        assert (await answer(system, subject))["data"] == told
        for wrong in ({"part": "clients", "level": "loud"}, {"part": "cooks", "level": "info"}):
            refused = await answer(system, subject, wrong)
            assert refused["error"]["code"] == 500 and refused["error"]["description"]
        assert (await answer(system, subject))["data"] == told
        server.log.restore_levels()
        assert (await answer(system, subject))["data"] == before
