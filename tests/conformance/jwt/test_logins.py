"""Who may come in with which token, and what is said to who may not: as the real server has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.jwt import differences, world
from tests.conformance.jwt.login import Login, play
from tests.conformance.jwt.rows import form, keys, matrix, may, servers, who
from tests.conformance.jwt.serving import Serve, by_name
from tests.conformance.jwt.tokens import token
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.records import Recorded, as_text, repeated

ROWS: list[Login] = [*form.ROWS, *keys.ROWS, *who.ROWS, *may.ROWS, *servers.ROWS]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """The server of that name in a pool."""

    def config(pool: ServerPool, name: str) -> str:
        if name == "full":
            folder: Path = tmp_path_factory.mktemp("accounts") / pool.kind
            odd = {name: token(claims, world.OPERATOR) for name, claims in matrix.odd_accounts()}
            world.write_accounts(folder, world.accounts(), odd | world.files())
            return world.full(folder)
        ordinary = [each for each in world.accounts() if each["name"] in world.PRELOADED]
        texts = {
            "memory": lambda: world.memory(ordinary),
            "strict": lambda: world.memory(
                world.strict_accounts(), trusted=world.strict_operator_token()
            ),
            "sentinel": lambda: world.memory(ordinary, f"default_sentinel: {world.sentinel()}"),
            "scoped sentinel": lambda: world.memory(
                ordinary, f"default_sentinel: {servers.scoped_sentinel()}"
            ),
            "lost sentinel": lambda: world.memory(
                ordinary, f"default_sentinel: {servers.lost_sentinel()}"
            ),
        }
        return texts[name]()

    return by_name("jwt", config)


def test_names_are_unique() -> None:
    assert repeated(ROWS) == []


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_login(
    case: Login,
    serve: Serve,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    expected = recorded.of(lambda: play(serve(reference_servers, case.server), case))
    if servers_under_test.kind == PYNATS:
        expected = differences.expected(case.name, expected)
    assert play(serve(servers_under_test, case.server), case) == expected


@pytest.mark.parametrize("column", [*matrix.of_users(), *matrix.of_accounts()], ids=str)
def test_claim(
    column: matrix.Column,
    serve: Serve,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    def told(pool: ServerPool) -> list[dict[str, Any]]:
        server = serve(pool, "full")
        return column.told(lambda case: play(server, case))

    if servers_under_test.kind == PYNATS:
        for value in differences.REFUSED_VALUES.get(column.name, ()):
            server = serve(servers_under_test, "full")
            assert play(server, dict(column.logins)[value]) == differences.AV

    expected = recorded.of(lambda: told(reference_servers))
    ours = told(servers_under_test)
    if servers_under_test.kind == PYNATS:
        refused = differences.REFUSED_VALUES.get(column.name, ())
        ours, expected = (matrix.without(answers, refused) for answers in (ours, expected))
    assert as_text(ours) == as_text(expected)
