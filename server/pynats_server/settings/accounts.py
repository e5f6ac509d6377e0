"""Reading `accounts`: separate subject spaces with their users, limits and JetStream
(server-inventory 2.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynats_common.config import ConfigError, Node, plain

from pynats_server.options import (
    GLOBAL_ACCOUNT,
    AccountLimits,
    AccountOptions,
    ConnectionLimits,
)
from pynats_server.settings.authorization import NOT_YET, read_users
from pynats_server.settings.permissions import read_permissions
from pynats_server.settings.schema import Reading
from pynats_server.settings.texts import is_text
from pynats_server.settings.values import INT32_MAX, go_type, integer, refuse
from pynats_server.settings.values import name as read_name

# Parts of an account that are not built yet, and the values that ask for nothing.
_LATER: dict[str, tuple[object, ...]] = {
    "nkey": (),
    "imports": ([],),
    "exports": ([],),
    "mappings": ({},),
    "maps": ({},),
    "msg_trace": ("", {}),
    "trace_dest": ("", {}),
}
_SWITCH = {"enabled": True, "enable": True, "disabled": False, "disable": False}


def read_accounts(reading: Reading, node: Node, key: str) -> dict[str, AccountOptions]:
    """A list of names, or a map from names to blocks. Raises `ConfigError` if it is neither;
    lesser complaints go to `reading`."""
    accounts: dict[str, AccountOptions] = {}
    if isinstance(node.value, list):
        for item in node.value:
            try:
                _add_name(reading, accounts, item)
            except ConfigError as error:
                reading.errors.append(str(error))
        return accounts
    if not isinstance(node.value, dict):
        refuse(node, f"Expected {key} to be an array or a map, got {go_type(node)}")
    names = {user.user for user in reading.options.authorization.users}
    for name, item in node.value.items():
        if item.used:
            continue  # it is there for a variable's sake
        if not isinstance(item.value, dict):
            reading.complain(item, "Expected map entries for accounts")
        elif not is_text(name):
            reading.complain(item, "the name of an account is not valid UTF-8")
        elif name == GLOBAL_ACCOUNT:
            reading.complain(item, f'"{name}" is a Reserved Account')
        else:
            accounts[name] = _read_account(reading, item.value, names)
    return accounts


def read_system_account(reading: Reading, node: Node, key: str) -> str:
    """The name of the account that events and services of the server are in."""
    if not isinstance(node.value, str):
        refuse(node, "system account name must be a string")
    return node.value


def _add_name(reading: Reading, accounts: dict[str, AccountOptions], node: Node) -> None:
    name = read_name(reading, node, "the name of an account")
    if name == GLOBAL_ACCOUNT:
        refuse(node, f'"{name}" is a Reserved Account')
    if name in accounts:
        refuse(node, f"Duplicate Account Entry: {name}")
    accounts[name] = AccountOptions()


def _read_account(reading: Reading, entries: dict[str, Node], names: set[str]) -> AccountOptions:
    """`names` are the users there are already; those of this account are added."""
    account = AccountOptions()
    users: Node | None = None
    for key, item in entries.items():
        if key.lower() == "users":
            users = item
        try:
            _read_entry(reading, account, key, item)
        except ConfigError as error:
            reading.errors.append(str(error))
    if users is not None and account.users:
        reading.attempt(lambda: _check_users(reading, users, account, names))
    return account


def _read_entry(reading: Reading, account: AccountOptions, key: str, node: Node) -> None:
    match key.lower():
        case "users":
            account.users = read_users(reading, node)
        case "default_permissions":
            account.default_permissions = read_permissions(reading, node)
        case "jetstream":
            account.jetstream = _read_jetstream(reading, node)
        case "limits":
            account.limits = _read_limits(reading, node)
        case later if later in _LATER:
            if plain(node.value) not in _LATER[later]:
                refuse(node, NOT_YET.format(f'"{key}" of an account'))
        case _:
            reading.unknown(node, key)


def _check_users(reading: Reading, node: Node, account: AccountOptions, names: set[str]) -> None:
    auth = reading.options.authorization
    if auth.user:
        refuse(node, "Can not have a single user/pass and accounts")
    if auth.token:
        refuse(node, "Can not have a token and accounts")
    for user in account.users:
        if user.user in names:
            reading.complain(node, f'Duplicate user "{user.user}" detected')
        names.add(user.user)


def _read_jetstream(reading: Reading, node: Node) -> AccountLimits | None:
    """A switch, or the limits; None = off."""
    value = node.value
    if isinstance(value, bool):
        return AccountLimits() if value else None
    if isinstance(value, str):
        if value.lower() not in _SWITCH:
            refuse(node, f"Expected 'enabled' or 'disabled' for string value, got '{value}'")
        return AccountLimits() if _SWITCH[value.lower()] else None
    if not isinstance(value, dict):
        refuse(node, f"Expected map, bool or string to define JetStream, got {go_type(node)}")
    limits = AccountLimits()
    for key, item in value.items():
        if key.lower() == "cluster_traffic":
            _check_cluster_traffic(item, key)
        elif (row := _JETSTREAM.get(key.lower())) is not None:
            setattr(limits, row[0], row[1](item, key))
        else:
            reading.unknown(item, key)
    return limits


def _size(node: Node, key: str) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        refuse(node, f'Expected a parseable size for "{key}", got {_shown(node)}')
    return node.value


def _switch(node: Node, key: str) -> bool:
    if not isinstance(node.value, bool):
        refuse(node, f'Expected a parseable bool for "{key}", got {_shown(node)}')
    return node.value


def _check_cluster_traffic(node: Node, key: str) -> None:
    """Which account the traffic between replicas belongs to: nothing to do on one server."""
    if not isinstance(node.value, str):
        refuse(
            node,
            f"Expected either 'system' or 'owner' string value for \"{key}\", got {_shown(node)}",
        )
    if node.value not in ("", "system", "owner"):
        refuse(node, f"Expected 'system' or 'owner' string value for \"{key}\", got {_shown(node)}")


def _shown(node: Node) -> str:
    value = plain(node.value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_Row = tuple[str, Callable[[Node, str], Any]]
_JETSTREAM: dict[str, _Row] = {
    key: (field, read)
    for field, read, keys in (
        ("max_memory", _size, "max_memory max_mem mem memory"),
        ("max_storage", _size, "max_store max_file max_disk store disk"),
        ("max_streams", _size, "max_streams streams"),
        ("max_consumers", _size, "max_consumers consumers"),
        ("max_ack_pending", _size, "max_ack_pending"),
        ("memory_max_stream_bytes", _size, "mem_max_stream_bytes memory_max_stream_bytes"),
        ("storage_max_stream_bytes", _size, "disk_max_stream_bytes store_max_stream_bytes"),
        ("max_bytes_required", _switch, "max_bytes_required max_stream_bytes max_bytes"),
    )
    for key in keys.split()
}


def _read_limits(reading: Reading, node: Node) -> ConnectionLimits:
    if not isinstance(node.value, dict):
        refuse(node, f"Expected account limits to be a map/struct, got {_shown(node)}")
    limits = ConnectionLimits()
    for key, item in node.value.items():
        match key.lower():
            case "max_connections" | "max_conn":
                limits.max_connections = _count(reading, item, key)
            case "max_subscriptions" | "max_subs":
                limits.max_subscriptions = _count(reading, item, key)
            case "max_payload" | "max_pay":
                limits.max_payload = _count(reading, item, key)
            case "max_leafnodes" | "max_leafs":
                _count(reading, item, key)  # there are no leaf nodes yet, so none too many
            case _ if not item.used:
                reading.complain(item, f'Unknown field "{key}" parsing account limits')
    return limits


def _count(reading: Reading, node: Node, key: str) -> int:
    count: int = integer(high=INT32_MAX)(reading, node, key)
    return count
