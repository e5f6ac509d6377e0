"""Options that a server can run with, and what follows from them.

The checks take long with thousands of accounts: they are made once, by whoever has the options
first, and a reload makes them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynats_server.accounts.plan import Plan, check_accounts
from pynats_server.options import Options
from pynats_server.settings import validate


@dataclass(frozen=True, slots=True)
class Accepted:
    """Nobody changes the options any more."""

    options: Options
    plan: Plan  # what their accounts share


def accept(options: Options) -> Accepted:
    """Raises ValueError, which says why a server cannot run with them."""
    validate(options)
    return Accepted(options, check_accounts(options))


def keep_unchanged(options: Options, old: Options) -> None:
    """Puts the old accounts into new options in place of equal ones: there is half as much to keep,
    and whoever looks for changes later is done at once."""
    options.accounts = {
        name: old.accounts[name] if old.accounts.get(name) == account else account
        for name, account in options.accounts.items()
    }
