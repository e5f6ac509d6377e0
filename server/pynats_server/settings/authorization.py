"""Reading the `authorization` block: token, single user, or a list of users."""

from __future__ import annotations

from dataclasses import replace

from pynats_common.config import ConfigError, Node

from pynats_server.options import Authorization, User
from pynats_server.settings.permissions import read_permissions
from pynats_server.settings.schema import Reading
from pynats_server.settings.values import (
    boolean,
    go_type,
    name,
    refuse,
    seconds_or_duration,
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
_LONG_TIMEOUT = 60.0  # seconds; more is taken for a slip of the pen
NOT_YET = "{} is not supported yet by this version"


def read_authorization(reading: Reading, node: Node, key: str) -> Authorization:
    """The `authorization` block. Raises `ConfigError` where nothing can be made of it."""
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {go_type(node)}")
    auth = Authorization(present=True)
    users: list[User] | None = None
    for entry, item in node.value.items():
        try:
            if entry.lower() == "users":
                users = read_users(reading, item)
            else:
                _read_entry(reading, auth, entry, item)
        except ConfigError as error:
            reading.errors.append(str(error))
    elsewhere = [user.user for a in reading.options.accounts.values() for user in a.users]
    _check_combination(node, auth, users, elsewhere)
    auth.users = [
        replace(user, permissions=user.permissions or auth.default_permissions)
        for user in users or []
    ]
    return auth


def _read_entry(reading: Reading, auth: Authorization, key: str, node: Node) -> None:
    match key.lower():
        case "user" | "username":
            auth.user = name(reading, node, key)
        case "pass" | "password":
            auth.password = string(reading, node, key)
        case "token":
            auth.token = string(reading, node, key)
        case "timeout":
            auth.timeout = _read_timeout(reading, node, key) or auth.timeout
        case "default_permission" | "default_permissions" | "permissions":
            auth.default_permissions = read_permissions(reading, node)
        case "auth_callout" | "auth_hook":
            refuse(node, NOT_YET.format(f'"{key}"'))
        case "proxy_required":
            _refuse_unless_off(reading, node, key)
        case _:
            reading.unknown(node, key)


def _refuse_unless_off(reading: Reading, node: Node, key: str) -> None:
    if boolean(reading, node, key):
        refuse(node, NOT_YET.format(f'"{key}"'))


def _read_timeout(reading: Reading, node: Node, key: str) -> float:
    seconds = seconds_or_duration(node, "authorization")
    if seconds > _LONG_TIMEOUT:
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
    """`elsewhere` are the users of accounts, as far as they have been read."""
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


def read_users(reading: Reading, node: Node) -> list[User]:
    """A `users` list. Raises `ConfigError` if it is none, or for the first entry without a name;
    lesser complaints go to `reading`."""
    if not isinstance(node.value, list):
        refuse(node, f"Expected users field to be an array, got {go_type(node)}")
    users: list[User] = []
    for item in node.value:
        if not isinstance(item.value, dict):
            reading.complain(item, f"Expected user entry to be a map/struct, got {go_type(item)}")
            continue
        users.append(_read_user(reading, item, item.value))
    return users


def _read_user(reading: Reading, node: Node, entries: dict[str, Node]) -> User:
    user = User("")
    nkey: Node | None = None
    for key, item in entries.items():
        match key.lower():
            case "nkey":
                string(reading, item, key)
                nkey = item
            case "user" | "username":
                user.user = name(reading, item, key)
            case "pass" | "password":
                user.password = string(reading, item, key)
            case "permission" | "permissions" | "authorization":
                user.permissions = read_permissions(reading, item)
            case "allowed_connection_types" | "connection_types" | "clients":
                user.allowed_connection_types = _read_connection_types(reading, item, key)
            case "proxy_required":
                _refuse_unless_off(reading, item, key)
            case _:
                reading.unknown(item, key)
    if nkey is not None:
        refuse(nkey, NOT_YET.format('"nkey"'))
    if not user.user:
        refuse(node, "User entry requires a user")
    return user


def _read_connection_types(reading: Reading, node: Node, key: str) -> list[str]:
    names = [word.upper() for word in strings("allowed connection types")(reading, node, key)]
    unknown = [f'"{word}"' for word in names if word not in CONNECTION_TYPES]
    if unknown:
        refuse(node, f"invalid connection types [{' '.join(unknown)}]")
    return list(dict.fromkeys(names))
