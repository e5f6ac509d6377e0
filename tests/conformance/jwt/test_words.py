"""What the log says of log-ins with JWTs, and of the accounts that they need."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.jwt import world
from tests.conformance.jwt.login import Login, play
from tests.conformance.jwt.rows import form, keys, may, who
from tests.conformance.jwt.tokens import named
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

NAMES = (
    "good", "empty", "junk", "signed by an unknown account", "issued by a signing key of another",
    "sub of nobody", "another account's token later", "exp 1700000001",
    "nbf 4000000000", "file: of junk", "file: of another account", "revoked, issued 1599999999",
    "times: never", "kinds: WEBSOCKET", "bearer from elsewhere", "bearer where none may be",
    "may: publish a queue", "may: payload 2**40", "may: 2**40 subscriptions",
    "account: mapping", "account: exporter",
    "role and limits of -1", "role tag", "role unknown", "role src", "src: a netmask",
)  # fmt: skip
ROWS: dict[str, Login] = {
    row.name: row
    for row in (*form.ROWS, *keys.ROWS, *who.ROWS, *may.ROWS)
    if row.name in NAMES and row.server == "full"
}
_LINE = re.compile(r"(\[[A-Z]+\]) (?:\S+ - cid:\d+ - )?(.*)")
_ABOUT = re.compile(
    r"JWT|ccount|Adding|Signature|Connection type|Bad src|Outside|nkey|revoked|^Max "
)
_OURS_SAYS_MORE = re.compile(
    r"(requires a user JWT|nkey not valid|generated invalid permissions|Issues:\[(?!claim)).*"
)


def test_log_ins(tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: _said(REFERENCE, tmp_path / "theirs"))
    assert _said(PYNATS, tmp_path / "ours") == theirs


def _said(kind: str, folder: Path) -> list[str]:
    folder.mkdir()
    world.write_accounts(folder / "jwt", world.accounts(), world.files())
    found: list[str] = []
    with ServerProcess(
        kind, folder, "debug: true\nmax_subscriptions: 99\n" + world.full(folder / "jwt")
    ) as server:
        for name, row in ROWS.items():
            begins = len(server.log())
            play(server, row)
            lines = map(_LINE.search, server.log_of_connection(begins).split("\n"))
            found += sorted(
                f"{name} {_masked(' '.join(line.groups()))}"
                for line in lines
                if line is not None and _ABOUT.search(line[2]) and "Violation" not in line[2]
            )
    return found


def _masked(line: str) -> str:
    line = re.sub(r"fetch took \S+", "fetch took <time>", line)
    line = line.partition(" accused ")[0]  # an address in memory
    return named(_OURS_SAYS_MORE.sub(r"\1", line))
