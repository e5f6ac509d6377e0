"""A consumer's configuration in a file: read, checked, and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pynats_common.files import read_whole
from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.quoting import quote
from pynats_common.go.times import ZERO_TIME, parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.configure import Config
from pynats_cli.jetstream.consumers.flags import ACK_POLICIES, REPLAY_POLICIES

CHOICES: dict[str, tuple[str, ...]] = {
    "deliver_policy": (
        "all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject",
    ),
    "ack_policy": ACK_POLICIES,
    "replay_policy": REPLAY_POLICIES,
    "priority_policy": ("none", "overflow", "pinned_client", "prioritized"),
}  # fmt: skip
_TEXTS = (
    "durable_name", "name", "description", "deliver_subject", "deliver_group", "filter_subject",
    "sample_freq",
)  # fmt: skip
_NUMBERS = (
    "max_deliver", "rate_limit_bps", "max_ack_pending", "max_waiting", "max_batch", "max_bytes",
    "num_replicas", "opt_start_seq",
)  # fmt: skip
DURATIONS = (
    "ack_wait", "idle_heartbeat", "max_expires", "inactive_threshold", "priority_timeout",
)  # fmt: skip
_FLAGS = ("flow_control", "headers_only", "mem_storage", "direct", "sourcing")
TIMES = ("opt_start_time", "pause_until")
_LISTS = ("filter_subjects", "priority_groups")


def read_config(path: str) -> tuple[Config, list[str]]:
    """The configuration in a file, and what it holds that is unknown. Raises CliError.

    A file may hold a configuration, or all that `consumer info --json` shows.
    """
    try:
        text = read_whole(path).decode()
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CliError(f"{path}: not UTF-8") from None
    try:
        return parse_config(text)
    except ValueError as error:
        raise CliError(f"{path}: {error}") from None


def parse_config(text: str) -> tuple[Config, list[str]]:
    """The same of a file's text. Raises ValueError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"invalid JSON: {error}") from None
    if isinstance(found, dict) and isinstance(found.get("config"), dict):
        found = found["config"]
    if not isinstance(found, dict):
        raise ValueError("a consumer's configuration is a JSON object")
    config: Config = {}
    unknown = []
    for name, value in found.items():
        if value is None:
            continue
        if name in _CHECKS:
            config[name] = _CHECKS[name](name, value)
        else:
            unknown.append(name)
    return without_server_metadata(config), unknown


def write_config(config: Config, path: str) -> None:
    """Writes a configuration as `nats` does. Raises CliError."""
    try:
        Path(path).write_text(config_text(config), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


def config_text(config: Config) -> str:
    """The JSON text of a configuration; what is always there comes with its zero."""
    shown = {**config}
    shown.setdefault("num_replicas", 0)
    shown.setdefault("pause_until", ZERO_TIME)
    if shown.get("durable_name"):
        shown.pop("name", None)
    return json.dumps(shown, indent=2)


def without_server_metadata(config: Config) -> Config:
    """A configuration without what the server wrote into its metadata, and without zeros."""
    kept = {name: value for name, value in config.items() if not _is_zero(name, value)}
    metadata = config.get("metadata")
    if isinstance(metadata, dict):
        own = {key: value for key, value in metadata.items() if not key.startswith("_nats.")}
        kept.pop("metadata", None)
        if own:
            kept["metadata"] = own
    return kept


def zero_config() -> Config:
    """Each field with the value that the API leaves out."""
    kinds: tuple[tuple[tuple[str, ...], Any], ...] = (
        (_TEXTS, ""), (_NUMBERS, 0), (DURATIONS, 0), (_FLAGS, False), (TIMES, ZERO_TIME),
    )  # fmt: skip
    config = {name: zero for names, zero in kinds for name in names}
    return config | {name: [] for name in (*_LISTS, "backoff")} | {"metadata": {}}


def _is_zero(name: str, value: Any) -> bool:
    if name in TIMES:
        return bool(value == ZERO_TIME)
    # A number of replicas is there in each configuration, 0 for the stream's.
    return name != "num_replicas" and not value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number")
    return value


def _duration(name: str, value: Any) -> int:
    """Nanoseconds, or a text such as `30s` as in an edited file."""
    if isinstance(value, str):
        try:
            return parse_long_duration_ns(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return _number(name, value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _time(name: str, value: Any) -> str:
    text = _text(name, value)
    try:
        parse_instant_ns(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return text


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    return value


def _durations(name: str, value: Any) -> list[int]:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list of durations")
    return [_duration(name, item) for item in value]


def _pairs(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError(f"{name} must hold texts")
    return value


def _choice(name: str, value: Any) -> str:
    text = _text(name, value)
    if text not in CHOICES[name]:
        raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, got {quote(text)}")
    return text


_CHECKS = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(DURATIONS, _duration),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(TIMES, _time),
    **dict.fromkeys(_LISTS, _texts),
    **dict.fromkeys(CHOICES, _choice),
    "backoff": _durations,
    "metadata": _pairs,
}
