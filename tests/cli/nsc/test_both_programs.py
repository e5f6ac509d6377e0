"""One store, two programs: what one has made the other carries on, and servers do as both say.

The original `nsc` takes part where it is found: on the path, or as PYNATS_REAL_NSC.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_common import jwt
from pynats_common.nkeys import Prefix, create_pair

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import connect

Program = Callable[..., str]
REAL = os.environ.get("PYNATS_REAL_NSC") or shutil.which("nsc")
OURS, THEIRS = "pynsc", "nsc"
ORIGINAL = pytest.mark.skipif(REAL is None, reason="there is no nsc here")


@pytest.fixture
def programs(nsc: Callable[..., Any], home: Path) -> dict[str, Program]:
    """Both by name; each says what it has to say, and fails where its exit status is another."""

    def ours(*arguments: str, code: int = 0) -> str:
        done = nsc(*arguments, code=code)
        return str(done.out + done.err)

    def theirs(*arguments: str, code: int = 0) -> str:
        assert REAL is not None
        environ = os.environ | {"HOME": str(home), "NSC_NO_GIT_IGNORE": "true"}
        done = subprocess.run(
            [REAL, *arguments], env=environ, cwd=home, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == (code != 0), f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return {OURS: ours, THEIRS: theirs}


class Team:
    """Operator O with account A; its users are u and, by the role `team`, s."""

    def __init__(self, home: Path) -> None:
        self._data = home / ".local/share/nats/nsc"

    def make(self, program: Program) -> None:
        program("add", "operator", "O", "--sys")
        program("add", "account", "A")
        program("edit", "signing-key", "--account", "A", "--sk", "generate", "--role", "team",
                "--allow-pub", "{{name()}}.>", "--allow-sub", "{{name()}}.>")  # fmt: skip
        program("add", "user", "u", "--account", "A")
        program("add", "user", "s", "--account", "A", "-K", "team")

    def claims(self) -> jwt.AccountClaims:
        return jwt.decode_as(jwt.AccountClaims, self.token.read_text().strip())

    @property
    def token(self) -> Path:
        return self._data / "stores/O/accounts/A/A.jwt"

    def creds(self, user: str) -> str:
        return str(self._data / f"keys/creds/O/A/{user}.creds")


class Guest:
    """A connection that does not come back, and why it went."""

    def __init__(self) -> None:
        self.client: Client
        self._gone = asyncio.Event()

    @classmethod
    async def of(cls, url: str, creds: str) -> Guest:
        guest = cls()

        async def failed(_: Exception) -> None:
            pass  # it is kept, too

        async def closed() -> None:
            guest._gone.set()

        guest.client = await connect(
            url, user_credentials=creds, allow_reconnect=False, error_cb=failed, closed_cb=closed
        )
        return guest

    @property
    def heard(self) -> str:
        """What the server has complained of last."""
        return str(self.client.last_error).lower()

    async def gone(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            await self._gone.wait()
        return self.heard

    async def talks(self, subject: str) -> None:
        waiting = await self.client.subscribe(subject)
        await self.client.publish(subject, b"hi")
        assert (await waiting.next_msg(timeout=PATIENCE_S)).data == b"hi"
        await waiting.unsubscribe()


async def told(program: Program, *arguments: str) -> str:
    """What a program says; it has a loop of its own."""
    return await asyncio.to_thread(program, *arguments)


async def refused(url: str, creds: str) -> None:
    with pytest.raises(Exception, match=r"(?i)authorization violation"):
        await connect(url, user_credentials=creds, allow_reconnect=False)


PAIRS = [
    (OURS, OURS),
    pytest.param(OURS, THEIRS, marks=ORIGINAL),
    pytest.param(THEIRS, OURS, marks=ORIGINAL),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_store_is_carried_on_by_the_other_program(
    first: str,
    second: str,
    programs: dict[str, Program],
    home: Path,
    start_server: Callable[[str], Any],
) -> None:
    one, other = programs[first], programs[second]
    team = Team(home)
    team.make(one)
    server = start_server(one("generate", "config", "--nats-resolver"))
    url = server.url
    one("edit", "operator", "--service-url", url, "--account-jwt-server-url", url)

    async def push(program: Program) -> None:
        assert "jwt updated" in await told(program, "push", "-a", "A", "-u", url)

    async def live() -> None:
        await refused(url, team.creds("u"))  # nobody has pushed the account
        await push(one)
        u, s = await Guest.of(url, team.creds("u")), await Guest.of(url, team.creds("s"))
        await u.talks("any.thing")
        await s.talks("s.own")
        await s.client.publish("u.own", b"not his")
        denied = "permissions violation for publish"
        await wait_until_async(lambda: denied in s.heard, denied)

        await told(other, "revocations", "add-user", "-a", "A", "-n", "u")
        await push(other)
        assert "revoked" in await u.gone()
        await refused(url, team.creds("u"))
        await s.talks("s.own")

        await told(one, "revocations", "delete-user", "-a", "A", "-n", "u")
        await push(one)
        u = await Guest.of(url, team.creds("u"))

        (key,) = team.claims().nats.signing_key_ids()
        await told(other, "edit", "account", "A", "--rm-sk", key)
        role = (
            "--sk",
            "generate",
            "--role",
            "team",
            "--allow-pub",
            "new.>",
            "--allow-sub",
            "new.>",
        )
        await told(other, "edit", "signing-key", "--account", "A", *role)
        await push(other)
        await s.gone()
        await refused(url, team.creds("s"))
        await told(one, "delete", "user", "s", "-a", "A", "--rm-nkey", "--rm-creds")
        await told(one, "add", "user", "s", "-a", "A", "-K", "team")
        s = await Guest.of(url, team.creds("s"))
        await s.talks("new.subject")

        await told(other, "edit", "account", "A", "--conns", "1")
        await push(other)
        assert "maximum account" in await s.gone()
        await u.talks("still.here")
        await told(one, "edit", "account", "A", "--payload", "5", "--conns", "-1")
        await push(one)
        late = await Guest.of(url, team.creds("u"))
        await late.client.publish("large", b"123456")
        assert "maximum payload violation" in await late.gone()
        await u.client.close()

    asyncio.run(live())
    pushed = team.token.read_text()
    team.token.unlink()
    assert "A" in other("pull", "-A")
    assert jwt.decode(team.token.read_text().strip()) == jwt.decode(pushed.strip())
    for program in (one, other):
        assert "A" in program("describe", "account", "A")
        program("validate", "-A")
    assert team.claims().nats.limits.payload == 5


@pytest.mark.parametrize("first", [OURS, pytest.param(THEIRS, marks=ORIGINAL)])
def test_a_server_with_accounts_in_its_configuration(
    first: str, programs: dict[str, Program], home: Path, start_server: Callable[[str], Any]
) -> None:
    team = Team(home)
    team.make(programs[first])
    server = start_server(programs[first]("generate", "config", "--mem-resolver"))

    async def live() -> None:
        s = await Guest.of(server.url, team.creds("s"))
        await s.talks("s.own")
        await s.client.close()

    asyncio.run(live())


@ORIGINAL
def test_a_token_of_either_is_the_same(programs: dict[str, Program], home: Path) -> None:
    """What one edits and the other edits back has the claims that it had."""
    team = Team(home)
    team.make(programs[THEIRS])
    programs[THEIRS]("edit", "account", "A", "--tag", "x")  # it completes the limits
    before = team.claims().nats
    key = create_pair(Prefix.ACCOUNT).public_key
    programs[OURS]("edit", "account", "A", "--sk", key, "--description", "x")
    programs[THEIRS]("edit", "account", "A", "--rm-sk", key, "--description", "")
    assert team.claims().nats == before
