"""All ways to log in that are configured, asked in the order of the real server."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from pynats_server import options as config
from pynats_server.auth.base import (
    REFUSED,
    STANDARD,
    Authenticator,
    Hello,
    Outcome,
    Refusal,
    Verdict,
)
from pynats_server.auth.certificates import CertificateLogin
from pynats_server.auth.keys import KeyLogin
from pynats_server.auth.own import OwnLogin, Verify
from pynats_server.auth.passwords import Attempt, PasswordLogin
from pynats_server.auth.proxies import Proxies
from pynats_server.auth.users import Users

if TYPE_CHECKING:
    from pynats_server.auth.callout import AskingServer, CalloutLogin
    from pynats_server.auth.callout.operator import DelegatingAccounts
    from pynats_server.auth.oidc import OidcLogin


class Chain:
    """See Authenticator. Made of one configuration, and replaced whole by a reload."""

    def __init__(
        self,
        options: config.Options,
        spare_guest: str,
        claimed: DelegatingAccounts | None = None,
        server: AskingServer | None = None,
        own: Verify | None = None,
    ) -> None:
        self._tokens: Authenticator | None = None
        if claimed is not None:  # operator mode: users have a JWT, and nobody is listed
            from pynats_server.auth.jwt import JwtAuthenticator  # which takes 20 ms to load

            self._tokens = JwtAuthenticator(claimed, options.operator.default_sentinel)
            if server is not None:
                from pynats_server.auth.callout.operator import ClaimedCallout

                self._tokens = ClaimedCallout(self._tokens, claimed, server)
        self._users = Users(options, spare_guest)
        self._proxies = Proxies(options.proxies)
        self._keys = KeyLogin(self._users)
        # On the listener of clients, certificates name the users of a list.
        self._mapped = options.tls is not None and options.tls.verify_and_map
        self._passwords = PasswordLogin(options, self._users, self._mapped)
        self._certificates = (
            CertificateLogin(self._users) if self._mapped and self._users.named else None
        )
        self._callout: CalloutLogin | None = None
        if options.authorization.auth_callout is not None:
            from pynats_server.auth.callout import CalloutLogin

            assert server is not None
            self._callout = CalloutLogin(options, self._users, server)
        self._own: OwnLogin | None = None
        if own is not None:
            assert server is not None
            self._own = OwnLogin(own, options, server)
        self._oidc: OidcLogin | None = None
        if options.authorization.oidc:
            from pynats_server.auth.oidc import OidcLogin  # which takes 0.1 s to load

            assert server is not None
            self._oidc = OidcLogin(options, server)

        self._is_decided = any((self._own, self._tokens, self._callout, self._oidc))
        # Without users, what is configured says that everybody may come in; but here somebody
        # decides about that.
        self._closed = self._is_decided and not self._passwords.required

    @property
    def required(self) -> bool:
        """See Authenticator."""
        return self._passwords.required or self._is_decided

    @property
    def admits_silent(self) -> bool:
        """See Authenticator: with a guest who has a name, if it may come so."""
        guest = self._users.named.get(self._users.guest)
        return self._tokens is None and guest is not None and guest.bars(Hello()) is None

    @property
    def wants_nonce(self) -> bool:
        """See Authenticator: for users with JWTs or keys, and proxies."""
        return bool(self._own or self._tokens or self._users.keyed or self._proxies.trusted)

    def verify(self, hello: Hello) -> Outcome:
        """See Authenticator."""
        refusal = self._proxies.verify(hello)
        if refusal is not None:
            return refusal
        if self._own is not None:
            return self._own.verify(hello, self._configured)
        return self._configured(hello)

    def _configured(self, hello: Hello) -> Outcome:
        if self._tokens is not None:
            return self._tokens.verify(hello)
        found = self._oidc.verify(hello) if self._oidc is not None else None
        if found is None and self._callout is not None:
            # Whom its certificate names is known before it is asked who decides about that user.
            attempt = self._named(hello)
            own = self._verify if attempt is None else partial(self._with, attempt=attempt)
            return self._callout.verify(hello, own)
        return found or self._verify(hello)

    def _named(self, hello: Hello) -> Attempt | Refusal | None:
        """What its certificate says, where that comes before a password."""
        keyed = hello.said.nkey and self._users.keyed
        if self._closed or keyed or self._certificates is None or hello.kind != STANDARD:
            return None
        return self._certificates.attempt(hello)

    def _with(self, hello: Hello, attempt: Attempt | Refusal) -> Outcome:
        if isinstance(attempt, Refusal):
            return attempt
        return self._passwords.compare(hello, attempt, None)

    def _verify(self, hello: Hello) -> Outcome:
        if self._closed:
            return REFUSED
        found = self._keys.verify(hello)
        if found is None and self._certificates is not None and hello.kind == STANDARD:
            return self._by_certificate(self._certificates, hello)
        return found or self._passwords.verify(hello)

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """See Authenticator."""
        found: Outcome | None = self._proxies.recheck(hello)
        if found is None and self._own is not None:
            found = self._own.recheck(verdict)
        if found is None and self._tokens is not None:
            return self._tokens.recheck(hello, verdict)
        if found is None and self._oidc is not None:
            found = self._oidc.recheck(hello, verdict)
        if found is None and self._callout is not None:
            return self._callout.recheck(hello, verdict, self._recheck)
        return found or self._recheck(hello, verdict)

    def _recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        if self._closed:
            return REFUSED
        found = self._keys.recheck(hello, verdict)
        if found is None and self._certificates is not None and hello.kind == STANDARD:
            return self._by_certificate(self._certificates, hello, verdict.proof)
        return found or self._passwords.recheck(hello, verdict)

    def _by_certificate(
        self, certificates: CertificateLogin, hello: Hello, proved: object = None
    ) -> Outcome:
        attempt = certificates.attempt(hello)
        if isinstance(attempt, Refusal):
            return attempt
        return self._passwords.compare(hello, attempt, proved)

    def lists(self, name: str) -> bool:
        """Whether a configured list has a user of this name or key."""
        return self._users.find(name) is not None

    def unchanged(self, before: Chain) -> frozenset[str]:
        """The users that both know, with all that concerns them; nobody where the rules differ."""
        if self._rules() != before._rules():
            return frozenset()
        return self._users.unchanged(before._users)

    def users_of(self, accounts: Collection[str]) -> set[str]:
        """The configured users of these accounts."""
        return self._users.of(accounts)

    def _rules(self) -> tuple[object, ...]:
        """What holds for everybody, besides the users."""
        return self._passwords.rules, self._proxies.trusted, self._mapped
