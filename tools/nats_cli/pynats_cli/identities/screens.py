"""Operators on the screen."""

from __future__ import annotations

from collections.abc import Iterable

from pynats_common.accounts_store.store import Store

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.tables import Table


def operator_screen(store: Store) -> str:
    """What an operator is."""
    claims = store.operator()
    screen = Columns(f"Operator {claims.name} ({claims.sub})")
    screen.section("Configuration")
    screen.add("Name", claims.name)
    screen.add("Subject", claims.sub)
    screen.add_list("Tags", claims.nats.tags)
    screen.add_list("Service URL(s)", claims.nats.operator_service_urls)
    screen.add_if("Account Server", claims.nats.account_server_url)
    screen.add("Accounts", str(len(store.accounts())))
    screen.add("System Account", _system_account(store, claims.nats.system_account))
    screen.add_list("Signing Keys", claims.nats.signing_keys)
    return screen.render() + "\n"


def _system_account(store: Store, public: str) -> str:
    if not public:
        return "not set"
    name = store.account_named(public)
    return f"{name} ({public})" if name else public


def operators_table(stores: Iterable[Store]) -> str:
    """All operators."""
    table = Table("Operators",
                  ("Name", "Subject", "Accounts", "Account Server", "Signing Keys"))  # fmt: skip
    for store in stores:
        claims = store.operator()
        table.add(claims.name, claims.sub, len(store.accounts()), claims.nats.account_server_url,
                  len(claims.nats.signing_keys))  # fmt: skip
    return table.render() + "\n" if table.rows else "No Operators found"
