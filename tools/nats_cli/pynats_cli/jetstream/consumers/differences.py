"""How two configurations of a consumer differ, a field a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pynats_common.go.durations import format_duration_ns

from pynats_cli.jetstream.consumers.config_file import DURATIONS, without_server_metadata

_UNORDERED = ("filter_subjects", "priority_groups")


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Lines `- name: value` for what goes and `+ name: value` for what comes. What the server wrote
    into the metadata counts for nothing."""
    before, after = dict(_flat(old)), dict(_flat(new))
    lines = []
    for name in [*before, *(name for name in after if name not in before)]:
        if before.get(name) == after.get(name):
            continue
        for mark, values in (("-", before), ("+", after)):
            if name in values:
                lines.append(f"{mark} {name}: {_text(name, values[name])}")
    return lines


def _flat(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in without_server_metadata(config).items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in sorted(value.items()))
        else:
            yield name, sorted(value) if name in _UNORDERED else value


def _text(name: str, value: Any) -> str:
    if name in DURATIONS:
        return format_duration_ns(value)
    if name == "backoff":
        return ", ".join(format_duration_ns(item) for item in value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)
