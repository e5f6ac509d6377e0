"""The `jetstream` block (server-inventory 2.8) and the top level `store_dir`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pynats_common.config import Node, plain

from pynats_server.options import BatchLimits, JetStreamOptions, JetStreamServerLimits
from pynats_server.settings import values as r
from pynats_server.settings.durations import parse_duration
from pynats_server.settings.schema import Reader, Reading

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CIPHERS = {"chacha": "chacha", "chachapoly": "chacha", "aes": "aes"}
_SWITCH = {"enabled": True, "enable": True, "disabled": False, "disable": False}


def read_jetstream(reading: Reading, node: Node, key: str) -> JetStreamOptions:
    """A switch (`true`, `enabled`, ...) or a block, which switches JetStream on unless it says
    otherwise. A `store_dir` read before stays."""
    made = replace(
        reading.options.jetstream,
        limits=replace(
            reading.options.jetstream.limits, batch=replace(reading.options.jetstream.limits.batch)
        ),
    )
    value = node.value
    if isinstance(value, bool):
        made.enabled = value
    elif isinstance(value, str):
        if value.lower() not in _SWITCH:
            r.refuse(node, f"Expected 'enabled' or 'disabled' for string value, got '{value}'")
        made.enabled = _SWITCH[value.lower()]
    elif isinstance(value, dict):
        made.enabled = True
        _read_block(reading, value, made, _BLOCK)
    else:
        r.refuse(node, f"Expected map, bool or string to define JetStream, got {r.go_type(node)}")
    return made


def read_store_dir(reading: Reading, node: Node, key: str) -> Path | None:
    """JetStream's folder, which the file may name only once."""
    return _store_dir(reading, node, key, reading.options.jetstream)


def _store_dir(reading: Reading, node: Node, key: str, made: JetStreamOptions) -> Path | None:
    path = r.path(reading, node, key)
    if made.store_dir is not None:
        r.refuse(node, "Duplicate 'store_dir' configuration")
    return path


def _read_block(reading: Reading, entries: dict[str, Node], made: Any, table: _Table) -> None:
    for key, node in entries.items():
        row = table.get(key.lower())
        if row is None:
            reading.unknown(node, key)
        elif key.lower() == "tpm":
            r.refuse(node, '"tpm" is not supported: give the encryption key in "key"')
        elif row[0] == "store_dir":
            made.store_dir = _store_dir(reading, node, key, made)
        else:
            setattr(made, row[0], row[1](reading, node, key))


def _size(name: str) -> Reader:
    """Bytes, as a whole number or a string with a unit of 1024; negative = not configured."""

    def read(reading: Reading, node: Node, key: str) -> int:
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            r.refuse(node, f"{name} must be int64 or string")
        if not value:
            return 0
        digits, unit = value[:-1], value[-1]
        if not digits.removeprefix("-").removeprefix("+").isdecimal() or not digits.isascii():
            r.refuse(node, f'{name} strconv.ParseInt: parsing "{digits}": invalid syntax')
        if unit not in _UNITS:
            r.refuse(node, f"{name} sizes defined as strings must end in K, M, G, T")
        size = int(digits) * _UNITS[unit]
        if size > r.INT64_MAX:
            r.refuse(node, f"{name} value is too big")
        return size

    return read


def _limit(name: str) -> Reader:
    size = _size(name)

    def read(reading: Reading, node: Node, key: str) -> int | None:
        found: int = size(reading, node, key)
        return found if found >= 0 else None

    return read


def _whole(complaint: str, low: int | None = None, high: int = r.INT64_MAX) -> Reader:
    """A whole number; `complaint` has a place for the key."""

    def read(reading: Reading, node: Node, key: str) -> int:
        value = node.value
        good = isinstance(value, int) and not isinstance(value, bool) and value <= high
        if not good or (low is not None and isinstance(value, int) and value < low):
            r.refuse(node, f"{complaint.format(key=key)}, got {plain(value)}")
        assert isinstance(value, int)
        return value

    return read


def _absolute_size(reading: Reading, node: Node, key: str) -> int:
    size: int = _size(key)(reading, node, key)
    if size < 0:
        r.refuse(node, f'Expected an absolute size for "{key}", got {size}')
    return size


def _strict(reading: Reading, node: Node, key: str) -> bool:
    if not isinstance(node.value, bool):
        r.refuse(node, f"Expected 'true' or 'false' for bool value, got '{plain(node.value)}'")
    return node.value


def _cipher(reading: Reading, node: Node, key: str) -> str:
    word = r.string(reading, node, key)
    if word.lower() not in _CIPHERS:
        r.refuse(node, f'Unknown cipher type: "{word}"')
    return _CIPHERS[word.lower()]


def _sync_interval(reading: Reading, node: Node, key: str) -> float:
    """Seconds between fsyncs; `always`, zero and less mean one before every acknowledgement."""
    if isinstance(node.value, str) and node.value.lower() == "always":
        return 0.0
    return max(0.0, r.duration(reading, node, key))


def _duration(reading: Reading, node: Node, key: str) -> float:
    text = r.string(reading, node, key)
    try:
        return parse_duration(text)
    except ValueError as error:
        r.refuse(node, str(error))


def _unique_tag(reading: Reading, node: Node, key: str) -> str:
    return r.string(reading, node, key).strip().lower()


def _limits(reading: Reading, node: Node, key: str) -> JetStreamServerLimits:
    if not isinstance(node.value, dict):
        r.refuse(node, f"Expected a map to define JetStreamLimits, got {r.go_type(node)}")
    made = JetStreamServerLimits()
    _read_block(reading, node.value, made, _LIMITS)
    return made


def _batch(reading: Reading, node: Node, key: str) -> BatchLimits:
    if not isinstance(node.value, dict):
        r.refuse(node, f"Expected a map to define batch limits, got {r.go_type(node)}")
    made = BatchLimits()
    _read_block(reading, node.value, made, _BATCH)
    return made


_Row = tuple[str, Callable[[Reading, Node, str], Any]]
_Table = dict[str, _Row]


def _rows(*rows: tuple[str, Reader, str]) -> _Table:
    """`field, reader, keys` as a table by key."""
    return {key: (name, read) for name, read, keys in rows for key in keys.split()}


_PARSEABLE = 'Expected a parseable size for "{key}"'
_ABSOLUTE = 'Expected an absolute size for "{key}"'
_BLOCK: _Table = _rows(
    ("enabled", r.boolean, "enabled enable"),
    ("strict", _strict, "strict"),
    ("store_dir", r.path, "store_dir store storedir"),
    ("max_memory", _limit("max_mem_store"), "max_memory_store max_mem_store max_mem"),
    ("max_file", _limit("max_file_store"), "max_file_store max_file"),
    ("sync_interval", _sync_interval, "sync_interval sync"),
    ("domain", r.name, "domain"),
    ("key", r.string, "key ek encryption_key"),
    ("prev_key", r.string, "prev_key prev_ek prev_encryption_key"),
    ("cipher", _cipher, "cipher"),
    ("extension_hint", r.name, "extension_hint"),
    ("unique_tag", _unique_tag, "unique_tag"),
    ("limits", _limits, "limits"),
    ("tpm", r.string, "tpm"),
    ("max_outstanding_catchup", _size("max_outstanding_catchup"), "max_outstanding_catchup"),
    ("max_buffered_size", _size("max_buffered_size"), "max_buffered_size"),
    ("max_buffered_msgs", _whole(_PARSEABLE), "max_buffered_msgs"),
    ("request_queue_limit", _whole(_PARSEABLE), "request_queue_limit"),
    ("info_queue_limit", _whole(_PARSEABLE), "info_queue_limit"),
    ("meta_compact", _whole(_ABSOLUTE, 0), "meta_compact"),
    ("meta_compact_size", _absolute_size, "meta_compact_size"),
    ("meta_compact_sync", r.boolean, "meta_compact_sync"),
    ("max_concurrent_io", _whole(_ABSOLUTE + " between 4 and 8192", 4, 8192), "max_concurrent_io"),
)
_LIMITS: _Table = _rows(
    ("max_ack_pending", r.integer(), "max_ack_pending"),
    ("max_ha_assets", r.integer(), "max_ha_assets"),
    ("max_request_batch", r.integer(), "max_request_batch"),
    ("duplicate_window", _duration, "duplicate_window"),
    ("default_max_consumers", r.integer(), "default_max_consumers"),
    ("batch", _batch, "batch"),
)
_BATCH: _Table = _rows(
    ("max_inflight_per_stream", r.integer(), "max_inflight_per_stream"),
    ("max_inflight_total", r.integer(), "max_inflight_total"),
    ("max_msgs", r.integer(), "max_msgs"),
    ("timeout", _duration, "timeout"),
)
