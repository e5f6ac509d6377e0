"""Operators, accounts and users as `nats` writes them as JSON: JWTs with the seeds of their keys.

Everything here holds secrets, but `public_operator`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pynats_common.accounts_store.store import Store, load_token

from pynats_cli.errors import CliError
from pynats_cli.identities.book import Book


def operator_entity(book: Book, store: Store) -> dict[str, Any]:
    """An operator with everything below it."""
    claims = store.operator()
    return {
        "name": claims.name,
        "key": _key(book, claims.sub),
        "token": load_token(store.operator_path()),
        "signingKeys": _keys(book, claims.nats.signing_keys),
        "accounts": [account_entity(book, store, name) for name in store.accounts()],
    }


def public_operator(store: Store) -> dict[str, Any]:
    """An operator as servers know it: its JWT, and that of the system account (None without)."""
    claims = store.operator()
    system: dict[str, str] | None = None
    if claims.nats.system_account:
        name = store.account_named(claims.nats.system_account)
        if not name:
            raise CliError(f'the system account of operator "{claims.name}" is not in the store')
        token = load_token(store.account_path(name))
        system = {"Name": name, "Subject": claims.nats.system_account, "JWT": token}
    token = load_token(store.operator_path())
    return {"Name": claims.name, "Subject": claims.sub, "JWT": token, "SystemAccount": system}


def account_entity(book: Book, store: Store, account: str) -> dict[str, Any]:
    """An account with its users."""
    claims = store.account(account)
    users = [user_entity(book, store, account, name) for name in store.users(account)]
    return {
        "name": claims.name,
        "key": _key(book, claims.sub),
        "token": load_token(store.account_path(account)),
        "signingKeys": _keys(book, claims.nats.signing_key_ids()),
        "users": users or None,
    }


def user_entity(book: Book, store: Store, account: str, user: str) -> dict[str, Any]:
    """A user."""
    claims = store.user(account, user)
    return {
        "name": claims.name,
        "key": _key(book, claims.sub),
        "token": load_token(store.user_path(account, user)),
    }


def _key(book: Book, public: str) -> dict[str, str] | None:
    pair = book.keyring.stored(public)
    return None if pair is None else {"key": pair.seed}


def _keys(book: Book, publics: Iterable[str]) -> list[dict[str, str]] | None:
    """Those that are stored; the others are known to the JWT only."""
    found = [key for key in (_key(book, public) for public in publics) if key is not None]
    return found or None
