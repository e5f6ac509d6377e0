"""What is known of a folder without looking: order of use, digest, what has run out."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from pynats_server.resolver.directory.index import NOTHING, Index

from tests.support.account_jwts import account_token, key

NAMES = ["a", "b", "c", "d"]
TOKENS = {(name, age): account_token(name, age=age) for name in NAMES for age in (0, 1)}


def digest_of(tokens: list[str]) -> bytes:
    total = 0
    for token in tokens:
        total ^= int.from_bytes(hashlib.sha256(token.encode()).digest(), "big")
    return total.to_bytes(32, "big")


STEP = st.tuples(
    st.sampled_from(["put", "drop", "add", "saw", "use"]), st.sampled_from(NAMES), st.booleans()
)


@given(st.lists(STEP, max_size=40))
def test_the_digest_is_of_what_is_there(steps: list[tuple[str, str, bool]]) -> None:
    index = Index()
    model: dict[str, str] = {}
    for what, name, newer in steps:
        account, token = key(name), TOKENS[name, int(newer)]
        if what == "put":
            index.put(account, token)
            model.pop(account, None)
            model[account] = token
        elif what == "drop":
            index.drop(account)
            model.pop(account, None)
        elif what == "add":
            index.add(account)
            model.setdefault(account, "")
        elif what == "saw":
            index.saw(account, token)
            model[account] = token
        elif account in model:
            index.use(account)
            model[account] = model.pop(account)
        assert index.digest == digest_of([each for each in model.values() if each])
        assert list(index) == list(model)
        assert index.unread() == [each for each, text in model.items() if not text]


def test_strangers_do_not_count() -> None:
    index = Index()
    index.put("stray", TOKENS["a", 0])
    index.put(key("a"), "junk")
    assert index.digest == NOTHING
    assert list(index) == ["stray", key("a")]
    assert index.unread() == []


def test_what_runs_out() -> None:
    index = Index()
    index.put(key("a"), TOKENS["a", 0], until=10.0)
    index.put(key("b"), TOKENS["b", 0])
    assert index.expired(9.0) == []
    assert index.expired(10.0) == [key("a")]
