"""Reads the `auth_callout` block: a service that decides about log-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynats_common.config import Node, kind_of, plain
from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.options import AuthCallout, Options
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.texts import shown_key
from pynats_server.settings.values import name, refuse, string


def read_auth_callout(reading: Reading, node: Node, key: str) -> AuthCallout:
    """The `auth_callout` block. Raises `ConfigError` if it cannot be used."""
    if not isinstance(node.value, dict):
        shown = _shown(plain(node.value))
        refuse(node, f"Expected authorization callout to be a map/struct, got {shown}")
    callout = AuthCallout("")
    AUTH_CALLOUT.read(reading, node.value, callout)
    if fault := _missing(callout):
        # As the real server, which points to the key that it has read last.
        refuse(next(reversed(node.value.values()), node), fault)
    return callout


def fault_of_auth_callout(options: Options) -> str:
    """What is wrong with a callout in options that were read or written; empty = nothing."""
    callout = options.authorization.auth_callout
    if callout is None:
        return ""
    if fault := _missing(callout) or _fault_of_issuer(callout.issuer):
        return fault
    if callout.xkey and (fault := _fault_of_xkey(callout.xkey)):
        return fault
    for account in callout.allowed_accounts:
        if account not in options.accounts:
            return f'auth_callout allowed account "{account}" not found in configured accounts'
    return ""


def warnings_of_auth_callout(options: Options) -> list[str]:
    """What keeps the service from coming in, or the server from asking it."""
    callout = options.authorization.auth_callout
    if callout is None:
        return []
    found: list[str] = []
    if callout.account not in options.account_names:
        found.append(
            f'auth_callout: there is no account "{callout.account}" to ask a service in: only '
            "auth_users can log in"
        )
    users = {user.name for _, user in options.all_users()} | {options.authorization.user}
    if not users & set(callout.auth_users):
        found.append("auth_callout: none of the auth_users is configured: no service can log in")
    return found


def _missing(callout: AuthCallout) -> str:
    if not callout.issuer:
        return "Authorization callouts require an issuer to be specified"
    if not callout.auth_users:
        return "Authorization callouts require authorized users to be specified"
    return ""


def _fault_of_issuer(text: str) -> str:
    if is_valid_public(text, Prefix.ACCOUNT):
        return ""
    return f"Expected callout user to be a valid public account nkey, got {shown_key(text)}"


def _fault_of_xkey(text: str) -> str:
    if is_valid_public(text, Prefix.CURVE):
        return ""
    return f"Expected callout xkey to be a valid public xkey, got {shown_key(text)}"


def _key(fault_of: Callable[[str], str]) -> Callable[[Reading, Node, str], str]:
    def read(reading: Reading, node: Node, key: str) -> str:
        text = string(reading, node, key)
        if fault := fault_of(text):
            refuse(node, fault)
        return text

    return read


def _names(what: str) -> Callable[[Reading, Node, str], list[str]]:
    def read(reading: Reading, node: Node, key: str) -> list[str]:
        if not isinstance(node.value, list):
            refuse(node, f"Expected {what} field to be an array, got {kind_of(node.value)}")
        return [name(reading, item, key) for item in node.value]

    return read


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | str) else kind_of(value)


AUTH_CALLOUT = Table(
    lambda: AuthCallout(""),
    Setting("issuer", "public key of an account: who signs the answers", _key(_fault_of_issuer)),
    Setting("account", "where the service is asked", string, ("acc",), zero_is_default=True),
    Setting(
        "auth_users",
        "names or keys of users that the server checks itself: those of the service",
        _names("auth_users"),
        ("users",),
    ),
    Setting(
        "xkey",
        "public curve key of the service: requests are sealed for it",
        _key(_fault_of_xkey),
        ("key",),
    ),
    Setting(
        "allowed_accounts",
        "accounts whose users it decides about, besides those that are configured nowhere "
        "(default: all)",
        _names("allowed accounts"),
    ),
    unknown='Unknown field "{key}" parsing authorization callout',
)
