"""Who comes with a token of a provider: in `auth_token`, or as the password of any user name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from pynats_server.auth.base import REFUSED, Answer, Hello, Outcome, Refusal, Verdict
from pynats_server.auth.oidc.keys import Keys
from pynats_server.auth.oidc.mapping import METHOD, verdict_of
from pynats_server.auth.oidc.tokens import (
    Token,
    TokenError,
    check_algorithm,
    looks_like_token,
    peek,
    verify,
)
from pynats_server.auth.users import barred_verdict
from pynats_server.options import OidcIssuer, Options


class Keeper(Protocol):
    """What keeps the keys of providers across reloads, and tells of trouble."""

    @property
    def kept(self) -> dict[object, Any]: ...

    def warn_of_logins(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a client was let in with."""

    settings: OidcIssuer


class OidcLogin:
    """Of one configuration."""

    def __init__(self, options: Options, server: Keeper) -> None:
        self._issuers = {each.issuer: each for each in options.authorization.oidc}
        self._server = server
        self._known = options.account_names
        # A claim names no system account: whoever gives tokens would rule the server.
        self._accounts = self._known - {options.system_account_name}
        callout = options.authorization.auth_callout
        self._service_account = callout.account if callout is not None else ""

    def verify(self, hello: Hello) -> Outcome | None:
        """None for one that presents no token of a provider."""
        token = self._token(hello)
        if token is None:
            return None
        settings = self._issuers[token.issuer]
        try:
            check_algorithm(token, settings)
        except TokenError as error:
            return _refused(settings, error)
        return self._decide(token, settings)

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome | None:
        """None for one that was let in otherwise."""
        proof = verdict.proof
        if verdict.method != METHOD or not isinstance(proof, _Proof):
            return None
        settings = self._issuers.get(proof.settings.issuer)
        if settings == proof.settings and verdict.account in self._known:
            return verdict
        return self.verify(hello) or REFUSED

    def _token(self, hello: Hello) -> Token | None:
        said = hello.said
        text = said.auth_token or said.password
        if not looks_like_token(text):
            return None
        token = peek(text)
        if token is not None and token.issuer in self._issuers:
            return token
        if hello.notes is not None and hello.notes.debug_enabled:
            hello.notes.debug("oidc: a token of none of the issuers is left to the other ways")
        return None

    async def _decide(self, token: Token, settings: OidcIssuer) -> Answer:
        try:
            key = await self._keys(settings).find(token.kid, token.algorithm)
            if key is None:
                raise TokenError("its key is not known")
            loop = asyncio.get_running_loop()
            claims = await loop.run_in_executor(None, verify, token, key, settings)
            verdict = verdict_of(claims, settings, self._accounts)
        except TokenError as error:
            return _refused(settings, error)
        verdict.proof = _Proof(settings)
        return barred_verdict(verdict) if verdict.account == self._service_account else verdict

    def _keys(self, settings: OidcIssuer) -> Keys:
        place = ("oidc", settings.issuer, settings.jwks_url, settings.ca_file)
        keys = self._server.kept.get(place)
        if keys is None:
            keys = self._server.kept[place] = Keys(settings, self._server.warn_of_logins)
        assert isinstance(keys, Keys)
        keys.settings = settings
        return keys


def _refused(settings: OidcIssuer, error: TokenError) -> Refusal:
    return Refusal(why=f"oidc: a token of {settings.issuer} is refused: {error}")
