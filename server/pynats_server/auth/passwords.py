"""Passwords and tokens from the configuration."""

from __future__ import annotations

from dataclasses import field
from functools import partial

from pynats_common.records import dataclass

from pynats_server import options as config
from pynats_server.auth.base import REFUSED, Answer, Hello, Outcome, Slow, Verdict
from pynats_server.auth.permissions import compile_permissions
from pynats_server.auth.proxies import PROXY_REQUIRED
from pynats_server.auth.secrets import check_bcrypt, equal, is_bcrypt
from pynats_server.auth.users import KnownUser, Users, barred, is_silent


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is to be compared, and for whom: None is who has the token."""

    user: KnownUser | None
    given: str = field(repr=False)
    secret: str = field(repr=False)
    method: str = "password"


class PasswordLogin:
    """Users with passwords, a single user, or a token. With none of them, and no other users,
    everybody may come in. Where users are `mapped` from certificates, who has no password comes in
    with a certificate only."""

    def __init__(self, options: config.Options, users: Users, mapped: bool = False) -> None:
        block = options.authorization
        self._users = users
        self._mapped = mapped
        self._token = block.token
        self._usual_limits = block.default_limits
        self._proxy_required = block.proxy_required  # for the token and the single user
        self._single: KnownUser | None = None
        if block.user:
            only = config.User(
                block.user,
                block.password,
                permissions=block.default_permissions,
                limits=block.default_limits,
            )
            only = barred(options, config.GLOBAL_ACCOUNT, only)
            permissions = compile_permissions(only.permissions)
            self._single = KnownUser(only, config.GLOBAL_ACCOUNT, permissions)
        self.required = bool(users or self._single or self._token)
        # What holds for everybody, besides the users.
        self.rules = (
            self._token,
            self._single and self._single.user,
            users.guest,
            self._usual_limits,
            self._proxy_required,
        )

    def verify(self, hello: Hello) -> Outcome:
        """Only bcrypt hashes are slow."""
        found = self._attempt(hello)
        return self.compare(hello, found, "") if isinstance(found, Attempt) else found

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """A secret that is the same was compared already."""
        found = self._attempt(hello)
        if isinstance(found, Attempt):
            return self.compare(hello, found, verdict.proof)
        return found

    def compare(self, hello: Hello, attempt: Attempt, proved: object) -> Outcome:
        """Whether what is given is the secret, unless that was `proved`."""
        if attempt.secret and attempt.secret == proved:
            return self._decide(hello, attempt, True)
        if is_bcrypt(attempt.secret):
            return Slow(partial(self._compare_hash, hello, attempt))
        return self._decide(hello, attempt, equal(attempt.given, attempt.secret))

    def _compare_hash(self, hello: Hello, attempt: Attempt) -> Answer:
        return self._decide(hello, attempt, check_bcrypt(attempt.given, attempt.secret))

    def _attempt(self, hello: Hello) -> Attempt | Answer:
        """A user name wins over the token when users have names: the command line can add a token
        to the users of the file."""
        said, named = hello.said, self._users.named
        if not self.required:
            return Verdict(config.GLOBAL_ACCOUNT)
        if is_silent(hello) and (guest := named.get(self._users.guest)) is not None:
            return guest.answer(hello, "no_auth_user")
        if said.user and named:
            known = named.get(said.user)
            if known is None or (self._mapped and not known.user.password):
                return REFUSED
            return known.bars(hello) or Attempt(known, said.password, known.user.password)
        if not (self._token or self._single):
            return REFUSED
        if self._proxy_required and not hello.proxy:
            return PROXY_REQUIRED
        if self._token:
            return Attempt(None, said.auth_token, self._token) if said.auth_token else REFUSED
        if self._single is None or said.user != self._single.user.user:
            return REFUSED
        return Attempt(self._single, said.password, self._single.user.password)

    def _decide(self, hello: Hello, attempt: Attempt, matches: bool) -> Answer:
        if not matches:
            return REFUSED
        if attempt.user is not None:
            return attempt.user.answer(hello, attempt.method, attempt.secret)
        return Verdict(
            config.GLOBAL_ACCOUNT, limits=self._usual_limits, method="token", proof=attempt.secret
        )
