"""Keys of a provider: when they are fetched, and what holds while it cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pynats_server.auth.oidc.fetching import BODY_MAX, FetchError
from pynats_server.auth.oidc.keys import Keys, fetch
from pynats_server.options import OidcIssuer

from tests.support.oidc_provider import AUDIENCE, Provider, jwk, provider, rsa_key

JWKS = "/realm/keys"
DISCOVERY = "/realm/.well-known/openid-configuration"


@pytest.fixture
def idp() -> Iterator[Provider]:
    with provider() as found:
        yield found


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_of(idp: Provider, **fields: Any) -> tuple[Keys, Clock, list[str]]:
    clock = Clock()
    warnings: list[str] = []
    settings = OidcIssuer(idp.issuer, [AUDIENCE], **fields)
    return Keys(settings, warnings.append, clock), clock, warnings


def test_one_fetch_for_all(idp: Provider) -> None:
    async def story() -> None:
        keys, _, warnings = keys_of(idp)
        found = await asyncio.gather(*(keys.find("first", "RS256") for _ in range(20)))
        assert all(found)
        assert await keys.find("first", "RS256")
        assert idp.asked == {DISCOVERY: 1, JWKS: 1}
        assert warnings == []

    asyncio.run(story())


def test_where_the_keys_are_can_be_configured(idp: Provider) -> None:
    async def story() -> None:
        keys, _, _ = keys_of(idp, jwks_url=idp.jwks_url)
        assert await keys.find("first", "RS256")
        assert idp.asked == {JWKS: 1}

    asyncio.run(story())


def test_a_new_key_is_found_and_unknown_ones_do_not_flood(idp: Provider) -> None:
    async def story() -> None:
        keys, clock, _ = keys_of(idp)
        assert await keys.find("first", "RS256")
        idp.keys = [jwk(rsa_key("second"), "second")]
        for number in range(50):  # at once: the last fetch is too recent
            assert await keys.find(f"unknown-{number}", "RS256") is None
        assert idp.asked[JWKS] == 1
        clock.now += 31
        assert await keys.find("second", "RS256")
        assert await keys.find("first", "RS256") is None  # it was taken back
        assert idp.asked[JWKS] == 2

    asyncio.run(story())


def test_old_keys_hold_while_the_provider_is_down(idp: Provider) -> None:
    async def story() -> None:
        keys, clock, warnings = keys_of(idp)
        assert await keys.find("first", "RS256")
        idp.down = True
        clock.now += 10_000
        assert await keys.find("first", "RS256")  # and asks again, behind it
        clock.now += 31
        assert await keys.find("second", "RS256") is None
        assert await keys.find("first", "RS256")
        assert "HTTP status 503" in warnings[0]
        assert "stay in force" in warnings[0]
        idp.down = False
        idp.keys.append(jwk(rsa_key("second"), "second"))
        clock.now += 31
        assert await keys.find("second", "RS256")

    asyncio.run(story())


def test_who_was_never_reached_lets_nobody_in(idp: Provider) -> None:
    async def story() -> None:
        idp.down = True
        keys, clock, warnings = keys_of(idp)
        assert await keys.find("first", "RS256") is None
        assert await keys.find("first", "RS256") is None
        assert idp.asked == {DISCOVERY: 1}
        assert "stay in force" not in warnings[0]
        idp.down = False
        clock.now += 31
        assert await keys.find("first", "RS256")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "document", "why"),
    [
        (DISCOVERY, {"issuer": "https://other", "jwks_uri": "https://other/k"}, "another issuer"),
        (DISCOVERY, {}, "another issuer"),
        (DISCOVERY, b"{", "no JSON"),
        (DISCOVERY, b"[1]", "no JSON object"),
        (JWKS, b"[" * 100_000, "no JSON"),
        (JWKS, {}, "no keys"),
        (JWKS, {"keys": []}, "no usable keys"),
        (JWKS, {"keys": "x"}, "no keys"),
        (JWKS, b" " * (BODY_MAX + 1), "too large"),
    ],
)
def test_documents_that_are_no_good(idp: Provider, path: str, document: Any, why: str) -> None:
    idp.documents[path] = document
    with pytest.raises(FetchError, match=why):
        fetch(OidcIssuer(idp.issuer, [AUDIENCE]))


@pytest.mark.parametrize("url", ["", "http://example.com/keys", "file:///etc/passwd", 5])
def test_keys_are_not_got_from_anywhere(idp: Provider, url: Any) -> None:
    idp.documents[DISCOVERY] = {"issuer": idp.issuer, "jwks_uri": url}
    with pytest.raises(FetchError, match=r"jwks_uri|must be|must begin"):
        fetch(OidcIssuer(idp.issuer, [AUDIENCE]))


def test_nobody_there() -> None:
    with pytest.raises(FetchError, match="refused"):
        fetch(OidcIssuer("http://127.0.0.1:1", [AUDIENCE], timeout=2))
