"""Claims of accounts that change while their users are connected, and requests to the resolver: as
the real server has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.jwt import differences, world
from tests.conformance.jwt.live import rows_answers, rows_changes, rows_requests, rows_shares
from tests.conformance.jwt.live.stage import Live, play
from tests.conformance.jwt.serving import Serve, by_name
from tests.conformance.jwt.tokens import account
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.records import Recorded, repeated

ROWS: list[Live] = [
    *rows_changes.ROWS, *rows_shares.ROWS, *rows_answers.ROWS, *rows_requests.ROWS,
]  # fmt: skip


def _folder(name: str, folder: Path) -> str:
    text = world.full(folder)
    if name == "no deletions":
        return text.replace("allow_delete: true", "allow_delete: false")
    return text.replace("allow_delete: true", "limit: 3") if name == "small" else text


@pytest.fixture(scope="session")
def serve_live(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """The server of that name in a pool."""

    def config(_pool: ServerPool, name: str) -> str:
        if name == "memory":
            return world.memory([account("SYS")], f"system_account: {world.SYS.public_key}")
        folder = tmp_path_factory.mktemp("live") / "jwt"
        world.write_accounts(folder, [account("SYS")], {})
        return _folder(name, folder)

    return by_name("live", config)


def test_names_are_unique() -> None:
    assert repeated(ROWS) == []


@pytest.mark.parametrize("scenario", ROWS, ids=str)
def test_scenario(
    scenario: Live,
    serve_live: Serve,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    expected = recorded.of(lambda: play(serve_live(reference_servers, scenario.server), scenario))
    if servers_under_test.kind == PYNATS:
        expected = differences.expected(scenario.name, expected)
    assert play(serve_live(servers_under_test, scenario.server), scenario) == expected
