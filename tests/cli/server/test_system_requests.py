"""Requests that many servers answer: what is waited for, and what ends the waiting.

The servers are subscriptions of a plain account, so that they can be late, silent or many.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nats.aio.msg import Msg
from pynats_cli.connect.opening import open_session
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.servers import system
from pynats_cli.servers.system.requests import QUIET_S, successful

from tests.cli.conftest import url_of
from tests.support.process import ServerProcess

Act = Callable[[Session], Awaitable[Any]]
SHORT_NS = 400_000_000
LONG_NS = 60_000_000_000


class Servers:
    """Subscriptions that answer like servers."""

    def __init__(self, session: Session) -> None:
        self.client = session.client
        self.requests: list[dict[str, Any]] = []

    async def start(self, name: str, kind: str = "VARZ", late_s: float = 0, **data: Any) -> None:
        async def answer(message: Msg) -> None:
            self.requests.append(json.loads(message.data))
            await asyncio.sleep(late_s)  # noqa: TID251 - being late is the case
            document = {"server": {"name": name, "id": name.ljust(56, "N")}, "data": data}
            await self.client.publish(message.reply, json.dumps(document).encode())

        await self.client.subscribe(f"$SYS.REQ.SERVER.PING.{kind}", cb=answer)

    async def know(self, active: int) -> None:
        """One that answers STATSZ."""

        async def answer(message: Msg) -> None:
            document = {"server": {}, "statsz": {"active_servers": active}}
            await self.client.publish(message.reply, json.dumps(document).encode())

        await self.client.subscribe("$SYS.REQ.SERVER.PING", cb=answer)


def run(server: ServerProcess, act: Callable[[Session, Servers], Awaitable[Any]], ns: int) -> Any:
    async def work() -> Any:
        options = GlobalOptions(server=url_of(server), timeout_ns=ns)
        async with open_session(options) as session, open_session(options) as other:
            servers = Servers(other)
            return await act(session, servers)

    return asyncio.run(work())


def names(documents: list[dict[str, Any]]) -> list[str]:
    return sorted(document["server"]["name"] for document in documents)


def test_as_many_as_one_knows_of_are_waited_for(server: ServerProcess) -> None:
    """Also one that is later than the pause which ends waiting for an unknown number."""

    async def act(session: Session, servers: Servers) -> list[str]:
        await servers.know(2)
        await servers.start("a")
        await servers.start("b", late_s=2 * QUIET_S)
        await servers.client.flush()
        return names(await system.ask(session, "VARZ"))

    assert run(server, act, LONG_NS) == ["a", "b"]


def test_of_an_unknown_number_those_count_that_answer_soon(server: ServerProcess) -> None:
    """The timeout of a minute is not waited for."""

    async def act(session: Session, servers: Servers) -> list[str]:
        await servers.start("a")
        await servers.start("b")
        await servers.client.flush()
        only = system.ServerFilter(cluster="C1", tags=["ssd"])
        documents = await system.ask(session, "VARZ", {"x": 1}, servers=only)
        wanted = {"x": 1, "cluster": "C1", "tags": ["ssd"], "exact_match": True}
        assert servers.requests == [wanted, wanted]
        return names(documents)

    assert run(server, act, LONG_NS) == ["a", "b"]


def test_fewer_than_expected_are_what_came_within_the_timeout(server: ServerProcess) -> None:
    async def act(session: Session, servers: Servers) -> list[str]:
        await servers.start("a")
        await servers.client.flush()
        return names(await system.ask(session, "VARZ", expect=3))

    assert run(server, act, SHORT_NS) == ["a"]


def test_nobody_who_listens_is_an_error_at_once(server: ServerProcess) -> None:
    async def act(session: Session, servers: Servers) -> None:
        await system.ask(session, "VARZ", expect=3)

    with pytest.raises(CliError, match="no results received, ensure the account used has system"):
        run(server, act, LONG_NS)


def test_every_page_of_every_server_is_read(server: ServerProcess) -> None:
    async def act(session: Session, servers: Servers) -> list[dict[str, Any]]:
        async def page(message: Msg) -> None:
            offset = json.loads(message.data).get("offset", 0)
            data = {"total": 5, "connections": list(range(offset, min(offset + 2, 5)))}
            document = {"server": {"id": "N" * 56}, "data": data}
            await servers.client.publish(message.reply, json.dumps(document).encode())

        for subject in ("$SYS.REQ.SERVER.PING.LISTZ", f"$SYS.REQ.SERVER.{'N' * 56}.LISTZ"):
            await servers.client.subscribe(subject, cb=page)
        await servers.client.flush()
        found: list[dict[str, Any]] = await system.ask_paged(
            session, "LISTZ", "connections", {"limit": 2}, expect=1
        )
        return found

    (document,) = run(server, act, LONG_NS)
    assert document["data"]["connections"] == [0, 1, 2, 3, 4]


def test_one_server_is_asked_by_name(server: ServerProcess) -> None:
    async def act(session: Session, servers: Servers) -> Any:
        await servers.start("n2", port=7)
        await servers.client.flush()
        document = await system.ask_one(session, "n2", "VARZ")
        assert servers.requests == [{"server_name": "n2", "exact_match": True}]
        return document["data"]

    assert run(server, act, LONG_NS) == {"port": 7}


def test_errors_of_servers() -> None:
    good = {"server": {"name": "a"}, "data": {"x": 1}}
    bad = {"server": {"name": "b"}, "error": {"code": 400, "description": "bad request"}}
    assert successful([bad, good]) == [good]
    assert system.data_of(good) == {"x": 1}
    with pytest.raises(CliError, match=r"received an error from server b: \(400\) bad request"):
        successful([bad])


@pytest.mark.parametrize(
    ("given", "takes"),
    [
        ({}, True),
        ({"name": "a"}, True),
        ({"name": "A"}, False),
        ({"host": "h", "cluster": "c"}, True),
        ({"cluster": "d"}, False),
        ({"tags": ["SSD"]}, True),
        ({"tags": ["ssd", "eu"]}, False),
    ],
)
def test_filters_as_an_archive_applies_them(given: dict[str, Any], takes: bool) -> None:
    server = {"name": "a", "host": "h", "cluster": "c", "tags": ["ssd", "us"]}
    assert system.ServerFilter(**given).takes(server) is takes


@pytest.mark.parametrize(("name", "found"), [("n2", "N2"), ("n3", "")])
def test_a_server_is_never_taken_for_another(server: ServerProcess, name: str, found: str) -> None:
    """Servers may answer a question that names another, as they do to IDZ."""

    async def act(session: Session, servers: Servers) -> str:
        async def answer(message: Msg) -> None:
            asked = json.loads(message.data)["server_name"]
            told = "n2" if asked == "n2" else "n1"
            document = {"server": {"name": told, "id": told.upper()}, "statsz": {}}
            await servers.client.publish(message.reply, json.dumps(document).encode())

        await servers.client.subscribe("$SYS.REQ.SERVER.PING", cb=answer)
        await servers.start("n1", "IDZ")
        await servers.client.flush()
        try:
            return await system.requests.server_id(session, name)
        except CliError as error:
            assert 'server "n3" did not answer' in str(error)
            return ""

    assert run(server, act, LONG_NS) == found
