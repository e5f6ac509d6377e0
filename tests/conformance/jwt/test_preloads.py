"""JWTs of a configuration that have faults: the server starts, and warns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.jwt import world
from tests.conformance.jwt.tokens import account, named
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

_WARNED = re.compile(r"\[WRN\] (.*)")
ACCOUNTS = [
    account("SYS"),
    account("A"),
    account("old") | {"exp": 1_700_000_001},
    account("early") | {"nbf": 4_000_000_000},
    account("bad", exports=[{"name": "x", "subject": "a..b", "type": "stream"}]),
    account("nameless") | {"name": ""},
]
RESOLVERS = {
    "memory": "resolver: MEMORY",
    "full": 'resolver { type: full, dir: "@FOLDER@/jwt" }',
    "cache": 'resolver { type: cache, dir: "@FOLDER@/jwt" }',
}


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_faults_are_warned_of(resolver: str, tmp_path: Path, recorded: Recorded) -> None:
    def warned(kind: str) -> list[str]:
        text = world.memory(ACCOUNTS, f"system_account: {world.SYS.public_key}")
        text = text.replace(RESOLVERS["memory"], RESOLVERS[resolver])
        with ServerProcess(kind, tmp_path / kind, text) as server:
            lines = named("\n".join(_WARNED.findall(server.log())))
        # Theirs come in any order; what belongs together does not part.
        return sorted(lines.replace(":\n  - ", ": ").split("\n"))

    theirs = recorded.of(lambda: warned(REFERENCE))
    assert warned(PYNATS) == theirs
