"""A reload is said to be over when what it brings holds for all who were there."""

from __future__ import annotations

import logging

import pytest
from pynats_server.accounts import wiring
from pynats_server.options import AccountOptions, Options, StreamExport, StreamImport, User
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop


def options(takes: bool) -> Options:
    """B takes the messages of A, or not."""
    a = AccountOptions(users=[User("a", "a")], stream_exports=[StreamExport("ev.>")])
    b = AccountOptions(users=[User("b", "b")])
    if takes:
        b.stream_imports = [StreamImport("A", "ev.>")]
    return Options(host="127.0.0.1", port=-1, accounts={"A": a, "B": b})


class Lines(logging.Handler):
    """What the log says."""

    def __init__(self) -> None:
        super().__init__()
        self.logger = logging.Logger("test")
        self.logger.addHandler(self)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())

    def has_end(self) -> bool:
        return any("Reloaded server configuration" in line for line in self.said)


@pytest.mark.parametrize("at_once", [0, wiring.FOLLOW_AT_ONCE], ids=["later", "at once"])
@on_loop
async def test_subscriptions_have_followed(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "FOLLOW_AT_ONCE", at_once)
    log = Lines()
    async with Server(options(True), log=log.logger) as server:
        client = await connect(server.client_url, user="b", password="b")
        await client.subscribe("ev.x")
        await client.flush()

        def reached() -> int:
            return server.state.accounts["A"].publish(server.state.engine, b"ev.x", b"")

        assert reached() == 1
        server.load_options = lambda: options(False)
        assert await server.reload_aside() == ""
        assert (reached(), log.has_end()) == (0, True)
        log.said.clear()
        server.load_options = lambda: options(True)
        assert server.reload()
        followed = bool(at_once)
        assert (reached(), log.has_end()) == (followed, followed)
        await wait_until_async(log.has_end, "the end of the reload")
        assert reached() == 1
        await client.close()
