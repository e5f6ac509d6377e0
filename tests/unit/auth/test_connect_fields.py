"""What CONNECT may have in its fields: anything, and nobody comes in by it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.auth import ConnectOptions, Hello, Refusal, Slow, Verdict
from pynats_server.auth.chain import Chain
from pynats_server.auth.secrets import check_bcrypt, is_bcrypt
from pynats_server.auth.signatures import new_nonce
from pynats_server.options import AccountOptions, Authorization, Options, ProxyOptions, User

from tests.support.signing import public_key

SECRET = "a-secret-that-nobody-guesses"
HASH = "$2a$04$DtDIXr3hzDHOV13781F4H./wKdcygpHKQtHdT1L.1QjKc2C9MaQYi"
ANN, GATE = public_key("ann"), public_key("gate")
NAMES = (
    "verbose", "pedantic", "echo", "tls_required", "headers", "no_responders", "protocol", "name",
    "lang", "version", "user", "pass", "auth_token", "nkey", "jwt", "sig", "proxy_sig", "account",
    "new_account", "import", "export", "remote_account",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=80)
    | st.sampled_from(["", "pat", "hal", "$2a$04$", "$2a$11$short", HASH, ANN, GATE, "$SYS", "A"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
KEYS = st.sampled_from([*NAMES, *(name.upper() for name in NAMES), "pa\u017f\u017f"])
CHAIN = Chain(
    Options(
        accounts={"A": AccountOptions([User("pat", SECRET), User(nkey=ANN)])},
        authorization=Authorization(users=[User("hal", HASH), User("cut", "$2a$11$short")]),
        proxies=ProxyOptions([GATE]),
    ),
    "guest-1",
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=8), st.booleans())
def test_whatever_the_fields_say_nobody_comes_in(pairs: list[tuple[str, Any]], again: bool) -> None:
    members = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    raw = f"{{{members}}}".encode("utf-8", "surrogatepass")
    said = ConnectOptions()
    try:
        said.update(raw)
        if again:
            said.update(raw)
    except ValueError:
        assert said == ConnectOptions()  # all of it, or nothing
        return
    kinds = {each.name: type(each.default) for each in fields(ConnectOptions)}
    assert all(type(getattr(said, name)) is kind for name, kind in kinds.items())
    answer = CHAIN.verify(Hello(said, nonce=new_nonce()))
    if isinstance(answer, Slow):
        answer = answer.decide()
    assert isinstance(answer, Refusal)


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_value_error(raw: bytes) -> None:
    said = ConnectOptions()
    try:
        said.update(raw)
    except ValueError:
        assert said == ConnectOptions()


@given(st.text(max_size=70), st.text(max_size=80))
def test_what_begins_like_a_hash_is_never_compared_as_text(rest: str, given_: str) -> None:
    for kind in "abxy":
        damaged = f"$2{kind}$04$ {rest}"  # a blank is in no hash
        assert is_bcrypt(damaged)
        assert not check_bcrypt(damaged, damaged)
        assert not check_bcrypt(given_, damaged)


@pytest.mark.parametrize("given_", ["$2a$11$short", "", "short"])
def test_a_damaged_hash_lets_nobody_in(given_: str) -> None:
    answer: Any = CHAIN.verify(Hello(ConnectOptions(user="cut", password=given_)))
    assert isinstance(answer.decide() if isinstance(answer, Slow) else answer, Refusal)
    good: Any = CHAIN.verify(Hello(ConnectOptions(user="hal", password="secret")))
    assert isinstance(good.decide(), Verdict)
