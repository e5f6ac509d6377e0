"""All ways to log in that are configured, asked in the order of the real server."""

from __future__ import annotations

from collections.abc import Collection

from pynats_server import options as config
from pynats_server.auth.base import Hello, Outcome, Verdict
from pynats_server.auth.static import StaticAuthenticator


class Chain:
    """See Authenticator. Made of one configuration, and replaced whole by a reload."""

    def __init__(self, options: config.Options, spare_guest: str) -> None:
        self._users = StaticAuthenticator(options, spare_guest)

    @property
    def required(self) -> bool:
        """See Authenticator."""
        return self._users.required

    @property
    def admits_silent(self) -> bool:
        """See Authenticator."""
        return self._users.admits_silent

    @property
    def wants_nonce(self) -> bool:
        """See Authenticator."""
        return self._users.wants_nonce

    def verify(self, hello: Hello) -> Outcome:
        """See Authenticator."""
        return self._users.verify(hello)

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """See Authenticator."""
        return self._users.recheck(hello, verdict)

    def lists(self, name: str) -> bool:
        """Whether a configured list has a user of this name."""
        return self._users.lists(name)

    def unchanged(self, before: Chain) -> frozenset[str]:
        """The users that both know, with all that concerns them; nobody where the rules differ."""
        return self._users.unchanged(before._users)

    def users_of(self, accounts: Collection[str]) -> set[str]:
        """The configured users of these accounts."""
        return self._users.users_of(accounts)
