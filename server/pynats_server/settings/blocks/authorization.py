"""Reads the `authorization` block: token, single user, or a list of users."""

from __future__ import annotations

from dataclasses import replace

from pynats_common.config import Node, kind_of

from pynats_server.options import Authorization, User
from pynats_server.settings.blocks.permissions import PERMISSIONS, read_permissions
from pynats_server.settings.blocks.rates import RATES, read_publish_limits
from pynats_server.settings.schema import NOT_YET, Reading, Setting, Table, keep_nothing
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
    elsewhere = [user.user for a in reading.options.accounts.values() for user in a.users]
    _check_combination(node, auth, users, elsewhere)
    auth.users = [
        replace(user, permissions=user.permissions or auth.default_permissions)
        for user in users or []
    ]
    return auth


def _refuse_unless_off(reading: Reading, node: Node, key: str) -> None:
    if boolean(reading, node, key):
        refuse(node, f'"{key}" {NOT_YET}')


def _read_timeout(reading: Reading, node: Node, key: str) -> float:
    seconds = seconds_or_duration_s(node, "authorization")
    if seconds > _LONG_TIMEOUT_S:
        value = node.value if isinstance(node.value, str) else f"{node.value:g}"
        reading.warn(
            node,
            key,
            f"timeout of {value} ({seconds:.6f} seconds) is high, consider keeping it under 60 "
            "seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example",
        )
    return seconds


def _check_combination(
    node: Node, auth: Authorization, users: list[User] | None, elsewhere: list[str]
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
    seen = set(elsewhere)
    for user in users or []:
        if user.user in seen:
            refuse(node, f'Duplicate user "{user.user}" detected')
        seen.add(user.user)


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
    user = User("")
    seen = USER.read(reading, entries, user)
    if "nkey" in seen:
        refuse(seen["nkey"], f'"nkey" {NOT_YET}')
    if not user.user:
        refuse(node, "User entry requires a user")
    return user


def _read_connection_types(reading: Reading, node: Node, key: str) -> list[str]:
    names = [word.upper() for word in strings("allowed connection types")(reading, node, key)]
    unknown = [f'"{word}"' for word in names if word not in CONNECTION_TYPES]
    if unknown:
        refuse(node, f"invalid connection types [{' '.join(unknown)}]")
    return list(dict.fromkeys(names))


USER = Table(
    lambda: User(""),
    Setting("user", "name that the client gives", name, ("username",)),
    Setting("password", "its password, plain or a bcrypt hash", string, ("pass",)),
    Setting(
        "nkey",
        "public NKey of a user without a password (not yet: refused)",
        string,
        store=keep_nothing,
    ),
    Setting(
        "permissions",
        "subjects it may publish and subscribe to",
        read_permissions,
        ("permission", "authorization"),
        block=PERMISSIONS,
    ),
    Setting("limits", "limits of each of its connections", read_publish_limits, block=RATES),
    Setting(
        "allowed_connection_types",
        "kinds of connections it may use: " + ", ".join(CONNECTION_TYPES),
        _read_connection_types,
        ("connection_types", "clients"),
    ),
    Setting(
        "proxy_required",
        "only through a trusted proxy (not yet: true is refused)",
        _refuse_unless_off,
        store=keep_nothing,
    ),
)
AUTHORIZATION = Table(
    Authorization,
    Setting("user", "user name that clients must give", name, ("username",)),
    Setting(
        "password", "password that clients must give, plain or a bcrypt hash", string, ("pass",)
    ),
    Setting("token", "token that clients must give, plain or a bcrypt hash", string),
    Setting("timeout", "seconds a client has to log in", _read_timeout, zero_is_default=True),
    Setting("users", "several users: a list of blocks", read_users, block=USER),
    Setting(
        "default_permissions",
        "permissions of users without their own",
        read_permissions,
        ("default_permission", "permissions"),
        block=PERMISSIONS,
    ),
    Setting(
        "default_limits", "limits of users without their own", read_publish_limits, block=RATES
    ),
    Setting("auth_callout", "a service that decides about log-ins", aliases=("auth_hook",)),
    Setting(
        "proxy_required",
        "only through a trusted proxy (not yet: true is refused)",
        _refuse_unless_off,
        store=keep_nothing,
    ),
)
