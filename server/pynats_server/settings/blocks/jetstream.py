"""The `jetstream` block and the top-level `store_dir`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pynats_common.config import Node, kind_of, plain
from pynats_common.go.durations import parse_duration_s
from pynats_common.go.quoting import quote

from pynats_server.options import BatchLimits, JetStreamOptions, JetStreamServerLimits
from pynats_server.settings import values as v
from pynats_server.settings.schema import Reader, Reading, Setting, Table

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CIPHERS = {"chacha": "chacha", "chachapoly": "chacha", "aes": "aes"}


def read_jetstream(reading: Reading, node: Node, key: str) -> JetStreamOptions:
    """A switch (`true`, `enabled`, ...) or a block, which turns JetStream on unless it says
    otherwise. Keeps a `store_dir` that was read before."""
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
        if value.lower() not in v.SWITCH:
            v.refuse(node, f"Expected 'enabled' or 'disabled' for string value, got '{value}'")
        made.enabled = v.SWITCH[value.lower()]
    elif isinstance(value, dict):
        made.enabled = True
        JETSTREAM.read(reading, value, made)
    else:
        v.refuse(
            node, f"Expected map, bool or string to define JetStream, got {kind_of(node.value)}"
        )
    return made


def read_store_dir(reading: Reading, node: Node, key: str) -> Path | None:
    """JetStream's folder; only one place in command line and file may name it."""
    path = v.path(reading, node, key)
    if reading.options.jetstream.store_dir is not None or reading.store_dir_named:
        v.refuse(node, "Duplicate 'store_dir' configuration")
    reading.store_dir_named = path is not None
    return path


def _size(name: str) -> Reader:
    """Bytes, as a whole number or a string with a unit of 1024; negative = not configured."""

    def read(reading: Reading, node: Node, key: str) -> int:
        value = v.number_of(reading, node)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            v.refuse(node, f'{name} must be an integer or a text such as "10G"')
        if not value:
            return 0
        digits, unit = value[:-1], value[-1]
        if not digits.removeprefix("-").removeprefix("+").isdecimal() or not digits.isascii():
            v.refuse(node, f"{name} must be a number with a unit, got {quote(value)}")
        if unit not in _UNITS:
            v.refuse(node, f"{name} sizes defined as strings must end in K, M, G, T")
        size = int(digits) * _UNITS[unit]
        if size > v.INT64_MAX:
            v.refuse(node, f"{name} value is too big")
        return size

    return read


def _limit(name: str) -> Reader:
    size = _size(name)

    def read(reading: Reading, node: Node, key: str) -> int | None:
        found: int = size(reading, node, key)
        return found if found >= 0 else None

    return read


def _whole(complaint: str, low: int | None = None, high: int = v.INT64_MAX) -> Reader:
    """A whole number; `complaint` has a placeholder for the key."""

    def read(reading: Reading, node: Node, key: str) -> int:
        value = v.number_of(reading, node)
        good = isinstance(value, int) and not isinstance(value, bool) and value <= high
        if not good or (low is not None and isinstance(value, int) and value < low):
            v.refuse(node, f"{complaint.format(key=key)}, got {plain(value)}")
        assert isinstance(value, int)
        return value

    return read


def _absolute_size(reading: Reading, node: Node, key: str) -> int:
    size: int = _size(key)(reading, node, key)
    if size < 0:
        v.refuse(node, f'Expected an absolute size for "{key}", got {size}')
    return size


def _strict(reading: Reading, node: Node, key: str) -> bool:
    if not isinstance(node.value, bool):
        v.refuse(node, f"Expected 'true' or 'false' for bool value, got '{plain(node.value)}'")
    return node.value


def _cipher(reading: Reading, node: Node, key: str) -> str:
    word = v.string(reading, node, key)
    if word.lower() not in _CIPHERS:
        v.refuse(node, f'Unknown cipher type: "{word}"')
    return _CIPHERS[word.lower()]


def _sync_interval(reading: Reading, node: Node, key: str) -> float:
    """Seconds between fsyncs; `always`, zero and negative values mean one before every
    acknowledgement."""
    if isinstance(node.value, str) and node.value.lower() == "always":
        return 0.0
    return max(0.0, v.duration_s(reading, node, key))


def _duration_s(reading: Reading, node: Node, key: str) -> float:
    text = v.string(reading, node, key)
    try:
        return parse_duration_s(text)
    except ValueError as error:
        v.refuse(node, f"{key}: {v.plain_reason(error)}")


def _unique_tag(reading: Reading, node: Node, key: str) -> str:
    return v.string(reading, node, key).strip().lower()


def _limits(reading: Reading, node: Node, key: str) -> JetStreamServerLimits:
    if not isinstance(node.value, dict):
        v.refuse(node, f"Expected a map to define JetStreamLimits, got {kind_of(node.value)}")
    made = JetStreamServerLimits()
    LIMITS.read(reading, node.value, made)
    return made


def _batch(reading: Reading, node: Node, key: str) -> BatchLimits:
    if not isinstance(node.value, dict):
        v.refuse(node, f"Expected a map to define batch limits, got {kind_of(node.value)}")
    made = BatchLimits()
    BATCH.read(reading, node.value, made)
    return made


_PARSEABLE = 'Expected a parseable size for "{key}"'
_ABSOLUTE = 'Expected an absolute size for "{key}"'
BATCH = Table(
    BatchLimits,
    Setting(
        "max_inflight_per_stream",
        "open batches of a stream, 0 = 50 atomic and 1000 fast ones",
        v.integer(),
    ),
    Setting(
        "max_inflight_total",
        "open batches of the server, 0 = 1000 atomic and 50000 fast ones",
        v.integer(),
    ),
    Setting("max_msgs", "messages of an atomic batch, 0 = 1000", v.integer()),
    Setting("timeout", "time after which a quiet batch is dropped, 0s = 10s", _duration_s),
)
LIMITS = Table(
    JetStreamServerLimits,
    Setting("max_ack_pending", "unacknowledged messages of a consumer, 0 = any", v.integer()),
    Setting("max_ha_assets", "replicated streams and consumers (no effect yet)", v.integer()),
    Setting("max_request_batch", "messages of one request, 0 = any", v.integer()),
    Setting("duplicate_window", "longest duplicate window of a stream, 0s = any", _duration_s),
    Setting(
        "default_max_consumers",
        "consumers of a stream that names no limit, 0 = 1000, -1 = any",
        v.integer(),
    ),
    Setting("batch", "batches of messages", _batch, block=BATCH),
)
JETSTREAM = Table(
    JetStreamOptions,
    Setting("enabled", "whether JetStream is on", v.boolean, ("enable",)),
    Setting(
        "strict", "refuse API requests with unknown fields", _strict, go_name="NoJetStreamStrict"
    ),
    Setting("store_dir", "folder of JetStream's files", read_store_dir, ("store", "storedir")),
    Setting(
        "max_memory_store",
        "bytes of streams in memory (default: 75 % of the memory)",
        _limit("max_mem_store"),
        ("max_mem_store", "max_mem"),
        field="max_memory",
    ),
    Setting(
        "max_file_store",
        "bytes of streams in files (default: 75 % of the free disk)",
        _limit("max_file_store"),
        ("max_file",),
        field="max_file",
    ),
    Setting(
        "sync_interval",
        '"always" or "0s" = an acknowledgement waits for the disk; else the time between syncs',
        _sync_interval,
        ("sync",),
        go_name="SyncInterval",
    ),
    Setting("domain", "name of its domain", v.name, go_name="JetStreamDomain"),
    Setting(
        "key",
        "encryption key of the files; a change is made at the next start (docs: behaviour, Keys)",
        v.string,
        ("ek", "encryption_key"),
        go_name="JetStreamKey",
    ),
    Setting(
        "prev_key",
        "the key before a change: what is under it is written again at the start",
        v.string,
        ("prev_ek", "prev_encryption_key"),
        go_name="JetStreamOldKey",
    ),
    Setting(
        "cipher",
        "cipher of the files: chacha or aes; may change as `key`",
        _cipher,
        go_name="JetStreamCipher",
    ),
    Setting(
        "extension_hint", "domain to extend (no effect yet)", v.name, go_name="JetStreamExtHint"
    ),
    Setting(
        "unique_tag",
        "tag that differs between the peers of a stream (no effect yet)",
        _unique_tag,
        go_name="JetStreamUniqueTag",
    ),
    Setting("limits", "limits of client requests", _limits, block=LIMITS, reloadable=True),
    Setting(
        "tpm",
        "key in a trusted platform module",
        refusal='"tpm" is not supported: give the encryption key in "key"',
    ),
    Setting(
        "max_outstanding_catchup",
        "bytes on their way to replicas (no effect yet)",
        _size("max_outstanding_catchup"),
        go_name="JetStreamMaxCatchup",
    ),
    Setting(
        "max_buffered_size",
        "bytes of a stream waiting for the disk",
        _size("max_buffered_size"),
        go_name="StreamMaxBufferedSize",
    ),
    Setting(
        "max_buffered_msgs",
        "messages of a stream waiting for the disk",
        _whole(_PARSEABLE),
        go_name="StreamMaxBufferedMsgs",
    ),
    Setting(
        "request_queue_limit",
        "API requests waiting",
        _whole(_PARSEABLE),
        go_name="JetStreamRequestQueueLimit",
    ),
    Setting(
        "info_queue_limit",
        "API requests for information waiting (no effect yet)",
        _whole(_PARSEABLE),
        go_name="JetStreamInfoQueueLimit",
    ),
    Setting(
        "meta_compact",
        "entries of the meta log before a snapshot (no effect yet)",
        _whole(_ABSOLUTE, 0),
        reloadable=True,
    ),
    Setting(
        "meta_compact_size",
        "bytes of the meta log before a snapshot (no effect yet)",
        _absolute_size,
        reloadable=True,
    ),
    Setting(
        "meta_compact_sync",
        "write snapshots of the meta log at once (no effect yet)",
        v.boolean,
        reloadable=True,
    ),
    Setting(
        "max_concurrent_io",
        "disk operations at a time (no effect yet)",
        _whole(_ABSOLUTE + " between 4 and 8192", 4, 8192),
        go_name="JetStreamConcurrentIOs",
    ),
)
