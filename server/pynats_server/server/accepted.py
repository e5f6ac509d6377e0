"""Options that a server can run with, and what follows from them.

The checks take long with thousands of accounts: they are made once, by whoever has the options
first, and a reload makes them in a thread.
"""

from __future__ import annotations

from typing import TypeVar

from pynats_common.records import dataclass

from pynats_server.accounts.plan import Plan, check_accounts
from pynats_server.options import Options
from pynats_server.settings import validate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Nobody changes the options any more."""

    options: Options
    plan: Plan  # what their accounts share


def accept(options: Options) -> Accepted:
    """Raises ValueError, which says why a server cannot run with them."""
    validate(options)
    return Accepted(options, check_accounts(options))


def accept_again(options: Options, old: Accepted) -> Accepted:
    """The same for options that follow others. What is equal to something old is replaced by it:
    there is less to keep, and whoever looks for changes later, on the loop, is done at once."""
    options.accounts = _kept(options.accounts, old.options.accounts)
    accepted = accept(options)
    plan = accepted.plan
    return Accepted(
        options,
        Plan(_links(plan.streams, old.plan.streams), _links(plan.services, old.plan.services)),
    )


def _kept(new: dict[str, T], old: dict[str, T]) -> dict[str, T]:
    return {name: old[name] if old.get(name) == each else each for name, each in new.items()}


def _links(new: dict[str, list[T]], old: dict[str, list[T]]) -> dict[str, list[T]]:
    """The lists are new: they belong to the plan."""
    return {name: list(links) for name, links in _kept(new, old).items()}
