"""Reading a stream's configuration from a file, and checking it.

The same rules are asked of every configuration that `--validate` is asked about. What only a server
can know (overlaps, limits of the account) is left to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pynats_common.files import read_whole
from pynats_common.go.errno import error_text
from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.jetstream.streams.fields import BY_NAME, FIELDS, Field, without_server_metadata
from pynats_cli.jetstream.streams.numbers import default_window_ns

_SIGNED = -(2**63)
_UNLIMITED = ("max_msgs", "max_bytes", "max_consumers", "max_msgs_per_subject", "max_msg_size")
_NAME_FAULTS = ' .*>/\\\t\r\n\x0c"'
_SOURCE_FIELDS = ("name", "opt_start_seq", "opt_start_time", "filter_subject", "subject_transforms",
                  "external", "domain", "consumer")  # fmt: skip


def read_config(path: str) -> tuple[dict[str, Any], list[str]]:
    """The configuration in a JSON file, which may be that of `stream info --json`; also the names
    in it that mean nothing. Raises CliError."""
    try:
        text = read_whole(path).decode()
    except (OSError, UnicodeError) as error:
        raise CliError(f"{path}: {error_text(error)}") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"{path}: not valid JSON: {error}") from None
    if isinstance(found, dict) and isinstance(found.get("config"), dict):
        found = found["config"]
    if not isinstance(found, dict):
        raise CliError(f"{path}: a stream configuration must be a JSON object")
    unknown = [name for name in found if name not in BY_NAME]
    known = {name: value for name, value in found.items() if name in BY_NAME and value is not None}
    check_types(known, path)
    return without_server_metadata(known), unknown


def with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with what it leaves out and every stream has."""
    defaults = {field.name: field.default for field in FIELDS if field.always}
    return defaults | dict(config)


def as_stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a server makes of a configuration: of what it leaves out, and of zeros that mean that
    there is no limit. A server may be set to have a shorter window for duplicates."""
    made = dict(config)
    for name in _UNLIMITED:
        made[name] = made.get(name) or -1
    if not made.get("mirror"):
        window = made.get("duplicate_window") or default_window_ns(made.get("max_age") or 0)
        made["duplicate_window"] = window
        if not made.get("sources"):
            made["subjects"] = made.get("subjects") or [made["name"]]
    return made


def check_types(config: Mapping[str, Any], where: str) -> None:
    """Raises CliError that names the field whose value is of the wrong kind."""
    for name, value in config.items():
        field = BY_NAME.get(name)
        if field is None:
            continue
        if not _is_kind(field, value):
            raise CliError(
                f"{where}: {name}: must be {_KINDS[field.kind]}, got {json.dumps(value)}"
            )
        if field.choices and value not in field.choices:
            allowed = ", ".join(field.choices)
            raise CliError(f"{where}: {name}: must be one of {allowed}, got {json.dumps(value)}")


_KINDS = {
    "text": "a text", "texts": "a list of texts", "number": "a whole number",
    "duration": "a number of nanoseconds", "switch": "true or false", "object": "an object",
    "objects": "a list of objects",
}  # fmt: skip


def _is_kind(field: Field, value: Any) -> bool:
    if field.kind == "text":
        return isinstance(value, str)
    if field.kind == "switch":
        return isinstance(value, bool)
    if field.kind in ("number", "duration"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= _SIGNED
    if field.kind == "object":
        return isinstance(value, dict)
    kind = str if field.kind == "texts" else dict
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def faults(config: Mapping[str, Any]) -> list[str]:
    """What is wrong with a whole configuration, as far as that can be known here."""
    found = []
    name = config.get("name", "")
    if not name or any(char in _NAME_FAULTS for char in name):
        found.append(f"name: {quote(name)} is not a valid stream name")
    for count in _UNLIMITED:
        if config.get(count, 0) < -1:
            found.append(f"{count}: must be -1 or more, got {config[count]}")
    if not 1 <= config.get("num_replicas", 1) <= 5:
        found.append(f"num_replicas: must be from 1 to 5, got {config['num_replicas']}")
    for duration in ("max_age", "duplicate_window", "subject_delete_marker_ttl"):
        if config.get(duration, 0) < 0:
            found.append(f"{duration}: must be 0 or more, got {config[duration]}")
    return found + _origin_faults(config)


def _origin_faults(config: Mapping[str, Any]) -> list[str]:
    found = []
    for origin in ([config["mirror"]] if config.get("mirror") else []) + config.get("sources", []):
        found += [f"unknown field {quote(name)} of an origin" for name in origin
                  if name not in _SOURCE_FIELDS]  # fmt: skip
        if not origin.get("name"):
            found.append("an origin has no name")
    return found


def check(config: Mapping[str, Any]) -> None:
    """Raises CliError with every fault of a whole configuration."""
    check_types(config, "configuration")
    found = faults(config)
    if found:
        raise CliError("validation failed: " + "; ".join(found))
