"""Accounts on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pynats_common import jwt
from pynats_common.accounts_store.store import Store
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import format_time_in
from pynats_common.jwt.types import SERVICE, STREAM, AccountLimits, JetStreamLimits

from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import bytes_text, local_time, thousands, truth, unlimited
from pynats_cli.screen.tables import Table


def account_screen(store: Store | None, claims: jwt.AccountClaims, remote: bool = False) -> str:
    """What an account is; `store` has it, unless a server told it and it is only there."""
    screen = Columns(f"Account {claims.name} ({claims.sub})")
    screen.section("Configuration")
    screen.add("Name", claims.name)
    screen.add("Issuer", claims.iss)
    if store is not None and not remote:
        screen.add("Operator", store.name)
        system = store.operator().nats.system_account == claims.sub
        screen.add("System Account", truth(system))
    users = 0 if store is None or remote else len(store.users(claims.name))
    _add_configuration(screen, claims, users)
    screen.section("Limits")
    _add_limits(screen, claims.nats.limits)
    if has_jetstream(claims.nats.limits):
        _add_jetstream(screen, claims)
    return screen.render() + "\n"


def has_jetstream(limits: AccountLimits) -> bool:
    """Whether an account with these limits can use JetStream."""
    return bool(limits.disk_storage or limits.mem_storage or limits.tiered_limits)


def _add_configuration(screen: Columns, claims: jwt.AccountClaims, users: int) -> None:
    nats = claims.nats
    screen.add_if("Description", nats.description)
    screen.add_list("Tags", nats.tags)
    screen.add("JetStream", truth(has_jetstream(nats.limits)))
    screen.add_if("Expiry", moment(claims.exp))
    screen.add("Users", thousands(users))
    screen.add("Revocations", thousands(len(nats.revocations)))
    for label, entries in (("Exports", nats.exports), ("Imports", nats.imports)):
        for kind in (SERVICE, STREAM):
            count = sum(entry.type == kind for entry in entries)
            screen.add(f"{kind.capitalize()} {label}", thousands(count))


def _add_limits(screen: Columns, limits: AccountLimits) -> None:
    screen.add("Bearer Tokens Allowed", truth(not limits.disallow_bearer))
    screen.add("Subscriptions", unlimited(limits.subs))
    screen.add("Connections", unlimited(limits.conn))
    screen.add("Maximum Payload", _size(limits.payload))
    screen.add("Leafnodes", unlimited(limits.leaf))
    screen.add("Imports", unlimited(limits.imports))
    screen.add("Exports", unlimited(limits.exports))


def _add_jetstream(screen: Columns, claims: jwt.AccountClaims) -> None:
    screen.section("JetStream Settings", 1)
    screen.add("Cluster Traffic", claims.nats.cluster_traffic or "system")
    limits = claims.nats.limits
    if not limits.tiered_limits:
        screen.section("Account Default Limits", 2)
        _add_tier(screen, limits)
    for name, tier in sorted(limits.tiered_limits.items()):
        screen.section(f"Tier {name} Limits", 2)
        _add_tier(screen, tier)


def _add_tier(screen: Columns, tier: AccountLimits | JetStreamLimits) -> None:
    # Servers read 0 as no limit here, but for storage.
    screen.add("Max Ack Pending", unlimited(tier.max_ack_pending or -1))
    screen.add("Maximum Streams", unlimited(tier.streams or -1))
    screen.add("Max Consumers Per Stream", unlimited(tier.consumer or -1))
    screen.add("Max Stream Size Required", truth(tier.max_bytes_required))
    screen.add("Max File Storage", _size(tier.disk_storage))
    if tier.disk_max_stream_bytes > 0:
        screen.add("Max File Storage Stream Size", _size(tier.disk_max_stream_bytes))
    screen.add("Max Memory Storage", _size(tier.mem_storage))
    if tier.mem_max_stream_bytes > 0:
        screen.add("Max Memory Storage Stream Size", _size(tier.mem_max_stream_bytes))


def accounts_table(accounts: Iterable[dict[str, Any]]) -> str:
    """All accounts of an operator."""
    table = Table("Accounts", ("Name", "Subject", "Users", "JetStream", "System"))
    for each in accounts:
        marks = ["true" if each[name] else "" for name in ("jetstream", "system")]
        table.add(each["name"], each["subject"], each["users"], *marks)
    return table.render() + "\n" if table.rows else "No Accounts found"


def moment(seconds: int) -> str:
    """A time of a JWT in the local zone; empty for none."""
    from datetime import UTC

    try:
        return local_time(format_time_in(seconds * SECOND_NS, UTC)) if seconds else ""
    except (OverflowError, ValueError, OSError):
        return f"{seconds} (out of range)"


def _size(value: int) -> str:
    return "unlimited" if value < 0 else bytes_text(value)
