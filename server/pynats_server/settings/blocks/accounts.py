"""Reads `accounts`: separate subject spaces with their users, limits and JetStream
(docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts)."""

from __future__ import annotations

from pynats_common.config import ConfigError, Node, kind_of, plain
from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.options import (
    GLOBAL_ACCOUNT,
    AccountLimits,
    AccountOptions,
    ConnectionLimits,
    User,
)
from pynats_server.settings.blocks.authorization import USER, duplicate, read_users
from pynats_server.settings.blocks.mappings import TARGET, read_mappings
from pynats_server.settings.blocks.permissions import PERMISSIONS, read_permissions
from pynats_server.settings.blocks.rates import RATES, rate_settings, read_publish_limits
from pynats_server.settings.blocks.sharing import (
    EXPORT,
    IMPORT,
    read_exports,
    read_imports,
    store_exports,
    store_imports,
)
from pynats_server.settings.blocks.traces import TRACE, read_trace
from pynats_server.settings.schema import Reading, Setting, Table, keep_nothing
from pynats_server.settings.texts import is_text
from pynats_server.settings.values import INT32_MAX, SWITCH, integer, refuse
from pynats_server.settings.values import name as read_name


def read_accounts(reading: Reading, node: Node, key: str) -> dict[str, AccountOptions]:
    """A list of names, or a map from names to blocks. Raises `ConfigError` if it is neither;
    smaller complaints go to `reading`."""
    accounts: dict[str, AccountOptions] = {}
    if isinstance(node.value, list):
        for item in node.value:
            try:
                _add_name(reading, accounts, item)
            except ConfigError as error:
                reading.errors.append(str(error))
        return accounts
    if not isinstance(node.value, dict):
        refuse(node, f"Expected {key} to be an array or a map, got {kind_of(node.value)}")
    known = {user.name: user for user in reading.options.authorization.users}
    for name, item in node.value.items():
        if item.used:
            continue  # it only defines a variable
        if not isinstance(item.value, dict):
            reading.complain(item, "Expected map entries for accounts")
        elif not is_text(name):
            reading.complain(item, "the name of an account is not valid UTF-8")
        elif name == GLOBAL_ACCOUNT:
            reading.complain(item, f'"{name}" is a Reserved Account')
        else:
            accounts[name] = _read_account(reading, item.value, known)
    return accounts


def read_system_account(reading: Reading, node: Node, key: str) -> str:
    """The name of the system account."""
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


def _read_account(
    reading: Reading, entries: dict[str, Node], known: dict[str, User]
) -> AccountOptions:
    """`known` holds the users read so far, by name or key; adds those of this account."""
    account = AccountOptions()
    seen = ACCOUNT.gather(reading, entries, account)
    if account.users:
        reading.attempt(lambda: _check_users(reading, seen["users"], account, known))
    return account


def _check_users(
    reading: Reading, node: Node, account: AccountOptions, known: dict[str, User]
) -> None:
    auth = reading.options.authorization
    if auth.user:
        refuse(node, "Can not have a single user/pass and accounts")
    if auth.token:
        refuse(node, "Can not have a token and accounts")
    for user in account.users:
        if user.name in known:
            reading.complain(node, duplicate(user, known[user.name], "user"))
        known[user.name] = user


def _read_jetstream(reading: Reading, node: Node, key: str) -> AccountLimits | None:
    """A switch or the limits; None = off."""
    value = node.value
    if isinstance(value, bool):
        return AccountLimits() if value else None
    if isinstance(value, str):
        if value.lower() not in SWITCH:
            refuse(node, f"Expected 'enabled' or 'disabled' for string value, got '{value}'")
        return AccountLimits() if SWITCH[value.lower()] else None
    if not isinstance(value, dict):
        refuse(node, f"Expected map, bool or string to define JetStream, got {kind_of(node.value)}")
    limits = AccountLimits()
    JETSTREAM.read(reading, value, limits)
    return limits


def _read_nkey(reading: Reading, node: Node, key: str) -> str:
    value = node.value
    if not isinstance(value, str) or not is_valid_public(value, Prefix.ACCOUNT):
        refuse(node, f'Not a valid public nkey for an account: "{plain(value)}"')
    return value


def _size(reading: Reading, node: Node, key: str) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        refuse(node, f'Expected a parseable size for "{key}", got {_shown(node)}')
    return node.value


def _switch(reading: Reading, node: Node, key: str) -> bool:
    if not isinstance(node.value, bool):
        refuse(node, f'Expected a parseable bool for "{key}", got {_shown(node)}')
    return node.value


def _cluster_traffic(reading: Reading, node: Node, key: str) -> None:
    """Only checked: a single server has no cluster traffic."""
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


def _read_limits(reading: Reading, node: Node, key: str) -> ConnectionLimits:
    if not isinstance(node.value, dict):
        refuse(node, f"Expected account limits to be a map, got {_shown(node)}")
    limits = ConnectionLimits()
    LIMITS.read(reading, node.value, limits)
    return limits


_count = integer(high=INT32_MAX)

LIMITS = Table(
    ConnectionLimits,
    Setting("max_connections", "clients of the account at a time", _count, ("max_conn",)),
    Setting("max_subscriptions", "subscriptions of each client", _count, ("max_subs",)),
    Setting("max_payload", "bytes of a message", _count, ("max_pay",)),
    Setting(
        "max_leafnodes",
        "leaf nodes at a time (no effect yet)",
        _count,
        ("max_leafs",),
        store=keep_nothing,
    ),
    *rate_settings("publish."),
    unknown='Unknown field "{key}" parsing account limits',
)
JETSTREAM = Table(
    AccountLimits,
    Setting("max_memory", "bytes of streams in memory", _size, ("max_mem", "mem", "memory")),
    Setting(
        "max_store",
        "bytes of streams in files",
        _size,
        ("max_file", "max_disk", "store", "disk"),
        field="max_storage",
    ),
    Setting("max_streams", "streams", _size, ("streams",)),
    Setting("max_consumers", "consumers of a stream", _size, ("consumers",)),
    Setting("max_ack_pending", "unacknowledged messages of a consumer", _size),
    Setting(
        "memory_max_stream_bytes",
        "bytes of one stream in memory",
        _size,
        ("mem_max_stream_bytes",),
    ),
    Setting(
        "store_max_stream_bytes",
        "bytes of one stream in files",
        _size,
        ("disk_max_stream_bytes",),
        field="storage_max_stream_bytes",
    ),
    Setting(
        "max_bytes_required",
        "streams must have max_bytes",
        _switch,
        ("max_stream_bytes", "max_bytes"),
    ),
    Setting(
        "cluster_traffic",
        "account of the traffic between replicas: system or owner (no effect yet)",
        _cluster_traffic,
        store=keep_nothing,
    ),
)
ACCOUNT = Table(
    AccountOptions,
    Setting("users", "its users, as in authorization.users", read_users, block=USER),
    Setting(
        "default_permissions",
        "permissions of users without their own, as in authorization.users",
        read_permissions,
        block=PERMISSIONS,
    ),
    Setting(
        "default_limits",
        "limits of users without their own, as in authorization.users",
        read_publish_limits,
        block=RATES,
        ours=True,
    ),
    Setting("jetstream", "JetStream: on or off, or its limits", _read_jetstream, block=JETSTREAM),
    Setting("limits", "limits of its clients; negative = none", _read_limits, block=LIMITS),
    Setting("nkey", "public NKey of the account", _read_nkey),
    Setting(
        "exports", "what other accounts may import", read_exports, store=store_exports, block=EXPORT
    ),
    Setting(
        "imports",
        "what it takes of other accounts",
        read_imports,
        store=store_imports,
        block=IMPORT,
    ),
    Setting("mappings", "subject mappings", read_mappings, ("maps",), block=TARGET),
    Setting(
        "msg_trace", "where events of traced messages go", read_trace, ("trace_dest",), block=TRACE
    ),
    where=" of an account",
)
