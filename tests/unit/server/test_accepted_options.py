"""Thousands of accounts are judged once, away from the loop, and by what they have in common."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from pynats_server import AccountOptions, Options, Server, User
from pynats_server.accounts import offers, plan
from pynats_server.accounts.plan import Plan, ServiceLink, make_plan
from pynats_server.options import ServiceExport, ServiceImport, StreamExport, StreamImport
from pynats_server.process.flags import parse_command_line
from pynats_server.server.accepted import accept, accept_again

from tests.support.on_loop import on_loop

COUNT = 200
CONFIG = """
port: -1, host: 127.0.0.1
accounts {
  A { users: [{user: a, password: a}], exports: [{service: ask}, {stream: "ev.>"}] }
  B { users: [{user: b, password: b}], imports: [{service: {account: A, subject: ask}}] }
}
"""


def _sharing(*, share: int = -1) -> dict[str, AccountOptions]:
    """One account that exports, and one that imports, very much; which import tells who asks."""
    subjects = [f"svc.{number}" for number in range(COUNT)]
    exporter = AccountOptions(
        stream_exports=[StreamExport(subject) for subject in subjects],
        service_exports=[ServiceExport(subject) for subject in subjects],
    )
    importer = AccountOptions(
        stream_imports=[StreamImport("A", subject) for subject in subjects],
        service_imports=[
            ServiceImport("A", subject, share=number == share)
            for number, subject in enumerate(subjects)
        ],
    )
    return {"A": exporter, "B": importer}


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which plans are made."""
    threads: list[int] = []

    def noted(accounts: dict[str, AccountOptions]) -> Plan:
        threads.append(threading.get_ident())
        return make_plan(accounts)

    monkeypatch.setattr(plan, "make_plan", noted)
    return threads


def test_a_configuration_is_judged_once_before_the_start(tmp_path: Path, judges: list[int]) -> None:
    file = tmp_path / "server.conf"
    file.write_text(CONFIG)
    command = parse_command_line(["-c", str(file)])

    async def start() -> None:
        async with Server(command.accepted, log=None) as server:
            assert server.options.accounts.keys() == {"A", "B"}

    asyncio.run(start())
    assert len(judges) == 1


@on_loop
async def test_a_reload_judges_in_its_thread(judges: list[int]) -> None:
    options = Options(host="127.0.0.1", port=-1, accounts=_sharing())
    async with Server(options, log=None) as server:
        judges.clear()
        server.load_options = lambda: Options(host="127.0.0.1", port=-1, accounts=_sharing(share=1))
        assert await server.reload_aside() == ""
        assert len(judges) == 1 and threading.get_ident() not in judges


def test_what_a_reload_does_not_change_is_kept() -> None:
    def options(password: str) -> Options:
        accounts = _sharing() | {"C": AccountOptions(users=[User("c", password)])}
        return Options(accounts=accounts)

    old = accept(options("1"))
    new = accept_again(options("2"), old)
    assert new.options.accounts["B"] is old.options.accounts["B"]
    assert new.options.accounts["C"].users[0].password == "2"
    before, after = old.plan.streams["B"], new.plan.streams["B"]
    assert after is not before
    assert all(a is b for a, b in zip(before, after, strict=True))


@on_loop
async def test_a_reload_looks_at_each_import_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(host="127.0.0.1", port=-1, accounts=_sharing())
    async with Server(options, log=None) as server:
        compared = 0
        equal = ServiceLink.__eq__

        def counted(link: ServiceLink, other: object) -> bool:
            nonlocal compared
            compared += 1
            return equal(link, other)

        monkeypatch.setattr(ServiceLink, "__eq__", counted)
        server.load_options = lambda: Options(
            host="127.0.0.1", port=-1, accounts=_sharing(share=COUNT - 1)
        )
        assert server.reload()
        links = server.state.plan.services["B"]
        assert [link.share for link in links].index(True) == COUNT - 1
        assert COUNT <= compared <= 4 * COUNT


def test_exports_without_wildcards_are_found_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offers, "covers", lambda *_: pytest.fail("a search"))
    links = make_plan(_sharing())
    assert len(links.streams["B"]) == len(links.services["B"]) == COUNT
