"""Any sequence of pushes, deletions, restarts and files that somebody changes: the resolver hands
out what a simple model says, and the disk has it, too."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_server.options import ResolverOptions
from pynats_server.resolver.base import ResolverError
from pynats_server.resolver.directory.merging import Refused
from pynats_server.resolver.directory.resolver import DirectoryResolver
from pynats_server.resolver.making import make_resolver

from tests.support.account_jwts import (
    OPERATOR,
    STRANGER,
    Lines,
    NoPeers,
    account_token,
    check,
    key,
)

NAMES = ("a", "b", "c")
AGES = (0, 1, 2)
LIMIT = 2
TOKENS = {
    (name, age, good): account_token(name, age=age, signer=OPERATOR if good else STRANGER)
    for name in NAMES
    for age in AGES
    for good in (True, False)
}
STEP = st.tuples(
    st.sampled_from(["push", "push", "delete", "restart", "edit", "spoil", "fetch"]),
    st.sampled_from(NAMES),
    st.sampled_from(AGES),
    st.sampled_from([True, True, False]),
)


class Model:
    """Texts by name."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.listed: set[str] = set()

    def push(self, name: str, age: int, good: bool) -> bool:
        old = self.texts.get(name, "")
        token = TOKENS[name, age, good]
        if old == token:  # whoever signed it
            self.listed.add(name)
            return True
        newer = any(old == TOKENS[name, other, True] for other in AGES if other > age)
        full = name not in self.listed and len(self.listed) >= LIMIT
        if not good or newer or full:
            return False
        self.texts[name] = token
        self.listed.add(name)
        return True


async def opened(folder: Path) -> DirectoryResolver:
    options = ResolverOptions(kind="full", dir=folder, limit=LIMIT, allow_delete=True)
    resolver = make_resolver(options, check, NoPeers(), Lines())
    assert isinstance(resolver, DirectoryResolver)
    await resolver.start()
    return resolver


async def play(folder: Path, steps: list[tuple[str, str, int, bool]]) -> None:
    model, resolver = Model(), await opened(folder)
    for what, name, age, good in steps:
        account = key(name)
        if what == "push":
            try:
                await resolver.update(account, TOKENS[name, age, good])
                taken = True
            except Refused:
                taken = False
            assert taken == model.push(name, age, good)
        elif what == "delete":
            await resolver.delete([account])
            model.texts.pop(name, None)
            model.listed.discard(name)
        elif what == "restart":
            await resolver.stop()
            resolver = await opened(folder)
            model.listed = set(model.texts)
        elif what in ("edit", "spoil"):
            text = TOKENS[name, age, good] if what == "edit" else "junk"
            (folder / f"{account}.jwt").write_text(text)
            model.texts[name] = text
        else:
            try:
                assert await resolver.fetch(account) == model.texts[name]
                model.listed.add(name)
            except ResolverError:
                assert name not in model.texts
        assert set(resolver.accounts()) == {key(each) for each in model.listed}
    await resolver.stop()
    for name in NAMES:
        place = folder / f"{key(name)}.jwt"
        assert (place.read_text() if place.exists() else None) == model.texts.get(name)


@settings(max_examples=60)
@given(st.lists(STEP, max_size=20))
def test_what_is_pushed_stays_until_something_newer_comes(
    steps: list[tuple[str, str, int, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps))
