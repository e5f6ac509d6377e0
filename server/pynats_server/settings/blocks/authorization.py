"""Reads the `authorization` block: token, single user, or a list of users."""

from __future__ import annotations

from dataclasses import replace

from pynats_common.config import Node, kind_of
from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.options import Authorization, User
from pynats_server.settings.blocks.auth_callout import AUTH_CALLOUT, read_auth_callout
from pynats_server.settings.blocks.oidc import OIDC, read_oidc
from pynats_server.settings.blocks.permissions import PERMISSIONS, read_permissions
from pynats_server.settings.blocks.rates import RATES, read_publish_limits
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import (
    boolean,
    name,
    refuse,
    seconds_or_duration_s,
    string,
    strings,
)

CONNECTION_TYPES = (
    "STANDARD",
    "WEBSOCKET",
    "LEAFNODE",
    "LEAFNODE_WS",
    "MQTT",
    "MQTT_WS",
    "IN_PROCESS",
)
_LONG_TIMEOUT_S = 60.0  # longer ones get a warning


def read_authorization(reading: Reading, node: Node, key: str) -> Authorization:
    """The `authorization` block. Raises `ConfigError` if it cannot be used."""
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    auth = Authorization(present=True)
    seen = AUTHORIZATION.gather(reading, node.value, auth)
    users = auth.users if "users" in seen else None
    elsewhere = [user for account in reading.options.accounts.values() for user in account.users]
    _check_combination(node, auth, users, elsewhere)
    auth.users = [
        replace(user, permissions=user.permissions or auth.default_permissions)
        for user in users or []
    ]
    return auth


def _read_timeout(reading: Reading, node: Node, key: str) -> float:
    seconds = seconds_or_duration_s(node, "authorization")
    if seconds > _LONG_TIMEOUT_S:
        value = f"{node.value:g}" if isinstance(node.value, float) else node.value
        reading.warn(
            node,
            key,
            f"timeout of {value} ({seconds:.6f} seconds) is high, consider keeping it under 60 "
            "seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example",
        )
    return seconds


def _check_combination(
    node: Node, auth: Authorization, users: list[User] | None, elsewhere: list[User]
) -> None:
    """`elsewhere` are the users of the accounts read so far."""
    if (auth.user or auth.password) and auth.token:
        refuse(node, "Cannot have a user/pass and token")
    if users is None and not elsewhere:
        return
    if auth.user:
        refuse(node, "Can not have a single user/pass and a users array")
    if auth.token:
        refuse(node, "Can not have a token and a users array")
    known = {user.name: user for user in elsewhere}
    for user in users or []:
        if user.name in known:
            refuse(node, duplicate(user, known[user.name]))
        known[user.name] = user


def duplicate(user: User, other: User, mixed: str = "nkey") -> str:
    """The complaint about two users of the same name or key; `mixed` = what the real server calls
    it if one has it as a name."""
    kinds = {"nkey" if each.nkey else "user" for each in (user, other)}
    kind = mixed if len(kinds) > 1 else kinds.pop()
    return f'Duplicate {kind} "{user.name}" detected'


def read_users(reading: Reading, node: Node, key: str = "users") -> list[User]:
    """A `users` list. Raises `ConfigError` if it is not a list, or for the first entry without a
    name; smaller complaints go to `reading`."""
    if not isinstance(node.value, list):
        refuse(node, f"Expected users field to be an array, got {kind_of(node.value)}")
    users: list[User] = []
    for item in node.value:
        if not isinstance(item.value, dict):
            reading.complain(item, f"Expected user entry to be a map, got {kind_of(item.value)}")
            continue
        users.append(_read_user(reading, item, item.value))
    return users


def _read_user(reading: Reading, node: Node, entries: dict[str, Node]) -> User:
    user = User()
    seen = USER.read(reading, entries, user)
    if fault := fault_of_user(user):
        refuse(seen.get("nkey", node) if user.nkey else node, fault)
    return user


def fault_of_user(user: User) -> str:
    """What is wrong with a user by itself; empty = nothing. Never names the key: it may be a
    seed."""
    if not user.name:
        return "User entry requires a user"
    if user.nkey and not is_valid_public(user.nkey, Prefix.USER):
        return "Not a valid public nkey for a user"
    if user.nkey and (user.user or user.password):
        return "Nkey users do not take usernames or passwords"
    return ""


def _read_connection_types(reading: Reading, node: Node, key: str) -> list[str]:
    names = [word.upper() for word in strings("allowed connection types")(reading, node, key)]
    unknown = [f'"{word}"' for word in names if word not in CONNECTION_TYPES]
    if unknown:
        refuse(node, f"invalid connection types [{' '.join(unknown)}]")
    return list(dict.fromkeys(names))


USER = Table(
    User,
    Setting("user", "name that the client gives", name, ("username",)),
    Setting("password", "its password, plain or a bcrypt hash", string, ("pass",)),
    Setting("nkey", "public NKey, instead of a name and a password", string),
    Setting(
        "permissions",
        "subjects it may publish and subscribe to",
        read_permissions,
        ("permission", "authorization"),
        block=PERMISSIONS,
    ),
    Setting(
        "limits", "limits of each of its connections", read_publish_limits, block=RATES, ours=True
    ),
    Setting(
        "allowed_connection_types",
        "kinds of connections it may use: " + ", ".join(CONNECTION_TYPES),
        _read_connection_types,
        ("connection_types", "clients"),
    ),
    Setting("proxy_required", "only through one of the trusted proxies", boolean),
)
AUTHORIZATION = Table(
    Authorization,
    Setting("user", "user name that clients must give", name, ("username",)),
    Setting(
        "password", "password that clients must give, plain or a bcrypt hash", string, ("pass",)
    ),
    Setting("token", "token that clients must give, plain or a bcrypt hash", string),
    Setting(
        "timeout",
        "seconds a client has to log in; default 2, behind TLS 1 more than `tls.timeout`",
        _read_timeout,
        zero_is_default=True,
    ),
    Setting("users", "several users: a list of blocks", read_users, block=USER),
    Setting(
        "default_permissions",
        "permissions of users without their own",
        read_permissions,
        ("default_permission", "permissions"),
        block=PERMISSIONS,
    ),
    Setting(
        "default_limits",
        "limits of users without their own",
        read_publish_limits,
        block=RATES,
        ours=True,
    ),
    Setting(
        "auth_callout",
        "a service that decides about log-ins",
        read_auth_callout,
        ("auth_hook",),
        block=AUTH_CALLOUT,
    ),
    Setting(
        "oidc",
        "OpenID Connect providers whose tokens let in: a block or a list of blocks",
        read_oidc,
        block=OIDC,
        ours=True,
    ),
    Setting(
        "proxy_required",
        "the single user, or who has the token, only through one of the trusted proxies",
        boolean,
    ),
)
