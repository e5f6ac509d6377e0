"""User JWTs are read fast, and say the same when they are read slowly; whatever comes, nothing else
than a refusal comes of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common import jwt
from pynats_common.jwt import JwtError, UserClaims
from pynats_common.jwt.opening import open_token
from pynats_common.jwt.token import decode_opened
from pynats_common.nkeys import Prefix
from pynats_server.auth.base import Hello, Refusal, Verdict
from pynats_server.auth.connect import ConnectOptions
from pynats_server.auth.jwt import JwtAuthenticator
from pynats_server.auth.jwt.tokens import Body, User, body_of, read_user
from pynats_server.operator.claims import Claimed, claimed_of

from tests.support.account_jwts import ISSUED, account_token, pair

A = pair("A")
USER = pair("u", Prefix.USER)
HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(payload: object, header: object = HEADER) -> str:
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(A.sign(text.encode()))}"


def claims(**body: Any) -> dict[str, Any]:
    nats = {"subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2} | body
    return {
        "jti": "X", "iat": ISSUED, "iss": A.public_key, "name": "u", "sub": USER.public_key,
        "nats": nats,
    }  # fmt: skip


_TEXT = st.text(max_size=6)
_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), _TEXT,
    st.lists(_TEXT, max_size=3), st.dictionaries(_TEXT, _TEXT, max_size=2),
)  # fmt: skip
_NAMES = st.sampled_from(
    ["pub", "sub", "resp", "src", "times", "times_location", "subs", "data", "payload", "tags",
     "bearer_token", "proxy_required", "allowed_connection_types", "issuer_account", "type",
     "version", "Subs", "PUB", "other"]
)  # fmt: skip


@given(st.dictionaries(_NAMES, _ODD, max_size=4))
def test_fast_and_slow_reading_agree(body: dict[str, Any]) -> None:
    token = signed(claims(**body))
    slow: User | None
    try:
        found = decode_opened(open_token(token))
        assert isinstance(found, UserClaims)
        slow = User(
            found.aud, found.exp, found.jti, found.iat, found.iss, found.name, found.nbf,
            found.sub, body_of(found.nats),
        )  # fmt: skip
    except (JwtError, AssertionError):
        slow = None
    try:
        fast: User | None = read_user(token)
    except JwtError:
        fast = None
    assert _without_kind(fast) == _without_kind(slow)


def _without_kind(user: User | None) -> dict[str, Any] | None:
    if user is None:
        return None
    told = {name: getattr(user.nats, name) for name in Body.__struct_fields__}
    told["type"], told["version"] = "user", 2
    return {"iat": user.iat, "sub": user.sub, "name": user.name, "nats": told}


class Accounts:
    """One account, which is loaded."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed

    def get(self, account: str) -> Claimed | None:
        return self.claimed if account == self.claimed.account else None

    find = load_now = get

    async def load(self, account: str, address: str = "") -> Claimed:
        raise LookupError("account missing")


def accounts(**more: Any) -> Accounts:
    token = account_token("A", **more)
    return Accounts(claimed_of(token, jwt.decode_as(jwt.AccountClaims, token), False, 0.0))


def hello(token: str, sig: str | None = None, **more: Any) -> Hello:
    nonce = "0123456789abcde"
    signature = part(USER.sign(nonce.encode())) if sig is None else sig
    return Hello(ConnectOptions(jwt=token, sig=signature), nonce, host="127.0.0.1", **more)


def outcome(token: str, sig: str | None = None, **more: Any) -> object:
    found = JwtAuthenticator(accounts()).verify(hello(token, sig, **more))
    if not isinstance(found, Verdict | Refusal):
        found.close()  # type: ignore[union-attr]  # it would look the account up
    return found


@given(st.binary(max_size=200))
def test_whatever_is_signed_nothing_breaks(payload: bytes) -> None:
    assert not isinstance(outcome(signed(payload)), Verdict)


@given(st.text(max_size=200))
def test_whatever_is_presented_nothing_breaks(token: str) -> None:
    assert isinstance(outcome(token), Refusal)


@pytest.mark.parametrize(
    "payload",
    [b"[" * 5000, b'{"nats":' * 5000, b'{"a":' + b"1" * 5000 + b"}", b'{"iss": "\\ud800"}'],
)
def test_deep_and_long_bodies_are_refused(payload: bytes) -> None:
    assert isinstance(outcome(signed(payload)), Refusal)


@pytest.mark.parametrize(
    "twice",
    [
        b'"nats":{"type":"user","version":2},',
        b'"sub":"x",',
        b'"n\\u0061ts":{"type":"user","version":2},',
    ],
)
def test_a_field_occurs_once(twice: bytes) -> None:
    body = json.dumps(claims(pub={"deny": [">"]})).encode()
    assert isinstance(outcome(signed(b"{" + twice + body[1:])), Refusal)


def test_a_good_user_comes_in() -> None:
    found = outcome(signed(claims(pub={"allow": ["a"]}, tags=["t"])))
    assert isinstance(found, Verdict)
    assert (found.account, found.user) == (A.public_key, USER.public_key)
    assert (found.issuer_key, found.tags, found.name_tag) == (A.public_key, ("t",), "u")


@pytest.mark.parametrize("sig", ["", "x", "A" * 86, "A" * 88, "!" * 86, "é"])
def test_who_cannot_sign_stays_out(sig: str) -> None:
    assert isinstance(outcome(signed(claims()), sig), Refusal)


def test_a_bearer_s_token_is_not_shown() -> None:
    found = outcome(signed(claims(bearer_token=True)), "")
    assert isinstance(found, Verdict)
    assert found.jwt == ""
    token = signed(claims())
    assert outcome(token).jwt == token  # type: ignore[attr-defined]
    assert token not in repr(outcome(token))


def test_a_nonce_that_is_empty_is_no_proof() -> None:
    empty = Hello(ConnectOptions(jwt=signed(claims()), sig=part(USER.sign(b""))), "")
    assert isinstance(JwtAuthenticator(accounts()).verify(empty), Refusal)


def test_who_is_in_is_asked_about_without_signatures() -> None:
    known = accounts()
    authenticator = JwtAuthenticator(known)
    said = hello(signed(claims()))
    verdict = authenticator.verify(said)
    assert isinstance(verdict, Verdict)
    said.nonce = "another"  # no signature would be good any more
    assert authenticator.recheck(said, verdict) is verdict

    def follow(change: Any) -> object:
        known.claimed = accounts(change=change).claimed
        return authenticator.recheck(said, verdict)

    assert follow(lambda c: setattr(c.nats, "tags", [])) is verdict
    revoked = follow(lambda c: setattr(c.nats, "revocations", {USER.public_key: ISSUED}))
    assert isinstance(revoked, Refusal)
    assert revoked.error == "User Authentication Revoked"
    earlier = {USER.public_key: ISSUED - 1, "*": ISSUED - 1}
    assert follow(lambda c: setattr(c.nats, "revocations", earlier)) is verdict
    changed = follow(lambda c: setattr(c.nats.default_permissions.pub, "allow", ["only"]))
    assert isinstance(changed, Verdict)
    assert changed is not verdict
    known.claimed.expired = True
    ended = authenticator.recheck(said, verdict)
    assert isinstance(ended, Refusal)
    assert ended.error == "Account Authentication Expired"


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    """No output could carry them: monitoring would fail for everybody."""
    said = claims(tags=["a:\ud800"]) | {"name": "u\udfff"}
    user = read_user(signed(said))
    assert (user.name, user.nats.tags) == ("u\ufffd", ["a:\ufffd"])
    token = account_token("A", name="A\u00e9")
    body = json.loads(open_token(token).payload) | {"name": "A\ud83d", "iss": A.public_key}
    body["nats"]["mappings"] = {"m\ud800": [{"subject": "t\udbff"}]}
    found = jwt.decode(signed(body))
    assert isinstance(found, jwt.AccountClaims)
    assert found.name == "A\ufffd"
    assert {name: to[0].subject for name, to in found.nats.mappings.items()} == {
        "m\ufffd": "t\ufffd"
    }
