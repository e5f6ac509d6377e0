"""Credentials that stand in the configuration: a token, one user, or a list of users."""

from __future__ import annotations

import hmac
import re
from types import NotImplementedType

from pynats_server import options as config
from pynats_server.auth.base import ConnectOptions, Verdict
from pynats_server.core.permissions import Permissions

GLOBAL_ACCOUNT = "$G"
# Connections of this kind (the client listener); others arrive with their listeners.
STANDARD = "STANDARD"

_BCRYPT = re.compile(r"^\$2[abxy]\$\d\d\$.{53}$")
_BCRYPT_MAX = 72  # bytes of a password that bcrypt reads; longer ones never match


def is_bcrypt(secret: str) -> bool:
    """Whether a configured secret is a bcrypt hash rather than plain text."""
    return _BCRYPT.match(secret) is not None


def compile_permissions(source: config.Permissions | None) -> Permissions | None:
    """The data plane's form of configured permissions; None stays None (unrestricted)."""
    if source is None:
        return None
    publish = source.publish or config.SubjectPermission()
    subscribe = source.subscribe or config.SubjectPermission()
    responses = source.responses
    # Replying is all that is allowed when nothing but replies is granted.
    only_replies = responses is not None and source.publish is None
    return Permissions(
        publish_allow=() if only_replies else _encode(publish.allow),
        publish_deny=_encode(publish.deny) or (),
        subscribe_allow=_encode(subscribe.allow),
        subscribe_deny=_encode(subscribe.deny) or (),
        responses=responses is not None,
        response_max=responses.max_msgs if responses else 1,
        response_ttl_ns=_ttl_ns(responses.ttl) if responses else 0,
    )


def _encode(subjects: list[str] | None) -> list[bytes] | None:
    return None if subjects is None else [subject.encode() for subject in subjects]


def _ttl_ns(seconds: float) -> int:
    return -1 if seconds < 0 else int(seconds * 1e9)


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _check_bcrypt(given: str, hashed: str) -> bool:
    import bcrypt

    secret = given.encode("utf-8", "replace")
    if len(secret) > _BCRYPT_MAX:
        return False
    try:
        return bcrypt.checkpw(secret, hashed.encode())
    except ValueError:
        return False


class StaticAuthenticator:
    """Token, user/password and users of the `authorization` block."""

    def __init__(self, options: config.Options) -> None:
        block = options.authorization
        self._token = block.token
        self._users: dict[str, config.User] = {user.user: user for user in block.users}
        if block.user:
            self._users[block.user] = config.User(block.user, block.password)
        default = block.default_permissions
        self._permissions = {
            name: compile_permissions(user.permissions or default)
            for name, user in self._users.items()
        }
        self._no_auth_user = options.no_auth_user
        self.required = block.required

    def quick(self, options: ConnectOptions) -> Verdict | NotImplementedType | None:
        """See Authenticator: everything but bcrypt is answered at once."""
        secret = self._secret(options)
        if secret is None:
            return self._without(options)
        if is_bcrypt(secret):
            return NotImplemented  # type: ignore[no-any-return]
        return self._decide(options, _equal(self._given(options), secret))

    def slow(self, options: ConnectOptions) -> Verdict | None:
        """See Authenticator."""
        secret = self._secret(options)
        if secret is None:
            return self._without(options)
        if is_bcrypt(secret):
            return self._decide(options, _check_bcrypt(self._given(options), secret))
        return self._decide(options, _equal(self._given(options), secret))

    def implicit(self) -> Verdict | None:
        """See Authenticator: `no_auth_user`, where one is configured."""
        user = self._users.get(self._no_auth_user)
        if user is None or not _may_use_listener(user):
            return None
        return Verdict(GLOBAL_ACCOUNT, self._permissions[user.user], user.user)

    def find(self, name: str | None) -> Verdict | None:
        """The current verdict for an authenticated user's name; None when it is gone (reload)."""
        if name is None or name not in self._users:
            return None
        return Verdict(GLOBAL_ACCOUNT, self._permissions[name], name)

    def _secret(self, options: ConnectOptions) -> str | None:
        """What the given credentials are compared with; None when they name nobody."""
        if self._token:
            return self._token if options.auth_token else None
        user = self._users.get(options.user)
        return user.password if user is not None else None

    def _given(self, options: ConnectOptions) -> str:
        return options.auth_token if self._token else options.password

    def _without(self, options: ConnectOptions) -> Verdict | None:
        if not self.required:
            return Verdict(GLOBAL_ACCOUNT)
        presented = options.user or options.auth_token or options.password
        return None if presented else self.implicit()

    def _decide(self, options: ConnectOptions, matches: bool) -> Verdict | None:
        if not matches:
            return None
        if self._token:
            return Verdict(GLOBAL_ACCOUNT)
        user = self._users[options.user]
        if not _may_use_listener(user):
            return None
        return Verdict(GLOBAL_ACCOUNT, self._permissions[user.user], user.user)


def _may_use_listener(user: config.User) -> bool:
    return not user.allowed_connection_types or STANDARD in user.allowed_connection_types
