"""Credentials from the configuration: a token, one user, or lists of users."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from types import NotImplementedType

from pynats_server import options as config
from pynats_server.auth.base import ConnectOptions, Verdict
from pynats_server.auth.permissions import compile_permissions
from pynats_server.auth.secrets import check_bcrypt, equal, is_bcrypt
from pynats_server.core.permissions import Permissions

# The connection type of the client listener, the only one so far.
STANDARD = "STANDARD"


@dataclass(slots=True)
class _Known:
    """A user with the name of its account and its permissions (None = unrestricted)."""

    user: config.User
    account: str
    permissions: Permissions | None

    def verdict(self, method: str) -> Verdict | None:
        """None if the user may not use this kind of connection."""
        if not _may_use_listener(self.user):
            return None
        return Verdict(self.account, self.permissions, self.user.user, self.user.limits, method)


class StaticAuthenticator:
    """Token, user/password and users of the `authorization` block, and users of accounts.

    `guest` names the user of clients without credentials; empty if they are refused. `spare_guest`
    is the name to use when `_opens_to_all` adds such a user.
    """

    def __init__(self, options: config.Options, spare_guest: str) -> None:
        block = options.authorization
        self._token = block.token
        self._usual_limits = block.default_limits
        self._users: dict[str, _Known] = {
            user.user: _Known(user, account, compile_permissions(user.permissions))
            for account, user in options.all_users()
        }
        self._single = block.user
        if block.user:
            only = config.User(
                block.user,
                block.password,
                permissions=block.default_permissions,
                limits=block.default_limits,
            )
            permissions = compile_permissions(block.default_permissions)
            self._users[block.user] = _Known(only, config.GLOBAL_ACCOUNT, permissions)
        self.guest = options.no_auth_user
        if not self.guest and _opens_to_all(options):
            self.guest = spare_guest
            self._users[spare_guest] = _Known(config.User(spare_guest), config.GLOBAL_ACCOUNT, None)
        self.required = bool(self._users or self._token)

    def quick(self, options: ConnectOptions) -> Verdict | NotImplementedType | None:
        """See Authenticator: only bcrypt hashes need `slow`."""
        secret = self._secret(options)
        if secret is None:
            return self._without(options)
        if is_bcrypt(secret):
            return NotImplemented  # type: ignore[no-any-return]
        return self._decide(options, equal(self._given(options), secret))

    def slow(self, options: ConnectOptions) -> Verdict | None:
        """See Authenticator."""
        secret = self._secret(options)
        if secret is None:
            return self._without(options)
        if is_bcrypt(secret):
            return self._decide(options, check_bcrypt(self._given(options), secret))
        return self._decide(options, equal(self._given(options), secret))

    def implicit(self) -> Verdict | None:
        """See Authenticator: `no_auth_user`, if configured."""
        known = self._users.get(self.guest)
        return known.verdict("no_auth_user") if known is not None else None

    def rights_of(self, name: str) -> config.Permissions | None:
        """The configured permissions of a user; None = unrestricted, or unknown."""
        known = self._users.get(name)
        return known.user.permissions if known is not None else None

    def lists(self, name: str) -> bool:
        """Whether a user is in a list; the single one of a block is in none."""
        return name in self._users and name != self._single

    def trusted(self, options: ConnectOptions) -> Verdict | None:
        """The verdict for these credentials, without checking the secret."""
        return self._decide(options, True)

    def asks_the_same(self, other: StaticAuthenticator, options: ConnectOptions) -> bool:
        """Whether both compare these credentials with the same secret."""
        return self._secret(options) == other._secret(options)

    def unchanged(self, before: StaticAuthenticator) -> frozenset[str]:
        """The users that both know, with all that concerns them; nobody where the rules differ."""
        if self._rules() != before._rules():
            return frozenset()
        return frozenset(
            name
            for name, known in self._users.items()
            if (old := before._users.get(name)) is not None
            and (old.account, old.user) == (known.account, known.user)
        )

    def users_of(self, accounts: Collection[str]) -> set[str]:
        """The users of these accounts."""
        return {name for name, known in self._users.items() if known.account in accounts}

    def _rules(self) -> tuple[object, ...]:
        return self._token, self.guest, self.required, self._usual_limits

    def _secret(self, options: ConnectOptions) -> str | None:
        """The secret to compare with; None when the credentials name no user."""
        if self._asks_token(options):
            return self._token if options.auth_token else None
        known = self._users.get(options.user)
        return known.user.password if known is not None else None

    def _asks_token(self, options: ConnectOptions) -> bool:
        """A user name wins over the token when there are users: the command line can add a token to
        the users of the file."""
        return bool(self._token) and not (options.user and self._users)

    def _given(self, options: ConnectOptions) -> str:
        return options.auth_token if self._asks_token(options) else options.password

    def _without(self, options: ConnectOptions) -> Verdict | None:
        if not self.required:
            return Verdict(config.GLOBAL_ACCOUNT)
        presented = options.user or options.auth_token or options.password
        return None if presented else self.implicit()

    def _decide(self, options: ConnectOptions, matches: bool) -> Verdict | None:
        if not matches:
            return None
        if self._asks_token(options):
            return Verdict(config.GLOBAL_ACCOUNT, limits=self._usual_limits, method="token")
        return self._users[options.user].verdict("password")


def _opens_to_all(options: config.Options) -> bool:
    """Whether clients without credentials may use the global account although users exist. They may
    if only the system account has users (for the operator) and there is no `authorization` block,
    which would mean to lock clients out."""
    block = options.authorization
    closed = block.present or block.user or block.token or block.users
    named = options.system_account or config.SYSTEM_ACCOUNT in options.accounts
    return bool(named and options.only_global_account and not closed)


def _may_use_listener(user: config.User) -> bool:
    return not user.allowed_connection_types or STANDARD in user.allowed_connection_types
