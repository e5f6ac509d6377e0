"""Credentials from the configuration: a token, one user, or lists of users."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from pynats_server import options as config
from pynats_server.auth.base import REFUSED, Answer, Hello, Outcome, Slow, Verdict
from pynats_server.auth.connect import ConnectOptions
from pynats_server.auth.permissions import compile_permissions
from pynats_server.auth.secrets import check_bcrypt, equal, is_bcrypt
from pynats_server.core.permissions import Permissions


@dataclass(slots=True)
class _Known:
    """A user with the name of its account and its permissions (None = unrestricted)."""

    user: config.User
    account: str
    permissions: Permissions | None

    def answer(self, method: str, kind: str, proof: object = None) -> Answer:
        """A refusal if the user may not use this kind of connection."""
        kinds = self.user.allowed_connection_types
        if kinds and kind not in kinds:
            return REFUSED
        return Verdict(
            self.account,
            self.permissions,
            self.user.user,
            self.user.limits,
            method,
            rights=self.user.permissions,
            proof=proof,
        )


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

    @property
    def admits_silent(self) -> bool:
        """See Authenticator: with `no_auth_user`."""
        return bool(self.guest)

    @property
    def wants_nonce(self) -> bool:
        """See Authenticator."""
        return False

    def verify(self, hello: Hello) -> Outcome:
        """See Authenticator: only bcrypt hashes are slow."""
        secret = self._secret(hello.said)
        if secret is None:
            return self._without(hello)
        if is_bcrypt(secret):
            return Slow(partial(self._compare_hash, hello, secret))
        return self._decide(hello, secret, equal(self._given(hello.said), secret))

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """See Authenticator: a secret that is the same was compared already."""
        secret = self._secret(hello.said)
        if secret is not None and secret == verdict.proof:
            return self._decide(hello, secret, True)
        return self.verify(hello)

    def lists(self, name: str) -> bool:
        """Whether a user is in a list; the single one of a block is in none."""
        return name in self._users and name != self._single

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

    def _without(self, hello: Hello) -> Answer:
        """For credentials that name no user: those of nobody, or of a guest."""
        said = hello.said
        if not self.required:
            return Verdict(config.GLOBAL_ACCOUNT)
        guest = self._users.get(self.guest)
        if guest is None or said.user or said.auth_token or said.password:
            return REFUSED
        return guest.answer("no_auth_user", hello.kind)

    def _compare_hash(self, hello: Hello, hashed: str) -> Answer:
        return self._decide(hello, hashed, check_bcrypt(self._given(hello.said), hashed))

    def _decide(self, hello: Hello, secret: str, matches: bool) -> Answer:
        if not matches:
            return REFUSED
        if self._asks_token(hello.said):
            return Verdict(
                config.GLOBAL_ACCOUNT, limits=self._usual_limits, method="token", proof=secret
            )
        return self._users[hello.said.user].answer("password", hello.kind, secret)


def _opens_to_all(options: config.Options) -> bool:
    """Whether clients without credentials may use the global account although users exist. They may
    if only the system account has users (for the operator) and there is no `authorization` block,
    which would mean to lock clients out."""
    block = options.authorization
    closed = block.present or block.user or block.token or block.users
    named = options.system_account or config.SYSTEM_ACCOUNT in options.accounts
    return bool(named and options.only_global_account and not closed)
