"""A key-value bucket: how many values it has, and whether a key is set."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.servers.checks.message import NO_MESSAGE
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.checks.sources import JetStream
from pynats_cli.servers.checks.thresholds import Thresholds

_BUCKET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_STREAM_NOT_FOUND = 10059
# What a deleted key's last message says: a client's markers, and the server's at a key's end.
_DELETED = (b"KV-Operation: DEL", b"KV-Operation: PURGE", b"Nats-Marker-Reason:")


@dataclass(kw_only=True)
class BucketExpectation:
    """What is expected of a bucket; None = not checked."""

    values_warn: int | None = None
    values_critical: int | None = None
    key: str = ""


async def check_kv(js: JetStream, bucket: str, expected: BucketExpectation, result: Result) -> None:
    """Asks for the bucket (and the key) and judges it."""
    if not _BUCKET.fullmatch(bucket):
        result.critical("could not load bucket: nats: invalid bucket name")
        return
    stream = f"KV_{bucket}"
    try:
        info = await js.request(f"STREAM.INFO.{stream}")
    except CliError as error:
        missing = getattr(error, "code", 0) == _STREAM_NOT_FOUND
        result.critical(
            f"bucket {bucket} not found" if missing else f"could not load bucket: {error}"
        )
        return
    result.ok(f"bucket {bucket}")
    _values(info, expected, result)
    if expected.key:
        await _key(js, bucket, expected.key, result)


def _values(info: dict[str, Any], expected: BucketExpectation, result: Result) -> None:
    state = info["state"]
    values = int(state.get("messages") or 0)
    wanted = Thresholds(expected.values_warn, expected.values_critical)
    result.measured(
        "values", values, "How many values are stored in the bucket",
        warning=wanted.warning, critical=wanted.critical,
    )  # fmt: skip
    result.measured("bytes", int(state.get("bytes") or 0), "Bytes stored in the bucket", unit="B")
    result.measured(
        "replicas", int(info["config"].get("num_replicas") or 1), "Replicas of the bucket"
    )
    if wanted.given:
        result.tell(wanted.either_way(values), f"{values} values")


async def _key(js: JetStream, bucket: str, key: str, result: Result) -> None:
    subject = f"$KV.{bucket}.{key}"
    try:
        answer = await js.request(f"STREAM.MSG.GET.KV_{bucket}", {"last_by_subj": subject})
    except CliError as error:
        missing = getattr(error, "code", 0) == NO_MESSAGE
        result.critical(f"key {key} not found" if missing else f"could not load key: {error}")
        return
    headers = b64decode(answer["message"].get("hdrs") or "")
    if any(marker in headers for marker in _DELETED):
        result.critical(f"key {key} not found")
    else:
        result.ok(f"key {key} found")
