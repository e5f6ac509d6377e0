"""Reloads under load: who is not concerned loses nothing and is not even looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_bench import reloading
from pynats_server.auth import Hello, Verdict
from pynats_server.auth.passwords import PasswordLogin
from pynats_server.options import Options
from pynats_server.server.server import Server

from tests.support.deadline import wait_until
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop


def test_a_thousand_clients_lose_no_message_when_the_configuration_changes(
    tmp_path: Path,
) -> None:
    accounts, users = 19, 50
    server = reloading.Server(tmp_path, reloading.configuration(accounts, users, 0))
    try:
        load = reloading.Load(server.port, accounts, users)
        load.start()
        try:
            for turn in range(1, 6):
                before = load.sent
                server.reload(reloading.configuration(accounts, users, turn))
                wait_until(lambda before=before: load.sent > before, "more messages")
        finally:
            load.stop()
        assert load.fault == ""
        assert load.sent >= 5 * accounts
        assert load.received == load.sent * users
    finally:
        server.stop()


CONFIG = """
accounts {{
  A {{ users [ {{ user: a, password: a }}, {{ user: b, password: b {MORE} }} ] }}
  B {{ users [ {{ user: c, password: c }} ], limits {{ max_payload: {PAYLOAD} }} }}
  C {{ users [ {{ user: d, password: d }} ] }}
}}
"""


@on_loop
async def test_only_clients_of_accounts_that_change_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.conf"

    def write(**values: Any) -> None:
        text = CONFIG.format(**{"MORE": "", "PAYLOAD": 100} | values)
        path.write_text(f'listen: "127.0.0.1:-1"\n{text}')

    write()
    looked_at: list[str] = []
    recheck = PasswordLogin.recheck

    def counted(self: PasswordLogin, hello: Hello, verdict: Verdict) -> Any:
        looked_at.append(hello.said.user)
        return recheck(self, hello, verdict)

    async with Server(Options.load(path)) as server:
        server.load_options = lambda: Options.load(path)
        clients = [await connect(server.client_url, user=user, password=user) for user in "abcd"]
        monkeypatch.setattr(PasswordLogin, "recheck", counted)
        write(MORE=", permissions { publish: x }")
        assert await server.reload_aside() == ""
        assert sorted(looked_at) == ["a", "b"]
        looked_at.clear()
        write(MORE=", permissions { publish: x }", PAYLOAD=5)
        assert await server.reload_aside() == ""
        assert looked_at == ["c"]
        report = server.state.last_reload
        assert report is not None
        assert report.document() == {
            "applied": True,
            "changes": ["Reloaded: accounts", 'Reloaded: account "B": limits.max_payload = 5'],
        }
        limits = {client.user: client.max_payload for client in server.state.clients()}
        assert (limits["c"], limits["d"]) == (5, server.options.max_payload)
        path.write_text("nonsense: 1")
        assert "nonsense" in await server.reload_aside()
        report = server.state.last_reload
        assert not report.document()["applied"]
        assert "nonsense" in str(report.document()["error"])
        for client in clients:
            await client.close()
