"""What a new configuration changes, and whether a running server can apply it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from pynats_common.go.durations import format_duration_s

from pynats_server.options import AuthCallout, JetStreamOptions, MetricsOptions, Options
from pynats_server.settings.blocks.authorization import AUTHORIZATION
from pynats_server.settings.blocks.jetstream import JETSTREAM
from pynats_server.settings.changes.accounts import (
    account_changes,
    authorization_changes,
    mapping_changes,
    proxy_changes,
)
from pynats_server.settings.changes.tls import fixed_of, tls_changes
from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting
from pynats_server.settings.top_level import TOP_LEVEL

_INITIALISMS = {"http": "HTTP", "https": "HTTPS", "utc": "UTC", "id": "ID", "msg": "Msg"}
_SECRET = (
    "authorization",
    "accounts",
    "http_auth",
    "jetstream.key",
    "jetstream.prev_key",
    "resolver",
    "resolver_preload",
)  # their values are never shown


# Of the log, instead of the new value; None for no line.
_TEXTS: dict[str, str | None] = {
    "http_host": None,
    "ocsp": "Reloaded: OCSP",
    "ocsp_cache": "Reloaded OCSP peer cache",
    "resolver_tls": "Reloaded: resolver_tls",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed setting. `name` is its configuration key."""

    name: str
    old: Any
    new: Any
    reloadable: bool
    field: str  # its name in the real server's messages
    reason: str = ""  # a special text for the refusal
    text: str | None = ""  # a special text for the log, None for none
    details: tuple[str, ...] = ()  # what has changed in it; stands for the text

    def __repr__(self) -> str:
        return f"<Change {self.name}>"

    @property
    def refusal(self) -> str:
        """Why a running server cannot apply this change."""
        if self.reason:
            return self.reason
        old, new = _shown(self.name, self.old), _shown(self.name, self.new)
        return f"config reload not supported for {self.field}: old={old}, new={new}"

    @property
    def notices(self) -> list[str]:
        """The log lines after it was applied."""
        if self.text is None:
            return []
        if self.details:
            return [f"Reloaded: {detail}" for detail in self.details]
        if self.text:
            return [self.text]
        if self.name in _SECRET:
            return [f"Reloaded: {self.name}"]
        return [f"Reloaded: {self.name} = {_shown(self.name, self.new)}"]


def diff(old: Options, new: Options) -> list[Change]:
    """Every setting that differs between `old` and `new`, in the order of the table."""
    changes: list[Change] = []
    for path, setting in _watched().items():
        before, after = get_path(old, path), get_path(new, path)
        if before != after:
            if path in ("port", "http_port", "https_port") and after == -1:
                continue  # "any free port" keeps the port that was chosen
            reloadable = setting.reloadable or _tolerated(path, old, new)
            if path == "tls" and (fixed := fixed_of(old, new)) is not None:
                changes.append(Change("tls", fixed.old, fixed.new, False, fixed.go_name))
                continue
            reason = _refusal(path, old, new)
            changes.append(
                Change(
                    setting.name,
                    before,
                    after,
                    reloadable and not reason,
                    _go_name(setting),
                    reason,
                    text=_TEXTS.get(path, ""),
                    details=tuple(_details(path, old, new)),
                )
            )
    return changes + _jetstream_changes(old.jetstream, new.jetstream)


def _refusal(path: str, old: Options, new: Options) -> str:
    """Why a setting cannot change in this way, in words of its own."""
    if path == "resolver" and "none" in (old.resolver.kind, new.resolver.kind):
        return "config reload does not support moving to or from an account resolver"
    return ""


def _jetstream_changes(old: JetStreamOptions, new: JetStreamOptions) -> list[Change]:
    """JetStream may be switched, and start with anything. While it runs, the limits of requests may
    change, and configured sizes may grow."""
    if old.enabled != new.enabled:
        text = "Reloaded: JetStream"
        return [Change("jetstream", old.enabled, new.enabled, True, "JetStream", text=text)]
    if not new.enabled:
        return []
    changes: list[Change] = []
    for option in fields(JetStreamOptions):
        name = f"jetstream.{option.name}"
        before, after = getattr(old, option.name), getattr(new, option.name)
        if before == after:
            continue
        setting = JETSTREAM.find_path(option.name)
        assert setting is not None
        reloadable, reason, text = setting.reloadable, "", ""
        if option.name == "store_dir":
            reason = "config reload not supported for jetstream storage directory"
        elif option.name in ("max_memory", "max_file"):
            reloadable = before is not None and after is not None and after > before
            reason = "config reload not supported for decreasing jetstream max memory and store"
            if before is None or after is None:
                kind = (
                    "dynamic max memory and store" if before is None else "max memory and max store"
                )
                reason = f"config reload not supported for jetstream {kind}"
        elif option.name == "limits":
            text = "Reloaded: JetStream limits"
        changes.append(
            Change(name, before, after, reloadable, setting.go_name or name, reason, text)
        )
    return changes


def _details(path: str, old: Options, new: Options) -> list[str]:
    if path == "authorization":
        return authorization_changes(old, new)
    if path == "tls":
        return tls_changes(old, new)
    if path == "accounts":
        return account_changes(old, new)
    if path == "proxies":
        return proxy_changes(old.proxies, new.proxies)
    return mapping_changes(old, new) if path == "mappings" else []


def _watched() -> dict[str, Setting]:
    """The row of each option field; `http_host` has no row of its own."""
    elsewhere = ("listen", "https", "jetstream", "store_dir")
    rows = {s.path: s for s in TOP_LEVEL.settings if s.read and s.name not in (*elsewhere, "http")}
    callout = AUTHORIZATION.find("auth_callout")
    assert callout is not None
    rows["authorization.auth_callout"] = callout  # which may not change, unlike what it stands in
    # After the port: when monitoring is switched on or off, that is what the refusal names.
    http = next(s for s in TOP_LEVEL.settings if s.name == "http")
    return rows | {"http_host": replace(http, go_name="HTTPHost")}


def _tolerated(path: str, old: Options, new: Options) -> bool:
    if path == "http_host":  # without one it is the clients'; the port decides whether it counts
        shown = [options.http_host or options.host for options in (old, new)]
        return shown[0] == shown[1] or not (new.http_port or new.https_port)
    if path == "no_auth_user":
        known = {user.name for _, user in new.all_users()}
        return not new.no_auth_user and old.no_auth_user not in known
    if path == "system_account":
        return old.system_account_name == new.system_account_name
    return False


def _go_name(setting: Setting) -> str:
    words = setting.name.split("_")
    return setting.go_name or "".join(_INITIALISMS.get(w, w.capitalize()) for w in words)


def _shown(name: str, value: Any) -> str:
    if name in _SECRET:
        return "[REDACTED]"
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return format_duration_s(value)
        case list():
            return "[" + " ".join(map(str, value)) + "]"
        case dict():
            return "map[" + " ".join(f"{k}:{v}" for k, v in sorted(value.items())) + "]"
        case None:
            return "<nil>" if name == "auth_callout" else ""
        case AuthCallout():
            lists = (f"[{' '.join(each)}]" for each in (value.auth_users, value.allowed_accounts))
            users, accounts = lists
            return f"&{{{value.issuer} {value.account} {users} {value.xkey} {accounts}}}"
        case MetricsOptions():
            return f"{{max_series: {value.max_series}}}"
    return str(value)
