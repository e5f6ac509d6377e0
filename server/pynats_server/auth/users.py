"""The configured users: who they are, and what each may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from pynats_common.records import dataclass

from pynats_server import options as config
from pynats_server.auth.base import REFUSED, Answer, Hello, Refusal, Verdict
from pynats_server.auth.permissions import barring, compile_permissions
from pynats_server.auth.proxies import PROXY_REQUIRED
from pynats_server.core.permissions import Permissions

CALLOUT_SUBJECT: Final = "$SYS.REQ.USER.AUTH"


@dataclass(slots=True)
class KnownUser:
    """A user with the name of its account and its permissions (None = unrestricted)."""

    user: config.User
    account: str
    permissions: Permissions | None

    def admits(self, kind: str) -> bool:
        """Whether it may use a kind of connection."""
        kinds = self.user.allowed_connection_types
        return not kinds or kind in kinds

    def bars(self, hello: Hello) -> Refusal | None:
        """Why it may not come in this way, whatever it presents."""
        if not self.admits(hello.kind):
            return REFUSED
        return PROXY_REQUIRED if self.user.proxy_required and not hello.proxy else None

    def answer(self, hello: Hello, method: str, proof: object = None) -> Answer:
        """It has shown who it is."""
        return self.bars(hello) or Verdict(
            self.account,
            self.permissions,
            self.user.name,
            self.user.limits,
            method,
            rights=self.user.permissions,
            issuer_key=self.account if self.user.nkey else "",
            by_key=bool(self.user.nkey),
            proof=proof,
        )


class Users:
    """All users of the lists: those with names, and those with keys.

    `guest` names the user of clients without credentials; empty if they are refused. `spare_guest`
    is the name to use when `_opens_to_all` adds such a user.
    """

    def __init__(self, options: config.Options, spare_guest: str) -> None:
        self.named: dict[str, KnownUser] = {}
        self.keyed: dict[str, KnownUser] = {}
        for account, user in options.all_users():
            user = barred(options, account, user)
            known = KnownUser(user, account, compile_permissions(user.permissions))
            (self.keyed if user.nkey else self.named)[user.name] = known
        self.guest = options.no_auth_user
        if not self.guest and _opens_to_all(options):
            self.guest = spare_guest
            user = config.User(spare_guest)
            self.named[spare_guest] = KnownUser(user, config.GLOBAL_ACCOUNT, None)

    def __bool__(self) -> bool:
        return bool(self.named or self.keyed)

    def find(self, name: str) -> KnownUser | None:
        """The user of this name or key."""
        return self.named.get(name) or self.keyed.get(name)

    def unchanged(self, before: Users) -> frozenset[str]:
        """The names and keys that both know, with all that concerns them."""
        return frozenset(
            name
            for name, known in (self.named | self.keyed).items()
            if (old := before.find(name)) is not None
            and (old.account, old.user) == (known.account, known.user)
        )

    def of(self, accounts: Collection[str]) -> set[str]:
        """The names and keys of the users of these accounts."""
        users = self.named | self.keyed
        return {name for name, known in users.items() if known.account in accounts}


def barred(options: config.Options, account: str, user: config.User) -> config.User:
    """A user of the account where an auth callout service is asked: it may not ask it in the
    server's place."""
    callout = options.authorization.auth_callout
    if callout is None or callout.account != account:
        return user
    return replace(user, permissions=barring(user.permissions, CALLOUT_SUBJECT))


def barred_verdict(verdict: Verdict) -> Verdict:
    """The same for one who was let in there otherwise."""
    rights = barring(verdict.rights, CALLOUT_SUBJECT)
    return replace(verdict, rights=rights, permissions=compile_permissions(rights))


def is_silent(hello: Hello) -> bool:
    """Whether it presents nothing that counts as credentials, by itself."""
    said = hello.said
    return not (said.user or said.password or said.auth_token)


def _opens_to_all(options: config.Options) -> bool:
    """Whether clients without credentials may use the global account although users exist. They may
    if only the system account has users (for the operator) and there is no `authorization` block,
    which would mean to lock clients out."""
    block = options.authorization
    closed = block.present or block.user or block.token or block.users
    named = options.system_account or config.SYSTEM_ACCOUNT in options.accounts
    return bool(named and options.only_global_account and not closed)
