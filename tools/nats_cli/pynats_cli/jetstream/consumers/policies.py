"""Where a consumer starts, until when it is paused, and who may pull: texts of flags."""

from __future__ import annotations

import re
import time
from typing import Any

from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns, parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.flags import CreateFlags

_NAMED = {"all": "all", "1": "all", "new": "new", "next": "new", "last": "last"}
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
PINNED_TTL_NS = 120_000_000_000


def start_policy(text: str, now_ns: int) -> dict[str, Any]:
    """The delivery policy that `text` names, as fields of a configuration. Raises CliError."""
    if text in _NAMED:
        return {"deliver_policy": _NAMED[text]}
    if text in ("subject", "last_per_subject"):
        return {"deliver_policy": "last_per_subject"}
    if text.isascii() and text.isdigit():
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": int(text)}
    return {
        "deliver_policy": "by_start_time",
        "opt_start_time": format_time_ns(_start_time_ns(text, now_ns)),
    }


def _start_time_ns(text: str, now_ns: int) -> int:
    time_ns = time_of(text)
    if time_ns is not None:
        return time_ns
    try:
        return now_ns - parse_long_duration_ns(text)
    except ValueError:
        raise CliError(
            f"invalid start policy {quote(text)}: use all, new, last, subject, a duration, "
            "a sequence or a time"
        ) from None


def time_of(text: str) -> int | None:
    """Nanoseconds since 1970 of RFC 3339 or of a local `2026-01-02 15:04:05`; None if neither."""
    try:
        if _LOCAL_TIME.fullmatch(text):
            return int(time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))) * 1_000_000_000
        return parse_instant_ns(text)
    except (ValueError, OverflowError):
        return None


def pause_deadline_ns(text: str, now_ns: int) -> int:
    """Until when to pause: a time, or a duration from now. Raises CliError."""
    time_ns = time_of(text)
    if time_ns is not None:
        return time_ns
    try:
        return now_ns + parse_long_duration_ns(text)
    except ValueError:
        raise CliError("could not parse the pause time as either timestamp or duration") from None


def priority_fields(flags: CreateFlags) -> dict[str, Any]:
    """Priority policy and groups of the flags, none of them if they name no group."""
    chosen = [
        (policy, groups)
        for policy, groups in (
            ("overflow", flags.overflow_groups),
            ("pinned_client", flags.pinned_groups),
            ("prioritized", flags.prioritized_groups),
        )
        if groups
    ]
    if len(chosen) > 1:
        names = " and ".join(policy.partition("_")[0] for policy, _ in chosen[:2])
        raise CliError(f"setting both {names} groups are not supported")
    if not chosen:
        if flags.pinned_ttl is not None:
            raise CliError("--pinned-ttl needs --pinned-groups")
        return {}
    policy, groups = chosen[0]
    fields: dict[str, Any] = {"priority_policy": policy, "priority_groups": groups}
    if policy == "pinned_client":
        fields["priority_timeout"] = flags.pinned_ttl or PINNED_TTL_NS
    return fields
