"""Servers for cases: all cases of one setting share one, in the global account where that will
do, else with an account for each."""

from __future__ import annotations

from collections.abc import Iterable

from tests.conformance.jetstream.case import SERVERS, Case
from tests.support.client import Client

PASSWORD = "p"
GLOBAL_ACCOUNT = "$G"


def accounts(cases: Iterable[Case]) -> dict[str, str]:
    """The account of each case by the case's name, the same on every server."""
    return {
        case.name: f"C{index:04d}" if case.needs_account else GLOBAL_ACCOUNT
        for index, case in enumerate(cases)
    }


def configuration(server: str, cases: Iterable[tuple[str, Case]]) -> str:
    """The configuration of server `server` with the accounts of these (account, case)."""
    text = f'jetstream {{ store_dir: "@FOLDER@/store", {SERVERS[server]} }}\n'
    own = [
        f"  {name} {{ jetstream: {case.account}, "
        f"users = [ {{ user: {name}, password: {PASSWORD} }} ] }}\n"
        for name, case in cases
        if name != GLOBAL_ACCOUNT
    ]
    return text + ("accounts {\n" + "".join(own) + "}\n" if own else "")


def connect(port: int, account: str) -> Client:
    """A connection of `account`'s only user; that of the global account has no login."""
    return Client(port, "" if account == GLOBAL_ACCOUNT else account, PASSWORD)
