"""What a new configuration changes, and whether a running server may follow."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from pynats_server.options import JetStreamOptions, Options
from pynats_server.settings.durations import show_duration
from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting
from pynats_server.settings.top_level import TOP_LEVEL

_INITIALISMS = {"http": "HTTP", "https": "HTTPS", "utc": "UTC", "id": "ID", "msg": "Msg"}
_SECRET = ("authorization", "accounts")  # their values are never shown


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs. `name` is its configuration key."""

    name: str
    old: Any
    new: Any
    reloadable: bool
    field: str  # what the real server's messages call it
    reason: str = ""  # the refusal, where it has words of its own

    def __repr__(self) -> str:
        return f"<Change {self.name}>"

    @property
    def refusal(self) -> str:
        """Why a running server cannot take this change over."""
        if self.reason:
            return self.reason
        old, new = _shown(self.name, self.old), _shown(self.name, self.new)
        return f"config reload not supported for {self.field}: old={old}, new={new}"

    @property
    def notice(self) -> str:
        """The log line once it has been applied."""
        if self.name in _SECRET:
            return f"Reloaded: {self.name}"
        return f"Reloaded: {self.name} = {_shown(self.name, self.new)}"


def diff(old: Options, new: Options) -> list[Change]:
    """Every setting in which `new` differs from `old`, in the order of the table."""
    changes: list[Change] = []
    for path, setting in _watched().items():
        before, after = get_path(old, path), get_path(new, path)
        if before != after:
            reloadable = setting.reloadable or _tolerated(path, old, new)
            changes.append(Change(setting.name, before, after, reloadable, _go_name(setting)))
    return changes + _jetstream_changes(old.jetstream, new.jetstream)


def _jetstream_changes(old: JetStreamOptions, new: JetStreamOptions) -> list[Change]:
    """The sizes may grow from one configured value to another; nothing else may change."""
    changes: list[Change] = []
    for option in fields(JetStreamOptions):
        name = f"jetstream.{option.name}"
        before, after = getattr(old, option.name), getattr(new, option.name)
        if before == after:
            continue
        reloadable, reason = False, f"config reload not supported for {name}"
        if option.name == "store_dir":
            reason = "config reload not supported for jetstream storage directory"
        elif option.name in ("max_memory", "max_file"):
            reloadable = before is not None and after is not None and after > before
            reason = "config reload not supported for decreasing jetstream max memory and store"
        changes.append(Change(name, before, after, reloadable, name, reason))
    return changes


def _watched() -> dict[str, Setting]:
    """The option fields and the row that speaks for each; `http_host` has no row of its own."""
    elsewhere = ("listen", "jetstream", "store_dir")
    rows = [s for s in TOP_LEVEL.settings if s.read and s.name not in elsewhere]
    return {"http_host" if s.name == "http" else s.path: s for s in rows}


def _tolerated(path: str, old: Options, new: Options) -> bool:
    if path in ("port", "http_port"):
        # "any free port" stays what it was resolved to
        return bool(get_path(new, path) == -1)
    if path == "no_auth_user":
        known = {user.user for _, user in new.all_users()}
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
            return show_duration(value)
        case list():
            return "[" + " ".join(map(str, value)) + "]"
        case dict():
            return "map[" + " ".join(f"{k}:{v}" for k, v in sorted(value.items())) + "]"
        case None:
            return ""
    return str(value)
