"""Servers for cases: one that all plain cases share, and one account each for the others."""

from __future__ import annotations

from collections.abc import Iterable

from tests.conformance.jetstream.case import SERVERS, Case
from tests.support.client import Client

PASSWORD = "p"
SHARED_FLAGS = ("-js", "-sd", "@FOLDER@/store")


def accounts(cases: Iterable[Case]) -> dict[str, str]:
    """The account of each case by the case's name, the same on every server; "" = $G."""
    return {case.name: "" if case.plain else f"C{index:04d}" for index, case in enumerate(cases)}


def configuration(server: str, cases: Iterable[tuple[str, Case]]) -> str:
    """The configuration of server `server` with an account for each (account, case)."""
    lines = [
        f'jetstream {{ store_dir: "@FOLDER@/store", {SERVERS[server]} }}',
        "system_account: SYS",
        f"accounts {{ SYS {{ users = [ {{ user: SYS, password: {PASSWORD} }} ] }}",
    ]
    for name, case in cases:
        users = f"users = [ {{ user: {name}, password: {PASSWORD} }} ]"
        lines.append(f"  {name} {{ jetstream: {case.account}, {users} }}")
    return "\n".join([*lines, "}", ""])


def connect(port: int, account: str) -> Client:
    """A connection of `account`'s only user, without login for $G."""
    return Client(port, account, PASSWORD)
