"""An object bucket is a stream `OBJ_<bucket>` with chunks of objects and a note about each."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Final

from pynats_common.go.times import format_time_ns

from pynats_cli.errors import CliError
from pynats_cli.jetstream.bucket import BucketWish, StreamBucket

STREAM: Final = "OBJ_"
CHUNK_SIZE: Final = 128 * 1024
NO_TIME: Final = "0001-01-01T00:00:00Z"
_ALGORITHM: Final = "SHA-256="


@dataclass(frozen=True)
class ObjectBucket(StreamBucket):
    """A bucket as its stream's information says."""

    prefix = STREAM

    def note_subject(self, name: str) -> str:
        """Where the note about an object is."""
        return f"$O.{self.name}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"

    def chunk_subject(self, nuid: str) -> str:
        """Where the chunks of an object are."""
        return f"$O.{self.name}.C.{nuid}"


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is known of an object; `digest` is the SHA-256 of its data."""

    name: str
    bucket: str
    nuid: str
    description: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    chunks: int = 0
    digest: bytes = b""
    deleted: bool = False
    time_ns: int = 0

    @property
    def created(self) -> str:
        """When it was stored, RFC 3339."""
        return format_time_ns(self.time_ns)

    @property
    def link(self) -> dict[str, Any]:
        """The bucket, and mostly an object, that this one stands for."""
        return dict(self.options.get("link") or {})

    @staticmethod
    def read(document: dict[str, Any], time_ns: int) -> Note:
        """The note in a message that was stored at that time. Raises CliError."""
        try:
            return Note(
                name=str(document["name"]),
                bucket=str(document["bucket"]),
                nuid=str(document["nuid"]),
                description=str(document.get("description") or ""),
                headers=dict(document.get("headers") or {}),
                metadata=dict(document.get("metadata") or {}),
                options=dict(document.get("options") or {}),
                size=int(document.get("size", 0)),
                chunks=int(document.get("chunks", 0)),
                digest=_digest(str(document.get("digest") or "")),
                deleted=bool(document.get("deleted")),
                time_ns=time_ns,
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            raise CliError("the note about an object cannot be read") from None

    def as_dict(self) -> dict[str, Any]:
        """The form in which it is stored; clients take the time from the message."""
        made: dict[str, Any] = {"name": self.name}
        for key in ("description", "headers", "metadata", "options"):
            if value := getattr(self, key):
                made[key] = value
        made |= {
            "bucket": self.bucket, "nuid": self.nuid, "size": self.size, "mtime": NO_TIME,
            "chunks": self.chunks,
        }  # fmt: skip
        if self.digest:
            made["digest"] = _ALGORITHM + base64.urlsafe_b64encode(self.digest).decode()
        return made | ({"deleted": True} if self.deleted else {})

    def shown(self) -> dict[str, Any]:
        """The form of `--json`."""
        return {**self.as_dict(), "mtime": self.created}


def _digest(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.removeprefix(_ALGORITHM)) if text else b""


def new_config(bucket: str, wish: BucketWish) -> dict[str, Any]:
    """The configuration of the stream of a new bucket. Raises CliError."""
    base = {
        "name": ObjectBucket.stream_name(bucket),
        "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        "retention": "limits",
        "max_bytes": -1,
        "max_age": 0,
        "discard": "new",
        "storage": "file",
        "num_replicas": 1,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "compression": "none",
    }
    return changed_config(base, wish)


def changed_config(config: dict[str, Any], wish: BucketWish) -> dict[str, Any]:
    """The configuration with what is asked for."""
    made = wish.applied(config)
    if made["max_age"] and made.get("duplicate_window", 0) > made["max_age"]:
        made["duplicate_window"] = made["max_age"]
    return made
