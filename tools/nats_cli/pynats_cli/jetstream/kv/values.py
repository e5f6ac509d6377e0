"""Values of a bucket: what they are as messages, reading, writing and watching them."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from pynats_common.go.durations import format_duration_ns
from pynats_common.go.times import format_time_ns

from pynats_cli.errors import CliError
from pynats_cli.jetstream.acks import js_publish
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.kv.bucket import Bucket, check_key, check_pattern
from pynats_cli.jetstream.messages import get_message
from pynats_cli.jetstream.reading import Reading, Stored

PUT, DELETE, PURGE = "PUT", "DELETE", "PURGE"
WRONG_LAST: Final = 10071
_MARKERS: Final = {"MaxAge": PURGE, "Purge": PURGE, "Remove": DELETE}
KEY_NOT_FOUND: Final = "nats: key not found"


@dataclass(frozen=True)
class Value:
    """A value of a key, or a marker that it was removed."""

    key: str
    data: bytes
    revision: int
    time_ns: int
    operation: str = PUT
    behind: int = 0  # values that come after this one

    @property
    def created(self) -> str:
        """When it was stored, RFC 3339."""
        return format_time_ns(self.time_ns)

    def as_dict(self, bucket: str) -> dict[str, Any]:
        """The form of `--json`."""
        return {
            "bucket": bucket,
            "key": self.key,
            "value": base64.b64encode(self.data).decode(),
            "revision": self.revision,
            "created": self.created,
            "operation": self.operation,
        }


def value_of(bucket: Bucket, message: Stored) -> Value:
    """What a message of a bucket's stream says."""
    named = message.header("KV-Operation")
    operation = {"DEL": DELETE, "PURGE": PURGE}.get(named, PUT)
    operation = _MARKERS.get(message.header("Nats-Marker-Reason"), operation)
    key = message.subject.removeprefix(bucket.subjects)
    return Value(key, message.data, message.sequence, message.time_ns, operation, message.pending)


class Values:
    """The values of one bucket. Every method may raise CliError."""

    def __init__(self, session: Any, bucket: Bucket) -> None:
        self.session = session
        self.bucket = bucket

    async def get(self, key: str, revision: int = 0) -> Value:
        """The newest value, or that of a revision; markers count as not found."""
        found = await self.find(check_key(key), revision)
        if found is None or found.operation != PUT:
            raise CliError(KEY_NOT_FOUND)
        return found

    async def find(self, key: str, revision: int = 0) -> Value | None:
        """The newest value or marker, or that of a revision; None without."""
        subject = self.bucket.subjects + key
        asked = {"seq": revision} if revision else {"last_by_subj": subject}
        message = await get_message(
            self.session,
            self.bucket.stream,
            asked,
            direct=bool(self.bucket.config.get("allow_direct")),
        )
        if message is None or message.subject != subject:
            return None
        return value_of(self.bucket, message)

    async def put(self, key: str, data: bytes) -> int:
        """The revision."""
        return await self._publish(check_key(key), data, [])

    async def update(self, key: str, data: bytes, revision: int, ttl_ns: int = 0) -> int:
        """Only if the newest revision is that; 0 = there is none."""
        headers = [("Nats-Expected-Last-Subject-Sequence", str(revision))]
        if ttl_ns:
            headers.append(("Nats-TTL", format_duration_ns(ttl_ns)))
        return await self._publish(check_key(key), data, headers)

    async def create(self, key: str, data: bytes, ttl_ns: int = 0) -> int:
        """Only if the key is not there or was removed."""
        try:
            return await self.update(key, data, 0, ttl_ns)
        except JsApiError as error:
            if error.code != WRONG_LAST:
                raise
            found = await self.find(key)
            if found is None or found.operation == PUT:
                raise CliError(f"{error.description}: key exists ({error.code})") from None
        return await self.update(key, data, found.revision, ttl_ns)

    async def delete(self, key: str) -> int:
        """A marker is the newest value then."""
        return await self._publish(check_key(key), b"", [("KV-Operation", "DEL")])

    async def purge(self, key: str, ttl_ns: int = 0) -> int:
        """Only a marker remains."""
        headers = [("KV-Operation", "PURGE"), ("Nats-Rollup", "sub")]
        if ttl_ns:
            headers.append(("Nats-TTL", format_duration_ns(ttl_ns)))
        return await self._publish(check_key(key), b"", headers)

    async def _publish(self, key: str, data: bytes, headers: list[tuple[str, str]]) -> int:
        subject = self.bucket.target(self.session.jetstream_prefix()) + key
        ack = await js_publish(self.session, subject, data, headers)
        return int(ack.sequence)

    async def watch(
        self, pattern: str = ">", *, history: bool = False, new: bool = False,
        revision: int = 0, headers_only: bool = False, follow: bool = False,
    ) -> AsyncGenerator[Value | None, None]:  # fmt: skip
        """The newest value of each key that matches (with `history` all, with `new` none, from a
        revision on); then None, and with `follow` whatever is written."""
        config: dict[str, Any] = {
            "filter_subject": self.bucket.subjects + check_pattern(pattern),
            "deliver_policy": "all" if history else "new" if new else "last_per_subject",
        }
        if revision:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": revision}
        if headers_only:
            config["headers_only"] = True
        reading = Reading(self.session, self.bucket.stream, config, follow)
        async with aclosing(reading.messages()) as messages:
            async for message in messages:
                yield None if message is None else value_of(self.bucket, message)

    async def history(self, pattern: str) -> list[Value]:
        """All values and markers. Raises CliError without any."""
        async with aclosing(self.watch(pattern, history=True)) as watching:
            found = [value async for value in watching if value]
        if not found:
            raise CliError(KEY_NOT_FOUND)
        return found


async def open_bucket(session: Any, name: str) -> Bucket:
    """A bucket that exists. Raises CliError."""
    return await Bucket.open(session.js, name)
