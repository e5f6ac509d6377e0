"""What a reload changes of users and accounts, a line for each. Names only, never a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from pynats_common.go.durations import format_duration_s
from pynats_common.go.quoting import quote
from pynats_common.go.text import shortened

from pynats_server.options import GLOBAL_ACCOUNT, AccountOptions, Options, ProxyOptions

LINES_MAX = 100  # lines about accounts; the rest is counted
NAMES_MAX = 10  # names in a line; the rest is counted


def authorization_changes(before: Options, after: Options) -> list[str]:
    """What has changed in the `authorization` block, in the real server's words."""
    found = []
    old, new = before.authorization, after.authorization
    for attribute, label in (("user", "username"), ("password", "password"), ("token", "token")):
        if getattr(old, attribute) != getattr(new, attribute):
            found.append(f"authorization {label}")
    if old.timeout != new.timeout:
        found.append(f"authorization timeout = {after.auth_timeout:g}")
    if old.users != new.users:
        found.append("authorization users")
        found += _items(GLOBAL_ACCOUNT, "users", old.users, new.users, _user)
    for attribute in ("default_permissions", "default_limits", "proxy_required", "oidc"):
        if getattr(old, attribute) != getattr(new, attribute):
            found.append(f"authorization {attribute}")
    return found


def account_changes(old: Options, new: Options) -> list[str]:
    """What has changed in `accounts`."""
    lines = _accounts(old, new)
    found = ["accounts", *islice(lines, LINES_MAX)]
    more = sum(1 for _ in lines)
    return [*found, f"accounts: {more} more changes"] if more else found


def mapping_changes(old: Options, new: Options) -> list[str]:
    """What has changed in the mappings of the global account."""
    return ["mappings", *_keyed(GLOBAL_ACCOUNT, "mappings", old.mappings, new.mappings)]


def proxy_changes(old: ProxyOptions, new: ProxyOptions) -> list[str]:
    """Whose signatures count no more, and whose from now on; in the real server's words."""
    return [
        f"proxies trusted keys [{_names(keys)}] were {how}"
        for how, keys in (
            ("removed", [key for key in old.trusted if key not in new.trusted]),
            ("added", [key for key in new.trusted if key not in old.trusted]),
        )
        if keys
    ]


def _accounts(old: Options, new: Options) -> Iterator[str]:
    for name in sorted(old.accounts.keys() | new.accounts.keys()):
        before, after = old.accounts.get(name), new.accounts.get(name)
        if before is None:
            yield f"account {_shown(name)} added"
        elif after is None:
            yield f"account {_shown(name)} removed"
        elif before != after:
            yield from _account(name, before, after)


def _account(name: str, old: AccountOptions, new: AccountOptions) -> Iterator[str]:
    yield from _items(name, "users", old.users, new.users, _user)
    for attribute in ("default_permissions", "default_limits", "nkey"):
        if getattr(old, attribute) != getattr(new, attribute):
            yield f"account {_shown(name)}: {attribute}"
    if (old.jetstream is None) != (new.jetstream is None):
        yield f"account {_shown(name)}: jetstream = {'on' if new.jetstream else 'off'}"
    else:
        yield from _values(name, "jetstream.", old.jetstream, new.jetstream)
    yield from _values(name, "limits.", old.limits, new.limits)
    yield from _items(name, "stream exports", old.stream_exports, new.stream_exports, _subject)
    yield from _items(name, "service exports", old.service_exports, new.service_exports, _subject)
    yield from _items(name, "stream imports", old.stream_imports, new.stream_imports, _import)
    yield from _items(name, "service imports", old.service_imports, new.service_imports, _import)
    yield from _keyed(name, "mappings", old.mappings, new.mappings)
    if old.msg_trace != new.msg_trace:
        yield f"account {_shown(name)}: msg_trace"


def _values(name: str, prefix: str, old: Any, new: Any) -> Iterator[str]:
    """The fields of a block that differ, those of blocks in it as well."""
    if old == new:
        return
    for each in fields(new):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if is_dataclass(after):
            yield from _values(name, prefix, before, after)
        elif before != after:
            if isinstance(after, bool):
                after = str(after).lower()
            elif isinstance(after, float):
                after = format_duration_s(after)
            yield f"account {_shown(name)}: {prefix}{each.name} = {after}"


def _items(
    account: str, what: str, old: list[Any], new: list[Any], name_of: Callable[[Any], str]
) -> Iterator[str]:
    def by_name(items: list[Any]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for item in items:
            found.setdefault(name_of(item), []).append(item)
        return found

    return _keyed(account, what, by_name(old), by_name(new))


def _keyed(account: str, what: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    changed = [name for name in new if name in old and old[name] != new[name]]
    parts = (
        ("added", [name for name in new if name not in old]),
        ("changed", changed),
        ("removed", [name for name in old if name not in new]),
    )
    told = ", ".join(f"{_names(names)} {how}" for how, names in parts if names)
    if told:
        yield f"account {_shown(account)}: {what}: {told}"


def _names(names: Iterable[str]) -> str:
    names = list(names)
    shown = " ".join(map(_shown, names[:NAMES_MAX]))
    return f"{shown} and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else shown


def _shown(name: str) -> str:
    return quote(shortened(name))


def _user(user: Any) -> str:
    return str(user.name)


def _subject(export: Any) -> str:
    return str(export.subject)


def _import(item: Any) -> str:
    return f"{item.subject} of {item.account}"
