"""The screen of `account info`."""

from __future__ import annotations

from typing import Any

from pynats_cli.jetstream.api import NOT_ENABLED
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import bytes_text, duration, thousands

_UNSUPPORTED = "JetStream is not supported in this account"


def info_screen(data: dict[str, Any], domain: str) -> Columns:
    """The user, the connection, permissions, and JetStream with its limits."""
    screen = Columns("Account Information")
    _user(screen, data["user"], data["connection"]["system_account"])
    _connection(screen, data["connection"])
    _permissions(screen, data["user"].get("permissions") or {})
    of_domain = f" for domain {domain}" if domain else ""
    screen.section(f"JetStream Account Information{of_domain}")
    if data["jetstream"] is None:
        fault = str(data["jetstream_error"])
        missing = fault == NOT_ENABLED
        screen.text(
            f"  {_UNSUPPORTED if missing else f'Could not obtain account information: {fault}'}"
        )
        return screen
    _jetstream(screen, data["jetstream"], data["connection"]["max_payload"])
    return screen


def _user(screen: Columns, user: dict[str, Any], system: bool) -> None:
    if not user:
        return
    screen.add("User", _named(user.get("user_name"), user.get("user")))
    screen.add("Account", _named(user.get("account_name"), user.get("account")))
    screen.add("System Account", _yes(system))
    expires = int(user.get("expires") or 0)
    screen.add("Expires", duration(expires) if expires else "never")


def _named(name: Any, key: Any) -> str:
    return f"{name} ({key})" if name and key else str(name or key or "")


def _connection(screen: Columns, connection: dict[str, Any]) -> None:
    screen.add("Client ID", str(connection["client_id"]))
    screen.add_if("Client IP", connection["client_ip"])
    screen.add("RTT", duration(connection["rtt"]))
    screen.add("Headers Supported", _yes(connection["headers"]))
    screen.add("Maximum Payload", bytes_text(connection["max_payload"]))
    screen.add_if("Connected Cluster", connection["cluster"])
    screen.add("Connected URL", connection["url"])
    screen.add_if("Connected Address", connection["address"])
    screen.add("Connected Server ID", connection["server_id"])
    screen.add("Connected Server Version", connection["server_version"])
    screen.add_if("Connected Server Name", connection["server_name"])
    tls = connection["tls"]
    if not tls:
        screen.add("TLS Connection", "no")
        return
    screen.add("TLS Version", f"{tls['version']} using {tls['cipher']}")
    screen.add_if("TLS Server Name", tls["server_name"])
    screen.add("TLS Verified", f"issuer {tls['issuer']}" if tls["verified"] else "no")


def _permissions(screen: Columns, permissions: dict[str, Any]) -> None:
    rows = [
        (f"{label} {kind.capitalize()}", subjects)
        for label, name in (("Publish", "publish"), ("Subscribe", "subscribe"))
        for kind in ("allow", "deny")
        if (subjects := (permissions.get(name) or {}).get(kind))
    ]
    if rows:
        screen.section("Connection Permissions")
    for label, subjects in rows:
        screen.add(label, "\n".join(subjects))


def _jetstream(screen: Columns, account: dict[str, Any], max_payload: int) -> None:
    screen.section("Account Usage")
    screen.add_if("Domain", str(account.get("domain") or ""))
    screen.add("Storage", bytes_text(int(account.get("storage") or 0)))
    screen.add("Memory", bytes_text(int(account.get("memory") or 0)))
    screen.add("Streams", thousands(int(account.get("streams") or 0)))
    screen.add("Consumers", thousands(int(account.get("consumers") or 0)))
    screen.section("Account Limits")
    screen.add("Max Message Payload", bytes_text(max_payload))
    tiers = account.get("tiers") or {}
    if not tiers:
        _tier(screen, "Default", account)
    for name, tier in sorted(tiers.items()):
        _tier(screen, name, tier)


def _tier(screen: Columns, name: str, tier: dict[str, Any]) -> None:
    limits = tier.get("limits") or {}
    screen.section(f"Tier: {name}", depth=1)
    screen.section("Configuration Requirements", depth=3)
    screen.add("Stream Requires Max Bytes Set", _yes(limits.get("max_bytes_required")))
    screen.add("Consumer Maximum Ack Pending", _limit(limits.get("max_ack_pending")))
    screen.section("Stream Resource Usage Limits", depth=3)
    memory, storage = int(tier.get("memory") or 0), int(tier.get("storage") or 0)
    screen.add("Memory", f"{bytes_text(memory)} of {_size(limits.get('max_memory'))}")
    screen.add("Memory Per Stream", _size(limits.get("memory_max_stream_bytes"), zero=True))
    screen.add("Storage", f"{bytes_text(storage)} of {_size(limits.get('max_storage'))}")
    screen.add("Storage Per Stream", _size(limits.get("storage_max_stream_bytes"), zero=True))
    streams = thousands(int(tier.get("streams") or 0))
    screen.add("Streams", f"{streams} of {_limit(limits.get('max_streams'))}")
    screen.add("Consumers", _limit(limits.get("max_consumers")))


def _limit(value: Any) -> str:
    return thousands(int(value)) if value is not None and int(value) >= 0 else "Unlimited"


def _size(value: Any, zero: bool = False) -> str:
    size = -1 if value is None else int(value)
    return "Unlimited" if size < 0 or (zero and size == 0) else bytes_text(size)


def _yes(value: object) -> str:
    return "true" if value else "false"
