"""What servers report of each account, added up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class AccountUse:
    """An account over all servers that told of it."""

    account: str
    servers: int = 0
    connections: int = 0
    leafnodes: int = 0
    subscriptions: int = 0
    slow: int = 0
    sent_messages: int = 0
    sent_bytes: int = 0
    received_messages: int = 0
    received_bytes: int = 0

    def add(self, told: dict[str, Any]) -> None:
        self.servers += 1
        self.connections += _number(told, "conns")
        self.leafnodes += _number(told, "leafnodes")
        self.subscriptions += _number(told, "num_subscriptions")
        self.slow += _number(told, "slow_consumers")
        self.sent_messages += _number(told, "sent", "msgs")
        self.sent_bytes += _number(told, "sent", "bytes")
        self.received_messages += _number(told, "received", "msgs")
        self.received_bytes += _number(told, "received", "bytes")


def _number(told: dict[str, Any], *path: str) -> int:
    value: Any = told
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, int) else 0


ACCOUNT_KEYS: dict[str, tuple[str, Callable[[AccountUse], int]]] = {
    "conns": ("Connections", lambda use: use.connections),
    "recvb": ("Received Bytes", lambda use: use.received_bytes),
    "recvm": ("Received Messages", lambda use: use.received_messages),
    "sentb": ("Sent Bytes", lambda use: use.sent_bytes),
    "sentm": ("Sent Messages", lambda use: use.sent_messages),
    "slow": ("Slow Consumers", lambda use: use.slow),
    "subs": ("Subscriptions", lambda use: use.subscriptions),
}
"""Sort keys of accounts: what the title calls them, and the figure."""


@dataclass
class AccountStats:
    """The latest report of each server about each account."""

    told: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # fmt: skip
    changed: str = ""

    def add_event(self, document: dict[str, Any]) -> None:
        """Takes an event a server sends of one account."""
        server = document.get("server")
        if isinstance(server, dict):
            self._add(server, document)

    def add_answer(self, document: dict[str, Any]) -> None:
        """Takes an answer about all accounts of a server."""
        server, data = document.get("server"), document.get("data")
        if isinstance(server, dict) and isinstance(data, dict):
            for told in data.get("account_statz") or []:
                self._add(server, told)

    def _add(self, server: dict[str, Any], told: dict[str, Any]) -> None:
        account = str(told.get("name") or told.get("acc") or told.get("account") or "")
        if account:
            self.told[account][str(server.get("id", ""))] = told
            self.changed = max(self.changed, str(server.get("time") or ""))

    def top(self, key: str, number: int) -> list[AccountUse]:
        """The accounts with the most; 0 = all."""
        rows = []
        for account, by_server in sorted(self.told.items()):
            use = AccountUse(account)
            for told in by_server.values():
                use.add(told)
            rows.append(use)
        rows.sort(key=ACCOUNT_KEYS[key][1], reverse=True)
        return rows[:number] if number else rows
