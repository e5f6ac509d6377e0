"""Screens and tables of key-value buckets."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from pynats_cli.jetstream.cluster import add_cluster, add_metadata
from pynats_cli.jetstream.kv.bucket import STREAM, Bucket
from pynats_cli.jetstream.kv.values import PUT, Value
from pynats_cli.screen import human
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.tables import Table

SHOWN = 120  # bytes of a value that `get` shows
CUT, ENDS = 40, 15  # characters of a value above which `history` shows its ends only


def bucket_screen(bucket: Bucket) -> Columns:
    """Configuration and state of a bucket."""
    config, state = bucket.config, bucket.state
    columns = Columns(
        f"Information for Key-Value Store Bucket {bucket.name} "
        f"created {human.local_time(bucket.info['created'])}"
    )
    columns.section("Configuration")
    columns.add("Bucket Name", bucket.name)
    columns.add("History Kept", human.thousands(bucket.history))
    columns.add("Values Stored", human.thousands(int(state["messages"])))
    columns.add("Compressed", _yes(config.get("compression", "none") != "none"))
    columns.add("Per-Key TTL Supported", _yes(config.get("allow_msg_ttl")))
    if marker := config.get("subject_delete_marker_ttl"):
        columns.add("Limit Marker TTL", human.duration(marker))
    columns.add("Backing Store Kind", "JetStream")
    columns.add_if("Description", config.get("description", ""))
    columns.add("Bucket Size", human.bytes_text(int(state["bytes"])))
    columns.add("Maximum Bucket Size", _limit(config.get("max_bytes")))
    columns.add("Maximum Value Size", _limit(config.get("max_msg_size")))
    age = config.get("max_age")
    columns.add("Maximum Age", human.duration(age) if age else "unlimited")
    columns.add("JetStream Stream", bucket.stream)
    columns.add("Storage", str(config.get("storage", "")).capitalize())
    if republish := config.get("republish"):
        what = "Republishing Headers" if republish.get("headers_only") else "Republishing"
        columns.add(what, f"{republish.get('src', '')} to {republish.get('dest', '')}")
    _add_origins(columns, bucket.info)
    add_metadata(columns, config)
    add_cluster(columns, bucket.info)
    return columns


def _yes(value: object) -> str:
    return "true" if value else "false"


def _limit(value: int | None) -> str:
    return human.bytes_text(value) if value is not None and value > 0 else "unlimited"


def _add_origins(columns: Columns, info: dict[str, Any]) -> None:
    if mirror := info.get("mirror"):
        columns.section("Mirror Information")
        _add_origin(columns, "Origin Bucket", mirror)
    if sources := info.get("sources"):
        columns.section("Sources Information")
        for source in sources:
            _add_origin(columns, "Source Bucket", source)


def _add_origin(columns: Columns, label: str, origin: dict[str, Any]) -> None:
    columns.add(label, str(origin.get("name", "")).removeprefix(STREAM))
    columns.add_if("External API", (origin.get("external") or {}).get("api", ""))
    active = int(origin.get("active", -1))
    columns.add("Last Seen", human.duration(active) if active > 0 else "never")
    columns.add("Lag", human.thousands(int(origin.get("lag", 0))))


def keys_table(bucket: str, values: Sequence[Value], with_values: bool) -> Table:
    """Keys of a bucket, and their values if asked for."""
    headers = ["Key", "Created", "Delta", "Revision"]
    table = Table(f"Contents for bucket '{bucket}'", [*headers, *(["Value"] * with_values)])
    for value in values:
        row = [value.key, human.local_time(value.created), 0, str(value.revision)]
        table.add(*row, *([text_of(value.data)] * with_values))
    return table


def history_table(bucket: str, key: str, values: Iterable[Value]) -> Table:
    """Every value of a key."""
    headers = ["Key", "Revision", "Op", "Created", "Length", "Value"]
    table = Table(f"History for {bucket} > {key}", headers)
    for value in values:
        table.add(
            value.key, str(value.revision), value.operation, human.local_time(value.created),
            human.thousands(len(value.data)), _shortened(text_of(value.data)),
        )  # fmt: skip
    return table


def _shortened(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:ENDS]}...{text[-ENDS:]}"


def text_of(data: bytes) -> str:
    """The value, base64 when it has what cannot be printed."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
    return text if all(char.isprintable() for char in text) else base64.b64encode(data).decode()


def value_text(bucket: str, value: Value) -> str:
    """A value under its heading, its beginning only when it is long."""
    created = human.local_time(value.created)
    lines = [f"{bucket} > {value.key} revision: {value.revision} created @ {created}", ""]
    text = text_of(value.data)
    if text and text.encode() != value.data:
        lines += ["Showing the value in base64, use --raw for the data itself", ""]
    if len(text) > SHOWN:
        lines += [f"Showing first {SHOWN} bytes of {len(text)}, use --raw for full data", ""]
    return "\n".join([*lines, text[:SHOWN], ""])


def watch_line(bucket: str, value: Value) -> str:
    """One line of `watch`."""
    at = f"[{human.local_time(value.created)}] {value.operation} {bucket} > {value.key}"
    return f"{at}: {value.data.decode(errors='replace')}" if value.operation == PUT else at
