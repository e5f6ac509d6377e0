"""What published advisories tell of tokens, with their inputs.

Others are rows of the corpus: what a client may say of accounts (CVE-2022-24450) and short keys
(GHSA-g33f) in rows/form and rows/keys, claims that are missing, null or of another type
(CVE-2020-26521) in rows/matrix, revocations and their times (CVE-2020-26892) in rows/who and
live/rows_changes, circles of imports (CVE-2020-28466, CVE-2022-42709) and activation tokens
(CVE-2021-3127) in live/rows_shares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_common.nkeys import KeyPair

from tests.conformance.jwt import world
from tests.conformance.jwt.live.stage import System
from tests.conformance.jwt.login import Login, play, signing
from tests.conformance.jwt.tokens import account, account_key, token, user, user_key
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded
from tests.support.transcript import CLOSED

IDS = (
    "..", "../x", "../../x", "/tmp/x", "%2e%2e%2fx", "..\\x", "x/../../y", "x\0y", ".", "*",
    "~", "A" * 56, "A" * 4000, f"../{account_key('A').public_key}",
    account_key("A").public_key + "/../x", account_key("A").public_key.lower(),
)  # fmt: skip

ELSE = token(account("A", description="of somebody else"), world.OPERATOR)


def serving(kind: str, folder: Path, monitor: str = "") -> ServerProcess:
    world.write_accounts(folder / "jwt", [account("SYS"), account("A")], {})
    return ServerProcess(kind, folder / kind, world.full(folder / "jwt") + monitor)


def files_below(folder: Path) -> list[str]:
    """Paths with tokens in them, keys as names."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log")
    shown = (str(path.relative_to(folder)) for path in found if b"eyJ" in path.read_bytes())
    return sorted(path for path in shown if "server.conf" not in path)


def pushed_under(kind: str, folder: Path) -> list[str]:
    """What is on the disk after updates in the names of ids that are paths (CVE-2022-28357)."""
    (folder / kind).mkdir()
    # Somebody else's, where paths would lead: not to be told, replaced or removed.
    for place in (folder / kind / "else", folder / kind / "a" / "b" / "x"):
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{place}.jwt").write_text(ELSE)
    told: list[str | None] = []
    with serving(kind, folder / kind / "a" / "b") as server:
        system = System(server.port)
        try:
            for each in (*IDS, str(folder / kind / "else")):
                jwt = token(account("A") | {"sub": each}, world.OPERATOR)
                quiet = 0.05  # there is no answer to most
                for subject in (f"$SYS.REQ.ACCOUNT.{each}.CLAIMS.UPDATE", "$SYS.REQ.CLAIMS.UPDATE"):
                    system.request(subject, jwt, quiet)
                system.request(f"$SYS.REQ.ACCOUNT.{each}.CLAIMS.UPDATE", token(
                    account("A", description="x"), world.OPERATOR), quiet)  # fmt: skip
                told.append(system.request(f"$SYS.REQ.ACCOUNT.{each}.CLAIMS.LOOKUP", "", quiet))
                deletion = {
                    "jti": "J",
                    "iat": 1,
                    "iss": world.OPERATOR.public_key,
                    "sub": world.OPERATOR.public_key,
                    "nats": {"accounts": [each]},
                }
                system.request("$SYS.REQ.CLAIMS.DELETE", token(deletion, world.OPERATOR), quiet)
            assert system.request("$SYS.REQ.CLAIMS.LIST") is not None  # it is still there
        finally:
            system.close()
    assert ELSE not in told
    assert not Path("/tmp/x").exists() and not Path("/tmp/x.jwt").exists()
    return files_below(folder / kind)


def test_an_id_is_no_path(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: pushed_under(REFERENCE, tmp_path))
    assert pushed_under(PYNATS, tmp_path) == expected


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(PYNATS, tmp_path_factory.mktemp("ours"), "trace: true\ndebug: true\n") as made:
        yield made


KEYS = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    ("iss",), ("sub",), ("exp",), ("nbf",), ("iat",), ("nats",), ("nats", "pub"),
    ("nats", "sub"), ("nats", "pub", "allow"), ("nats", "sub", "deny"), ("nats", "resp"),
    ("nats", "src"), ("nats", "times"), ("nats", "issuer_account"), ("nats", "type"),
    ("nats", "version"), ("nats", "tags"), ("nats", "allowed_connection_types"),
    ("nats", "times_location"), ("nats", "subs"), ("nats", "payload"),
]  # fmt: skip


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PATHS), JSON), min_size=1, max_size=3), st.booleans())
def test_no_claim_of_a_user_ends_the_server(
    server: ServerProcess, changes: list[tuple[tuple[str, ...], Any]], bare: bool
) -> None:
    """CVE-2020-26521: whatever stands where, the client is let in or sent away."""
    claims: Any = {} if bare else user("u", world.A)
    for path, value in changes:
        inner = claims
        for name in path[:-1]:
            if not isinstance(inner.get(name), dict):
                inner[name] = {}
            inner = inner[name]
        inner[path[-1]] = value
    with RawClient(server.port) as client:
        nonce = json.loads(client.read_info().removeprefix(b"INFO "))["nonce"]
        fields = {"jwt": token(claims, world.A), "sig": signing(user_key("u"))(nonce)}
        client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\n")
        client.fence()
        assert not client.timed_out
        assert not client.closed or b"-ERR" in client.received
    assert server.alive
    assert "Traceback" not in server.log()


def _login(server: ServerProcess, name: str, jwt: str, key: KeyPair | None) -> str:
    """Logs in; returns the signature that was sent."""
    sent: list[str] = []

    def sign(nonce: str) -> str:
        sent.append(signing(key or user_key(name))(nonce))
        return sent[0]

    play(server, Login(name, jwt, sign=sign, talk=("SUB a 1",)))
    return sent[0]


def test_what_opens_doors_is_not_shown(server: ServerProcess) -> None:
    """CVE-2026-33216: not in monitoring, logs and traces."""
    bearer = token(user("sentinel", world.A, bearer_token=True), world.A)
    signatures = [
        _login(server, "u", token(user("u", world.A), world.A), None),
        _login(server, "v", token(user("v", world.A), world.A), user_key("u")),
        _login(server, "sentinel", bearer, None),
    ]
    with RawClient(server.port) as client:
        client.read_info()
        fields = {"jwt": bearer, "verbose": False}
        client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\n")
        client.fence()
        open_now = json.dumps(server.monitoring("/connz?auth=1&subs=detail"))
        assert user_key("sentinel").public_key in open_now
        assert bearer not in open_now
    wait_until(lambda: server.monitoring("/connz?state=closed")["total"] > 3, "closed connections")
    shown = "".join(
        json.dumps(server.monitoring(path))
        for path in ("/connz?auth=1&state=all", "/varz", "/accountz", "/subsz?subs=1", "/accstatz")
    )
    assert bearer not in shown
    log = server.log()
    assert '"sig":"[REDACTED]"' in log.replace(" ", "")
    for each in signatures:
        assert each not in shown and each not in log
    assert not re.search(r"\bS[UAO][A-Z2-7]{56}\b", shown + log)  # no seeds


def test_a_closed_client_says_so(server: ServerProcess) -> None:
    """The cases above see a client that is sent away as one: this one is."""
    told = play(server, Login("nobody", "junk", sign=lambda _: "x"))
    assert told == ["-ERR 'Authorization Violation'", CLOSED]
