"""Accounts that come by JWTs: they are loaded once, and a change concerns those it is about."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.jwt.types import Export, Import, MsgTrace, WeightedMapping
from pynats_common.nkeys import Prefix
from pynats_server.operator import ClaimedAccounts, ClaimsError, Trust
from pynats_server.operator.claims import Claimed, claimed_of
from pynats_server.operator.sharing import Taken
from pynats_server.options import OperatorOptions, Options
from pynats_server.work import Turns

from tests.support.account_jwts import (
    ISSUED,
    OPERATOR,
    SIGNER,
    STRANGER,
    Lines,
    account_token,
    key,
    operator_token,
    pair,
)
from tests.support.circles import circles
from tests.support.deadline import next_turn

Change = Callable[[jwt.AccountClaims], object]


class Source:
    """JWTs by account; those that are slow are not known without waiting."""

    def __init__(self, **tokens: str) -> None:
        self.tokens = {key(name): token for name, token in tokens.items()}
        self.slow = False
        self.fetched: list[str] = []

    def known(self, account: str) -> str | None:
        return None if self.slow else self.tokens.get(account)

    def join(self, account: str, address: str) -> None: ...

    async def fetch(self, account: str, address: str = "") -> str:
        self.fetched.append(account)
        await next_turn()
        if account not in self.tokens:
            raise LookupError("account missing")
        return self.tokens[account]


class Host:
    """Remembers what accounts import."""

    def __init__(self) -> None:
        self.turns = Turns(asyncio.get_running_loop(), _raise)
        self.adopted: list[str] = []
        self.taken: dict[str, Taken] = {}

    def adopt(self, claimed: Claimed) -> None:
        self.adopted.append(claimed.account)

    def take(self, account: str, taken: Taken, changed: str = "") -> None:
        self.taken[account] = taken

    def streams(self, name: str) -> list[str]:
        return [link.names.pattern for link in self.taken[key(name)].streams]


def _raise(error: BaseException) -> None:
    raise error


def exporting(*subjects: str, private: bool = False, **more: Any) -> Change:
    def change(claims: jwt.AccountClaims) -> None:
        claims.nats.exports = [
            Export(name=each, subject=each, type="stream", token_req=private, **more)
            for each in subjects
        ]

    return change


def importing(exporter: str, *subjects: str, token: str = "") -> Change:
    def change(claims: jwt.AccountClaims) -> None:
        claims.nats.imports = [
            Import(name=each, subject=each, account=key(exporter), type="stream", token=token)
            for each in subjects
        ]

    return change


def activation(importer: str, exporter: str, subject: str, *, exp: int = 0) -> str:
    claims = jwt.ActivationClaims(sub=key(importer), exp=exp)
    claims.nats.subject, claims.nats.import_kind = subject, "stream"
    return jwt.encode(claims, pair(exporter), issued_at=ISSUED)


def options(**more: Any) -> Options:
    return Options(operator=OperatorOptions(tokens=[operator_token()], **more))


def run(
    play: Callable[[ClaimedAccounts, Source, Host], Awaitable[None]],
    source: Source,
    configured: Options | None = None,
) -> None:
    async def playing() -> None:
        host = Host()
        accounts = ClaimedAccounts(Trust(configured or options()), source, host, Lines())  # type: ignore[arg-type]
        try:
            await play(accounts, source, host)
        finally:
            accounts.stop()

    asyncio.run(playing())


def test_those_who_ask_together_share_one_look_up() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        source.slow = True
        assert accounts.load_now(key("A")) is None
        found = await asyncio.gather(*(accounts.load(key("A")) for _ in range(20)))
        assert source.fetched == [key("A")]
        assert len(set(map(id, found))) == 1
        assert accounts.find(key("A")) is found[0]

    run(play, Source(A=account_token("A")))


def test_accounts_that_are_not_there_leave_no_circles() -> None:
    async def ask(accounts: ClaimedAccounts) -> None:
        with pytest.raises(LookupError):
            await accounts.load(key("A"))

    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        await ask(accounts)
        with circles() as found:
            await ask(accounts)
            await next_turn()
        assert found["_asyncio.Task"] == found["builtins.coroutine"] == 0, found

    run(play, Source())


def test_those_that_it_imports_of_come_with_it() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        source.slow = True
        await accounts.load(key("A"))
        assert len(accounts) == 3
        assert host.streams("A") == ["ev.x"]
        assert host.streams("B") == ["far.>"]

    run(play, Source(
        A=account_token("A", change=importing("B", "ev.x")),
        B=account_token("B", change=lambda c: (exporting("ev.>")(c), importing("C", "far.>")(c))),
        C=account_token("C", change=exporting("far.>")),
    ))  # fmt: skip


def test_an_import_sleeps_until_its_exporter_is_there() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        found = await accounts.load(key("A"))
        assert found.incomplete
        assert host.streams("A") == []
        accounts.update(key("B"), account_token("B", change=exporting("ev.>")))
        assert host.streams("A") == ["ev.x"]
        assert not found.incomplete

    run(play, Source(A=account_token("A", change=importing("B", "ev.x"))))


def test_only_importers_follow_an_export() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        for name in ("A", "B", "C"):
            await accounts.load(key(name))
        host.taken.clear()
        accounts.update(key("B"), account_token("B", age=1, change=exporting("other.>")))
        assert set(host.taken) == {key("A"), key("B")}
        assert host.streams("A") == []
        host.taken.clear()
        accounts.update(key("B"), account_token("B", age=2, change=exporting("other.>")))
        assert set(host.taken) == {key("B")}  # it exports what it did

    run(play, Source(
        A=account_token("A", change=importing("B", "ev.x")),
        B=account_token("B", change=exporting("ev.>")),
        C=account_token("C"),
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("token", "open_"),
    [
        ("", False),
        ("junk", False),
        ("http://127.0.0.1:1/token", False),
        (activation("A", "B", "ev.x"), True),
        (activation("A", "B", "ev.>"), True),
        (activation("A", "B", "ev.y"), False),
        (activation("C", "B", "ev.x"), False),
        (activation("A", "C", "ev.x"), False),
        (activation("A", "B", "ev.x", exp=ISSUED + 1), False),
    ],
)
def test_what_is_private_needs_a_good_activation(token: str, open_: bool) -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        # Claims with a bad token are refused when they are pushed: here they are in force already.
        made = account_token("A", change=importing("B", "ev.x", token=token))
        claims = jwt.decode_as(jwt.AccountClaims, made)
        await accounts.load(key("B"))
        accounts._put(claimed_of(made, claims, strict=False, now=0.0))
        assert host.streams("A") == (["ev.x"] if open_ else [])

    run(play, Source(B=account_token("B", change=exporting("ev.>", private=True))))


def test_a_revoked_activation_is_none() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        await accounts.load(key("A"))
        assert host.streams("A") == ["ev.x"]
        revoked = exporting("ev.>", private=True, revocations={key("A"): ISSUED})
        accounts.update(key("B"), account_token("B", age=1, change=revoked))
        assert host.streams("A") == []

    run(play, Source(
        A=account_token("A", change=importing("B", "ev.x", token=activation("A", "B", "ev.>"))),
        B=account_token("B", change=exporting("ev.>", private=True)),
    ))  # fmt: skip


def test_of_a_circle_the_last_import_is_left_out() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        for name in ("A", "B"):
            await accounts.load(key(name))
        assert [host.streams(name) for name in ("A", "B")].count([]) == 1

    def both(other: str) -> Change:
        return lambda claims: (exporting("x.>")(claims), importing(other, "x.>")(claims))

    run(play, Source(
        A=account_token("A", change=both("B")), B=account_token("B", change=both("A"))
    ))  # fmt: skip


def test_after_its_end_only_another_jwt_counts() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        told: list[bool] = []
        accounts.followers.append(lambda before, now: told.append(now.expired))
        await accounts.load(key("A"))
        accounts.delete(key("A"))
        assert told == [False, True]
        assert accounts.find(key("A")) is None
        with pytest.raises(ClaimsError, match="account expired"):
            await accounts.load(key("A"))
        accounts.update(key("A"), source.tokens[key("A")])
        assert accounts.find(key("A")) is None
        accounts.update(key("A"), account_token("A", age=1))
        assert accounts.find(key("A")) is not None

    run(play, Source(A=account_token("A")))


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("junk", "expected 3 chunks"),
        (account_token("A", signer=STRANGER), "account validation failed"),
        (account_token("A", signer=pair("A")), "account validation failed"),
        (account_token("B"), "account validation failed"),  # that of another account
        (
            account_token("A", change=lambda claims: setattr(claims, "exp", ISSUED + 1)),
            "account validation failed",
        ),
        (
            account_token("A", change=lambda claims: setattr(claims, "nbf", 1 << 40)),
            "account validation failed",
        ),
        (account_token("A", change=importing("A", "a..b")), "jwt validation failed - validation"),
        (operator_token(), "not account claim"),
    ],
)
def test_what_is_not_good_is_not_loaded(token: str, why: str) -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        source.tokens[key("A")] = token
        assert accounts.load_now(key("A")) is None
        with pytest.raises(ClaimsError, match=why):
            await accounts.load(key("A"))
        assert host.adopted == []

    run(play, Source())


def test_only_pinned_accounts_are_there() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        assert accounts.load_now(key("A")) is not None
        assert accounts.load_now(key("B")) is None
        with pytest.raises(ClaimsError, match="pinned"):
            await accounts.load(key("B"))

    source = Source(A=account_token("A"), B=account_token("B"))
    run(play, source, options(pinned_accounts=[key("A")]))


def test_a_stranger_s_key_is_no_account() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        for text in ("", "A", key("A")[:-1], pair("u", Prefix.USER).public_key, "../x"):
            with pytest.raises(ClaimsError, match="only fetch valid account keys"):
                await accounts.load(text)
        assert source.fetched == []

    run(play, Source())


def test_a_strict_operator_signs_with_its_signing_keys_only() -> None:
    claims = jwt.OperatorClaims(sub=OPERATOR.public_key)
    claims.nats.signing_keys = [SIGNER.public_key]
    claims.nats.strict_signing_key_usage = True
    token = jwt.encode(claims, OPERATOR, issued_at=ISSUED)
    trust = Trust(Options(operator=OperatorOptions(tokens=[token])))
    assert not trust.is_trusted(OPERATOR.public_key)
    assert trust.is_trusted(SIGNER.public_key)
    assert trust.is_strict(SIGNER.public_key)
    account = jwt.decode_as(jwt.AccountClaims, account_token("A", signer=SIGNER))
    assert claimed_of("", account, True, 0.0).signers == {}
    assert claimed_of("", account, False, 0.0).signers == {key("A"): None}


def test_limits_below_unlimited_allow_nothing() -> None:
    def change(claims: jwt.AccountClaims) -> None:
        limits = claims.nats.limits
        limits.conn, limits.subs, limits.payload = -5, 2**40, 0
        claims.nats.trace = MsgTrace(dest="traces")
        claims.nats.mappings = {"a": [WeightedMapping(subject="b")]}

    token = account_token("A", change=change)
    made = claimed_of(token, jwt.decode_as(jwt.AccountClaims, token), False, 0.0).options
    assert (made.limits.max_connections, made.limits.max_subscriptions) == (0, 2**40)
    assert made.limits.max_payload == 0
    assert made.msg_trace is not None
    assert made.msg_trace.sampling == 100
    assert made.mappings["a"][0].weight == 100
    assert made.jetstream is None


def test_of_many_importers_the_loop_looks_at_some_at_a_time() -> None:
    names = [f"importer {number}" for number in range(200)]

    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        for name in ("B", *names):
            await accounts.load(key(name))
        host.taken.clear()
        accounts.update(key("B"), account_token("B", age=1, change=exporting("other.>")))
        assert len(host.taken) < len(names)
        while len(host.taken) <= len(names):
            await next_turn()
        assert all(host.streams(name) == [] for name in names)

    tokens = {name: account_token(name, change=importing("B", "ev.x")) for name in names}
    run(play, Source(B=account_token("B", change=exporting("ev.>")), **tokens))


class Held(Source):
    """Answers for some accounts only when it may."""

    def __init__(self, *held: str, **tokens: str) -> None:
        super().__init__(**tokens)
        self.slow = True
        self.held = {key(name) for name in held}
        self.may = asyncio.Event()

    async def fetch(self, account: str, address: str = "") -> str:
        token = await super().fetch(account, address)
        if account in self.held:
            await self.may.wait()
        return token


def test_what_is_pushed_while_others_are_fetched_counts() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        assert isinstance(source, Held)
        loading = asyncio.ensure_future(accounts.load(key("A")))
        while len(source.fetched) < 3:  # A is there, and one of the exporters is
            await next_turn()
        accounts.update(key("A"), account_token("A", age=1, change=importing("B", "ev.y")))
        accounts.delete(key("C"))
        source.may.set()
        assert (await loading).claims.iat == ISSUED + 1
        assert host.streams("A") == ["ev.y"]
        assert accounts.find(key("C")) is None
        assert not accounts._overtaken
        assert not accounts._arriving

    def both(claims: jwt.AccountClaims) -> None:
        importing("B", "ev.x")(claims)
        imported = claims.nats.imports
        importing("C", "far.x")(claims)
        claims.nats.imports += imported

    run(play, Held("B", A=account_token("A", change=both), C=account_token("C"),
                   B=account_token("B", change=exporting("ev.>"))))  # fmt: skip


def test_who_is_deleted_while_others_are_fetched_does_not_come_back() -> None:
    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        assert isinstance(source, Held)
        loading = asyncio.ensure_future(accounts.load(key("A")))
        while len(source.fetched) < 2:
            await next_turn()
        accounts.delete(key("A"))
        source.may.set()
        with pytest.raises(ClaimsError, match="account expired"):
            await loading
        assert accounts.get(key("A")) is None

    run(play, Held("B", A=account_token("A", change=importing("B", "ev.x")),
                   B=account_token("B", change=exporting("ev.>"))))  # fmt: skip


def test_accounts_that_come_together_come_in_turns() -> None:
    """One that imports of thousands must not hold up the loop while they come."""
    exporters = [f"E{number}" for number in range(40)]

    def all_of_them(claims: jwt.AccountClaims) -> None:
        claims.nats.imports = [
            Import(name=each, subject="ev.x", local_subject=f"{each}.x", account=key(each),
                   type="stream")
            for each in exporters
        ]  # fmt: skip

    async def play(accounts: ClaimedAccounts, source: Source, host: Host) -> None:
        source.slow = True
        loading, passes = asyncio.ensure_future(accounts.load(key("A"))), [0]
        while not loading.done():
            await next_turn()
            if (here := len(host.adopted)) > passes[-1]:
                passes.append(here)
        assert len(host.adopted) == 41
        assert max(b - a for a, b in itertools.pairwise(passes)) <= 8

    tokens = {each: account_token(each, change=exporting("ev.>")) for each in exporters}
    run(play, Source(A=account_token("A", change=all_of_them), **tokens))
