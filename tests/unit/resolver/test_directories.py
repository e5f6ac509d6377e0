"""Resolvers with a folder: what is pushed, deleted, fetched, merged and forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import ResolverOptions
from pynats_server.resolver.base import ResolverError
from pynats_server.resolver.directory.full import FullResolver
from pynats_server.resolver.directory.merging import NotValid, Refused
from pynats_server.resolver.directory.packs import line_of
from pynats_server.resolver.directory.resolver import DirectoryResolver
from pynats_server.resolver.making import make_resolver

from tests.support.account_jwts import (
    STRANGER,
    SYSTEM,
    Lines,
    NoPeers,
    account_token,
    check,
    key,
)
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

A, B, C = key("a"), key("b"), key("c")
PRELOAD = {SYSTEM.public_key: account_token(SYSTEM)}


class Peer(NoPeers):
    """Another server, which has these JWTs, and sends these packs."""

    def __init__(self, answers: dict[str, str], packs: list[bytes] | None = None) -> None:
        super().__init__()
        self._answers = answers
        self._packs = packs or []
        self._take: Callable[[bytes], None] = lambda _: None

    async def first(self, subject: str, timeout_s: float) -> bytes | None:
        await super().first(subject, timeout_s)
        answer = self._answers.get(subject.split(".")[3])
        return None if answer is None else answer.encode()

    def collect(self, take: Callable[[bytes], None]) -> Peer:
        self._take = take
        return self

    def ask(self, subject: str, body: bytes) -> None:
        super().ask(subject, body)
        while self._packs:
            self._take(self._packs.pop(0))


class Home:
    """One resolver in a folder, and what it has told."""

    def __init__(self, resolver: DirectoryResolver, path: Path, log: Lines) -> None:
        self.resolver = resolver
        self.path = path
        self.log = log
        self.told: list[tuple[str, str | None]] = []
        resolver.on_change = lambda account, token: self.told.append((account, token))

    def text(self, account: str) -> str:
        place = self.path / f"{account}.jwt"
        return place.read_text() if place.exists() else ""


@asynccontextmanager
async def home(
    path: Path, kind: Any = "full", peers: NoPeers | None = None, **settings: Any
) -> AsyncIterator[Home]:
    log = Lines()
    options = ResolverOptions(kind=kind, dir=path, **settings)
    resolver = make_resolver(options, check, peers or NoPeers(), log)
    assert isinstance(resolver, DirectoryResolver)
    await resolver.start()
    try:
        yield Home(resolver, path, log)
    finally:
        await resolver.stop()


@on_loop
async def test_a_pushed_claim_is_on_the_disk_and_told(tmp_path: Path) -> None:
    async with home(tmp_path) as full:
        token = account_token("a")
        await full.resolver.update(A, token + "\n")
        assert full.text(A) == token
        assert full.told == [(A, token + "\n")]
        assert await full.resolver.fetch(A) == token
        await full.resolver.update(A, token)  # once more


@on_loop
async def test_an_older_claim_is_refused(tmp_path: Path) -> None:
    async with home(tmp_path) as full:
        newer, older = account_token("a", age=10), account_token("a")
        await full.resolver.update(A, newer)
        with pytest.raises(Refused, match="a newer jwt is stored"):
            await full.resolver.update(A, older)
        assert full.text(A) == newer
        assert len(full.told) == 1
        other = account_token("a", age=10, name="of the same second")
        await full.resolver.update(A, other)
        assert full.text(A) == other


@on_loop
async def test_what_would_not_count_is_refused(tmp_path: Path) -> None:
    async with home(tmp_path) as full:
        good = account_token("a")
        await full.resolver.update(A, good)

        def misuse(claims: Any) -> None:
            claims.nats.signing_keys = ["foo"]

        for token, error in (
            (account_token("a", age=1, signer=STRANGER), Refused),
            (account_token("a", age=1, change=misuse), NotValid),
            (account_token("b"), Refused),
            ("junk", Refused),
        ):
            with pytest.raises(error):
                await full.resolver.update(A, token)
        assert full.text(A) == good
        assert full.told == [(A, good)]


@on_loop
async def test_a_claim_that_would_not_count_gives_way(tmp_path: Path) -> None:
    (tmp_path / f"{A}.jwt").write_text(account_token("a", age=9, signer=STRANGER))
    (tmp_path / f"{B}.jwt").write_text("junk")
    async with home(tmp_path) as full:
        for name in "ab":
            await full.resolver.update(key(name), account_token(name))
            assert full.text(key(name)) == account_token(name)
        assert (tmp_path / f"{B}.jwt.damaged").read_text() == "junk"


@on_loop
async def test_a_file_that_cannot_be_read_is_kept(tmp_path: Path) -> None:
    (tmp_path / f"{A}.jwt").write_bytes(b"x" * (1 << 21))
    async with home(tmp_path, peers=Peer({A: account_token("a")})) as full:
        with pytest.raises(OSError, match="longer"):
            await full.resolver.update(A, account_token("a"))
        with pytest.raises(ResolverError):
            await full.resolver.fetch(A)
        assert len(full.text(A)) == 1 << 21


@on_loop
async def test_a_full_store_takes_no_others(tmp_path: Path) -> None:
    async with home(tmp_path, limit=2, preload=PRELOAD) as full:
        await full.resolver.update(A, account_token("a"))
        with pytest.raises(Refused, match="jwt store is full"):
            await full.resolver.update(B, account_token("b"))
        await full.resolver.update(A, account_token("a", age=1))
        await full.resolver.delete([A])
        await full.resolver.update(B, account_token("b"))


@on_loop
async def test_the_configuration_gives_way_to_newer_claims(tmp_path: Path) -> None:
    (tmp_path / f"{A}.jwt").write_text(account_token("a", age=5))
    (tmp_path / f"{B}.jwt").write_text(account_token("b"))
    preload = {A: account_token("a"), B: account_token("b", age=5), C: account_token("a")}
    preload["foo"] = account_token("c")
    async with home(tmp_path, preload=preload) as full:
        assert full.text(A) == account_token("a", age=5)
        assert full.text(B) == account_token("b", age=5)
        assert full.text(C) == full.text("foo") == ""
        assert len(full.log.said) == 2


@on_loop
async def test_deleted_accounts_are_gone(tmp_path: Path) -> None:
    settings = {"preload": {A: account_token("a")}, "allow_delete": True}
    async with home(tmp_path, **settings) as full:
        await full.resolver.update(B, account_token("b"))
        await full.resolver.delete([A, B, C])
        assert full.told[1:] == [(A, None), (B, None), (C, None)]
        assert list(full.resolver.accounts()) == []
        with pytest.raises(ResolverError, match="fetching jwt timed out"):
            await full.resolver.fetch(A)
    async with home(tmp_path, hard_delete=True, **settings) as full:
        await full.resolver.delete([A])
        assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
            [f"{A}.jwt.deleted", f"{B}.jwt.deleted"]
        )


@on_loop
async def test_other_servers_are_asked(tmp_path: Path) -> None:
    odd = {B: "junk", C: account_token("a"), key("d"): account_token("d", signer=STRANGER)}
    peer = Peer({A: account_token("a"), **odd})
    async with home(tmp_path, peers=peer) as full:
        assert await full.resolver.fetch(A) == account_token("a")
        assert full.text(A) == account_token("a")
        assert peer.asked == [f"$SYS.REQ.ACCOUNT.{A}.CLAIMS.LOOKUP"]
        for account in odd:
            with pytest.raises(ResolverError):
                await full.resolver.fetch(account)
            assert full.text(account) == ""
        for account in ("../x", "a/b", "foo", "*", A.lower(), A + "\0"):
            with pytest.raises(ResolverError, match="account missing"):
                await full.resolver.fetch(account)
        assert len(peer.asked) == 4


@on_loop
async def test_packs_of_other_servers_are_merged(tmp_path: Path) -> None:
    pack = "\n".join(
        [
            f"{A}|{account_token('a', age=-1)}",  # older
            f"{B}|{account_token('b')}",
            f"{C}|{account_token('c', signer=STRANGER)}",
            f"{C}|{account_token('b')}",
            "",
            "junk",
            f"{key('d')}|{account_token('d')}",  # the rest of the pack
        ]
    )
    last = [line_of(key("e"), account_token("e")), b"foo|bar", b""]
    peer = Peer({}, [pack.encode(), *last])
    async with home(tmp_path, peers=peer, interval=0.01) as full:
        await full.resolver.update(A, account_token("a"))
        await wait_until_async(lambda: bool(full.text(key("e"))), "the file")
        assert full.text(A) == account_token("a")
        assert full.text(B) == account_token("b")
        assert full.text(C) == full.text(key("d")) == ""
        assert (B, account_token("b")) in full.told
        assert peer.asked[0] == "$SYS.REQ.CLAIMS.PACK"


@on_loop
async def test_the_digest_covers_files_that_nobody_has_read(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{key(name)}.jwt").write_text(account_token(name))
    (tmp_path / "stray.jwt").write_text("x")
    async with home(tmp_path) as old:
        digest = await old.resolver.store.digest()
    async with home(tmp_path / "other") as new:
        for name in "ba":
            await new.resolver.update(key(name), account_token(name))
        assert await new.resolver.store.digest() == digest
        await new.resolver.delete([A])
        assert await new.resolver.store.digest() != digest


@on_loop
async def test_a_cache_forgets_what_nobody_needs(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    peer = Peer({key(name): account_token(name) for name in names})
    async with home(tmp_path, "cache", peer, limit=2) as cache:
        for name in names:
            await cache.resolver.fetch(key(name))
            await cache.resolver.fetch(A)  # is needed again and again
        assert set(cache.resolver.accounts()) == {A, C}
        assert sorted(each.name for each in tmp_path.iterdir()) == sorted([f"{A}.jwt", f"{C}.jwt"])
        assert len(peer.asked) == 3
        await cache.resolver.fetch(B)
        assert len(peer.asked) == 4


@on_loop
async def test_a_cache_forgets_what_is_old(tmp_path: Path) -> None:
    peer = Peer({A: account_token("a")})
    async with home(tmp_path, "cache", peer, ttl=0.05) as cache:
        await cache.resolver.fetch(A)
        await wait_until_async(lambda: not cache.text(A), "the file")
        await cache.resolver.fetch(A)
        assert len(peer.asked) == 2


@on_loop
async def test_a_cache_still_knows_the_configuration(tmp_path: Path) -> None:
    preload = {A: account_token("a"), B: account_token("b")}
    async with home(tmp_path, "cache", limit=1, preload=preload) as cache:
        for name in "ab":
            assert await cache.resolver.fetch(key(name)) == account_token(name)


@on_loop
async def test_a_start_does_not_read_all_files(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{key(str(number))}.jwt").write_text("x")
    async with home(tmp_path) as full:
        assert len(full.resolver.store.index.unread()) == 300
        assert isinstance(full.resolver, FullResolver)


@on_loop
async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = ResolverOptions(kind="full", dir=tmp_path / "file" / "x")
    with pytest.raises(ResolverError, match="not a directory"):
        await make_resolver(options, str, NoPeers(), Lines()).start()
