"""Log-ins with tokens of an OpenID Connect provider, which runs on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import assume, given
from hypothesis import strategies as st
from pynats_server.auth.base import Hello
from pynats_server.auth.connect import ConnectOptions
from pynats_server.auth.oidc.login import OidcLogin
from pynats_server.auth.oidc.mapping import verdict_of
from pynats_server.auth.oidc.tokens import (
    TokenError,
    check_algorithm,
    looks_like_token,
    peek,
    verify,
)
from pynats_server.options import (
    AccountOptions,
    Authorization,
    OidcIssuer,
    Options,
    Permissions,
    SubjectPermission,
    User,
)
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.jetstream import connect
from tests.support.oidc_provider import AUDIENCE, Provider, ec_key, ed_key, jwk, provider, rsa_key
from tests.unit.logins.raw import is_in, log_in, verdicts


@pytest.fixture
def idp() -> Iterator[Provider]:
    with provider() as found:
        yield found


def options(idp: Provider, **fields: Any) -> Options:
    oidc = OidcIssuer(idp.issuer, [AUDIENCE], **({"account": "APP"} | fields))
    return Options(
        host="127.0.0.1",
        port=-1,
        accounts={"APP": AccountOptions([User("bob", "pw")]), "OTHER": AccountOptions()},
        authorization=Authorization(oidc=[oidc], timeout=20),
    )


@asynccontextmanager
async def running(settings: Options) -> Any:
    async with Server(settings, log=None) as server:
        yield server


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


# -- good tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["token", "password"])
def test_a_token_lets_in(idp: Provider, way: str) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            token = idp.token()
            given = {"token": token} if way == "token" else {"user": "any", "password": token}
            client = await connect(server.client_url, **given)
            (verdict,) = verdicts(server)
            assert (verdict.account, verdict.user, verdict.method) == ("APP", "user-1", "oidc")
            assert token not in repr(verdict)
            await client.close()

    run(story)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key("k"), "RS256"), (rsa_key("k"), "RS512"), (rsa_key("k"), "PS384"),
        (ec_key("k"), "ES256"), (ed_key("k"), "EdDSA"),
    ],
    ids=["RS256", "RS512", "PS384", "ES256", "EdDSA"],
)  # fmt: skip
def test_every_kind_of_signature(idp: Provider, key: Any, algorithm: str) -> None:
    idp.keys = [jwk(key, "k")]

    async def story() -> None:
        async with running(options(idp)) as server:
            assert await is_in(server, token=idp.token(key, "k", algorithm))
            assert not await is_in(server, token=idp.token(rsa_key("other"), "k", "RS256"))

    run(story)


def test_configured_users_still_come_in(idp: Provider) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            assert await is_in(server, user="bob", password="pw")
            assert not await is_in(server, user="bob", password="x")
            assert not await is_in(server)
        assert idp.asked == {}

    run(story)


def test_who_has_no_kid_has_the_only_key(idp: Provider) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            assert await is_in(server, token=idp.token(kid=""))
            idp.keys.append(jwk(rsa_key("second"), "second"))
            assert not await is_in(server, token=idp.token(rsa_key("second"), kid="second"))
        async with running(options(idp)) as server:
            assert not await is_in(server, token=idp.token(kid=""))  # which one?

    run(story)


class Notes:
    """What is told of a log-in."""

    debug_enabled = True

    def __init__(self) -> None:
        self.told: list[str] = []
        self.debug = self.warn = self.told.append


def test_a_token_of_nobodys_is_left_to_the_other_ways_and_told(idp: Provider) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            notes, token = Notes(), idp.token(iss=idp.issuer + "/")
            hello = Hello(said=ConnectOptions(auth_token=token), notes=notes)
            assert OidcLogin(server.options, server.state).verify(hello) is None  # type: ignore[arg-type]
            (told,) = notes.told
            assert "none of the issuers" in told and token not in told

    run(story)


LEEWAY_S = 10


def test_a_client_leaves_when_its_token_expires(idp: Provider) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            client = await log_in(server, token=idp.token(exp=int(time.time()) - LEEWAY_S + 2))
            assert client.told == "PONG"  # clocks may differ
            assert await client.read_to_end() == "-ERR 'User Authentication Expired'\r\n"
            await client.close()

    run(story)


# -- claims ----------------------------------------------------------------------------------------


def test_claims_give_account_name_and_permissions(idp: Provider) -> None:
    allow = ["jobs.{{claim(sub)}}.>", "team.{{ claim(groups) }}", "nobody.{{claim(missing)}}"]
    settings = options(
        idp,
        account_claim="tenant.name",
        user_claim="preferred_username",
        permissions=Permissions(SubjectPermission(allow), SubjectPermission(None, ["secret.>"])),
        required_claims={"azp": ["app"], "verified": ["true"]},
    )
    claims = {
        "tenant": {"name": "OTHER"}, "preferred_username": "Zoe", "groups": ["a", "b"],
        "azp": "app", "verified": True,
    }  # fmt: skip

    async def story() -> None:
        async with running(settings) as server:
            client = await log_in(server, token=idp.token(**claims))
            (verdict,) = verdicts(server)
            assert (verdict.account, verdict.user) == ("OTHER", "Zoe")
            assert verdict.rights == Permissions(
                SubjectPermission(["jobs.user-1.>", "team.a", "team.b"]),
                SubjectPermission(None, ["secret.>"]),
            )
            await client.close()
            for wrong in (
                {"tenant": {"name": "NOPE"}}, {"tenant": "OTHER"}, {"tenant": {"name": "$SYS"}},
                {"preferred_username": ""}, {"preferred_username": ["x"]}, {"azp": "other"},
                {"preferred_username": "a\nb"}, {"verified": False}, {"verified": None},
                {"groups": ["a", "x.>"]}, {"groups": "*"}, {"sub": "a b"},
            ):  # fmt: skip
                assert not await is_in(server, token=idp.token(**(claims | wrong))), wrong

    run(story)


def test_the_first_role_counts(idp: Provider) -> None:
    roles = {
        "admin": Permissions(SubjectPermission([">"])),
        "reader": Permissions(SubjectPermission([])),
    }
    settings = options(idp, roles_claim="realm_access.roles", roles=roles)

    async def story() -> None:
        async with running(settings) as server:
            have = {"realm_access": {"roles": ["x", "reader", "admin"]}}
            client = await log_in(server, token=idp.token(**have))
            assert verdicts(server)[0].rights.publish.allow == [">"]
            await client.close()
            assert not await is_in(server, token=idp.token(realm_access={"roles": ["x"]}))
            assert not await is_in(server, token=idp.token())

    run(story)


def test_a_denied_subject_needs_its_claim(idp: Provider) -> None:
    rights = Permissions(SubjectPermission(None, ["of.{{claim(group)}}"]))

    async def story() -> None:
        async with running(options(idp, permissions=rights)) as server:
            assert await is_in(server, token=idp.token(group="a"))
            assert not await is_in(server, token=idp.token())

    run(story)


# -- tokens that are no good -----------------------------------------------------------------------


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(idp: Provider, algorithm: str) -> str:
    _, body, _ = idp.token().split(".")
    return f"{_b64({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{body}.AAAA"


def _with_secret(idp: Provider, secret: bytes) -> str:
    """HMAC with the public key as its secret."""
    import hashlib
    import hmac

    _, body, _ = idp.token().split(".")
    head = _b64({"alg": "HS256", "typ": "JWT", "kid": "first"})
    signature = hmac.digest(secret, f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def _pem(key: Any) -> bytes:
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, shape))


HOSTILE: dict[str, Callable[[Provider], str]] = {
    "none": lambda idp: _unsigned(idp, "none"),
    "NONE": lambda idp: _unsigned(idp, "NONE"),
    "no signature": lambda idp: _unsigned(idp, "RS256"),
    "HMAC of the PEM": lambda idp: _with_secret(idp, _pem(rsa_key("first"))),
    "HMAC of the JWK": lambda idp: _with_secret(idp, json.dumps(idp.keys[0]).encode()),
    "HMAC of nothing": lambda idp: _with_secret(idp, b""),
    "another key": lambda idp: idp.token(rsa_key("evil")),
    "another kind of key": lambda idp: idp.token(ec_key("evil"), algorithm="ES256"),
    "its own key": lambda idp: idp.token(
        rsa_key("evil"), headers={"jwk": jwk(rsa_key("evil"), "first")}
    ),
    "keys elsewhere": lambda idp: idp.token(
        rsa_key("evil"), headers={"jku": "https://evil.example/keys", "x5u": "https://e/x"}
    ),
    "critical extension": lambda idp: idp.token(headers={"crit": ["exp"]}),
    "path as kid": lambda idp: idp.token(kid="../../dev/null"),
    "other audience": lambda idp: idp.token(aud="other"),
    "no audience": lambda idp: idp.token(drop=("aud",)),
    "audience is an object": lambda idp: idp.token(aud={"nats": 1}),
    "other issuer": lambda idp: idp.token(iss=idp.issuer + "/"),
    "no issuer": lambda idp: idp.token(drop=("iss",)),
    "expired": lambda idp: idp.token(exp=int(time.time()) - 60),
    "no expiry": lambda idp: idp.token(drop=("exp",)),
    "expiry is a text": lambda idp: idp.token(exp="never"),
    "endless": lambda idp: idp.token(exp=10**400),
    "not yet": lambda idp: idp.token(nbf=int(time.time()) + 1000),
    "no subject": lambda idp: idp.token(drop=("sub",)),
    "body changed": lambda idp: ".".join(
        [
            idp.token().split(".")[0],
            _b64({"iss": idp.issuer, "aud": AUDIENCE, "sub": "admin", "exp": time.time() + 600}),
            idp.token().split(".")[2],
        ]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_token_is_refused(idp: Provider, case: str) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            assert not await is_in(server, token=HOSTILE[case](idp))
            assert await is_in(server, token=idp.token())

    run(story)


def test_audiences_may_be_several(idp: Provider) -> None:
    async def story() -> None:
        async with running(options(idp)) as server:
            assert await is_in(server, token=idp.token(aud=["other", AUDIENCE]))
            assert not await is_in(server, token=idp.token(aud=["other", "more"]))
            assert not await is_in(server, token=idp.token(aud=[]))

    run(story)


@pytest.mark.parametrize(
    "keys",
    [
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "HS256"}],
        [jwk(rsa_key("small", 1024), "first")],
        [jwk(rsa_key("first"), "first", use="enc")],
        [jwk(rsa_key("first"), "first", key_ops=["encrypt"])],
        [jwk(rsa_key("first"), "first", alg="RS512")],
        ["text", None, 5, {}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256", "x": "", "y": ""}],
        {"kty": "RSA"},
    ],
    ids=["secret", "small", "encryption", "operations", "other algorithm", "junk", "no list"],
)
def test_keys_that_are_no_good(idp: Provider, keys: Any) -> None:
    idp.keys = keys

    async def story() -> None:
        async with running(options(idp)) as server:
            token = idp.token()
            assert not await is_in(server, token=token)

    run(story)


# -- what else is there ----------------------------------------------------------------------------


def test_nobody_comes_in_without_a_token_because_there_are_no_users(idp: Provider) -> None:
    settings = options(idp, account="$G")
    settings.accounts = {}

    async def story() -> None:
        async with running(settings) as server:
            assert not await is_in(server)
            assert not await is_in(server, user="bob", password="pw")
            assert not await is_in(server, token="abc")
            assert not await is_in(server, token=idp.token(iss="https://elsewhere.example"))
            assert await is_in(server, token=idp.token())

    run(story)


def test_reloads(idp: Provider) -> None:
    """Keys are kept, and who is in stays as long as the provider is configured as it was."""

    async def story() -> None:
        async with running(options(idp)) as server:
            client = await log_in(server, token=idp.token(sub="bob"))  # as a configured user
            idp.down = True

            def reload(settings: Options) -> None:
                server.load_options = lambda: settings
                assert server.reload()

            same = options(idp)
            same.accounts["OTHER"].users = [User("new", "pw")]
            reload(same)
            assert await is_in(server, token=idp.token())
            await wait_until_async(lambda: len(verdicts(server)) == 1, "the other has gone")
            assert verdicts(server)[0].user == "bob"
            reload(options(idp, permissions=Permissions(SubjectPermission(["x"]))))
            await wait_until_async(lambda: verdicts(server)[0].rights, "its new rights")
            assert verdicts(server)[0].rights.publish.allow == ["x"]
            without = options(idp)
            without.authorization.oidc = []
            reload(without)
            assert "Authorization Violation" in await client.read_to_end()
            await client.close()

    run(story)


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["*", ">", "a.b", "a b", "", ".", "{{claim(sub)}}", "a\n", "$SYS", "é", "\ud800"]
    ),
    st.integers(),
    st.booleans(),
    st.none(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)


@given(value=VALUES, other=VALUES)
def test_a_claim_is_one_token_of_a_subject_or_nothing(value: Any, other: Any) -> None:
    rights = Permissions(
        SubjectPermission(["a.{{claim(x)}}.b.{{claim(y)}}"]),
        SubjectPermission([], ["{{claim(x)}}"]),
    )
    settings = OidcIssuer("https://i", ["a"], permissions=rights)
    claims = {"sub": "s", "exp": 1, "x": value, "y": other}
    try:
        made = verdict_of(claims, settings, {"$G"})
    except TokenError:
        return
    assert made.rights is not None
    for subject in made.rights.publish.allow:
        assert subject.encode()
        first, _, third, last = subject.split(".")
        assert (first, third) == ("a", "b")
        assert last
        assert not set(subject) & set("*> \t\r\n{}")
    for subject in made.rights.subscribe.deny:
        assert subject
        assert not set(subject) & set(".*> \t\r\n{}")


@given(st.data())
def test_a_token_that_was_changed_is_none(data: st.DataObject) -> None:
    good = _good_token()
    place = data.draw(st.integers(0, len(good) - 1))
    text = data.draw(
        st.sampled_from([good[:place] + "A" + good[place + 1 :], good[:place], good + "A"])
    )
    assume(text != good)
    settings = OidcIssuer("https://i", ["a"])
    if not looks_like_token(text):
        return
    token = peek(text)
    if token is None:
        return
    try:
        check_algorithm(token, settings)
        claims = verify(token, _good_key(), settings)
    except TokenError:
        return
    # The last letters of base64 have bits that stand for nothing.
    assert claims["sub"] == "s"
    assert text[:-3] == good[: len(text) - 3]


@cache
def _good_token() -> str:
    claims = {"iss": "https://i", "aud": "a", "sub": "s", "exp": 2**33}
    return jwt.encode(claims, ec_key("g"), "ES256", {"kid": "k"})


@cache
def _good_key() -> Any:
    return jwt.PyJWK(jwk(ec_key("g"), "k"))


def test_a_time_without_end_is_none() -> None:
    with pytest.raises(TokenError, match="its exp is no time"):
        verdict_of({"sub": "s", "exp": 10**400}, OidcIssuer("https://i", ["a"]), {"$G"})
