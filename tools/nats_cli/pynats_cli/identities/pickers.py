"""Which operator, account, user or key a command means: the named one, else a menu.

A name that is given is never replaced by a menu.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.store import Store
from pynats_common.jwt.types import ScopedSigner

from pynats_cli.errors import CliError
from pynats_cli.identities import selection
from pynats_cli.identities.book import Book
from pynats_cli.screen.ask import choose, has_terminal


def pick_operator(book: Book, given: str = "", *, use_selected: bool = True) -> Store:
    """The named operator, by name or public key; else the selected or only one; else a menu."""
    known = book.operators()
    if given:
        return book.store(_operator_named(book, given, known))
    selected = selection.selected_operator() if use_selected else ""
    if selected in known:
        return book.store(selected)
    if len(known) == 1 and use_selected:
        return book.store(known[0])
    return book.store(menu("an Operator", "operator", known))


def _operator_named(book: Book, given: str, known: Sequence[str]) -> str:
    if given in known:
        return given
    for name in known if given.startswith("O") else ():
        with suppress(StoreError):  # a damaged one is not the one that is meant
            if book.store(name).operator().sub == given:
                return name
    raise CliError(f'operator "{given}" not found')


def pick_account(store: Store, given: str = "", what: str = "an Account") -> str:
    """The named account, by name or public key; else a menu."""
    known = store.accounts()
    if not given:
        return menu(what, "Account", known)
    name = given if given in known else store.account_named(given)
    if not name:
        raise CliError(f'account "{given}" not found in operator "{store.name}"')
    return name


class NamesAccount(Protocol):
    """Options that say which account is meant."""

    operator: str
    account: str


def named_account(options: NamesAccount) -> tuple[Book, Store, str]:
    """The store, the operator's part of it, and the account that the options name."""
    book = Book()
    store = pick_operator(book, options.operator)
    return book, store, pick_account(store, options.account)


def pick_user(store: Store, account: str, given: str = "") -> str:
    """The named user of an account, by name or public key; else a menu."""
    known = store.users(account)
    if not given:
        return menu("a User", "user", known)
    if given in known:
        return given
    for name in known:
        if given.startswith("U") and store.user(account, name).sub == given:
            return name
    raise CliError(f"user {given} not found")


def pick_signing_key(account: jwt.AccountClaims, given: str = "") -> str:
    """A signing key of an account, by key or role; else a menu. Returns the public key."""
    labels = {_key_label(item): key_of(item) for item in account.nats.signing_keys}
    if not given:
        label = menu("Signing Key", "key or role", list(labels))
        return labels[label]
    if given in labels.values():
        return given
    found = [item.key for item in account.nats.signing_keys
             if isinstance(item, ScopedSigner) and item.role == given]  # fmt: skip
    if len(found) > 1:
        raise CliError(f'{len(found)} signing keys have the role "{given}": name one by its key')
    if not found:
        raise CliError(f'signing key "{given}" not found in account "{account.name}"')
    return found[0]


def key_of(item: str | ScopedSigner) -> str:
    """The public key of an entry of an account's signing keys."""
    return item if isinstance(item, str) else item.key


def _key_label(item: str | ScopedSigner) -> str:
    if isinstance(item, str):
        return item
    about = f" ({item.description})" if item.description else ""
    return f"{item.key} - Scope {item.role}{about}"


def menu(what: str, kind: str, choices: Sequence[str]) -> str:
    """One of the choices, from a menu; the only one without. Raises CliError without a terminal."""
    if not has_terminal():
        raise CliError(f"cannot pick {what} without a terminal and no {kind} name supplied")
    if not choices:
        raise CliError(f"no {kind} found")
    if len(choices) == 1:
        return choices[0]
    return choose(f"Select {what}", choices)
