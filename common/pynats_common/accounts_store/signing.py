"""Which key signs a JWT of the store, and how it is checked and signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.keyring import Keyring
from pynats_common.nkeys import KeyPair, Prefix


def check_claims(claims: jwt.Claims, warn: Callable[[str], object]) -> None:
    """Refuses claims with blocking issues; tells `warn` the others."""
    issues = jwt.validate(claims)
    for issue in issues:
        if issue.blocking:
            raise StoreError(issue.description, "nothing was changed")
    for issue in issues:
        warn(issue.description)


def sign(
    claims: jwt.Claims, signer: KeyPair, keyring: Keyring, warn: Callable[[str], object]
) -> str:
    """The JWT of these claims, once they are checked; new keys of this run are stored."""
    check_claims(claims, warn)
    token = jwt.encode(claims, signer)
    keyring.store_kept()
    return token


@dataclass(frozen=True)
class Hints:
    """What a tool advises whoever has no key to sign with, in its own commands."""

    no_key: str = ""
    no_role_key: str = ""
    strict: str = ""
    scoped_user: str = ""


def bind_user(
    owner: jwt.AccountClaims, claims: jwt.UserClaims, signer: KeyPair, hints: Hints
) -> None:
    """Makes a user one of this account, as this key will sign it."""
    claims.nats.issuer_account = "" if signer.public_key == owner.sub else owner.sub
    if owner.nats.scope_of(signer.public_key) is not None and not claims.nats.is_clear():
        raise StoreError("users of a scoped signing key cannot have permissions or limits",
                         hints.scoped_user)  # fmt: skip


class Signers:
    """Chooses among the stored keys; `given` is the key, role or file that the user named."""

    def __init__(self, keyring: Keyring, hints: Hints, given: str = "") -> None:
        self._keyring = keyring
        self._hints = hints
        self._given = given

    def for_accounts(self, operator: jwt.OperatorClaims, name: str, before: str = "") -> KeyPair:
        """The given key of an operator, else the one that signed `before`, else the first stored
        one."""
        allowed = list(operator.nats.signing_keys)
        if not operator.nats.strict_signing_key_usage:
            allowed.insert(0, operator.sub)
        allowed.sort(key=lambda public: public != before)
        return self._choose(allowed, Prefix.OPERATOR, name)

    def for_operator(self, operator: jwt.OperatorClaims, name: str) -> KeyPair:
        """The operator's own key; nothing else can sign the operator's JWT."""
        return self._choose([operator.sub], Prefix.OPERATOR, name)

    def for_users(self, account: jwt.AccountClaims, name: str, *, strict: bool) -> KeyPair:
        """The given key or role of an account, else the first stored one without a scope.

        In `strict` operators an account's own key signs nobody.
        """
        given, nats = self._given, account.nats
        for item in nats.signing_keys:
            if not isinstance(item, str) and given and item.role == given:
                pair = self._keyring.stored(item.key)
                if pair is None:
                    raise StoreError(f'seed of role "{given}" is not stored',
                                     self._hints.no_role_key)  # fmt: skip
                return pair
        # A key with a scope decides what a user may do: use it only if requested.
        plain = [k for k in nats.signing_key_ids() if nats.scope_of(k) is None]
        scoped = [k for k in nats.signing_key_ids() if k not in plain]
        allowed = [*plain, *scoped] if given else plain
        if not strict:
            allowed.insert(0, account.sub)
        elif not plain and not given:
            raise StoreError("the operator requires signing keys, and the account has no plain one",
                             self._hints.strict)  # fmt: skip
        return self._choose(allowed, Prefix.ACCOUNT, name)

    def _choose(self, allowed: list[str], kind: Prefix, owner: str) -> KeyPair:
        if self._given:
            return self._given_key(allowed, kind, owner)
        found = self._keyring.first_stored(allowed)
        if found is None:
            raise StoreError(f'no signing key of {kind.label} "{owner}" is stored',
                             self._hints.no_key)  # fmt: skip
        return found

    def _given_key(self, allowed: list[str], kind: Prefix, owner: str) -> KeyPair:
        pair = self._keyring.load(self._given)
        if pair.prefix is not kind:
            raise StoreError(f"expected {kind.label} key, got {pair.prefix.label} key")
        if pair.public_key not in allowed:
            raise StoreError(f'key {pair.public_key} is not a key of {kind.label} "{owner}"')
        if not pair.has_seed:
            raise StoreError(f"seed of {pair.public_key} is not stored")
        return pair
