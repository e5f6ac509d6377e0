"""A bucket of any kind: a stream whose name begins with the kind's prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self, TypeVar

from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JetStream, JsApiError

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class StreamBucket:
    """A bucket as its stream's information says."""

    prefix: ClassVar[str]

    name: str
    info: dict[str, Any]

    @classmethod
    def stream_name(cls, bucket: str) -> str:
        """The stream of a bucket. Raises CliError for what is no name."""
        if not _NAME.fullmatch(bucket):
            raise CliError("nats: invalid bucket name")
        return cls.prefix + bucket

    @classmethod
    async def open(cls, js: JetStream, name: str) -> Self:
        """A bucket that exists. Raises CliError."""
        try:
            return cls(name, await js.request(f"STREAM.INFO.{cls.stream_name(name)}"))
        except JsApiError as error:
            if error.code == STREAM_NOT_FOUND:
                raise CliError("nats: bucket not found") from None
            raise

    @classmethod
    async def every(cls, js: JetStream, subject: str = "") -> list[Self]:
        """The buckets of this kind, or those whose streams hold a subject. Raises CliError."""
        request = {"subject": subject} if subject else None
        return [
            cls(name.removeprefix(cls.prefix), info)
            async for info in js.pages("STREAM.LIST", "streams", request)
            if (name := str(info["config"]["name"])).startswith(cls.prefix)
        ]

    @property
    def stream(self) -> str:
        """Name of the stream behind it."""
        return self.prefix + self.name

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.info["config"]
        return config

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.info["state"]
        return state

    def row(self) -> dict[str, Any]:
        """The bucket in a list, as data."""
        return {
            "bucket": self.name,
            "description": self.config.get("description", ""),
            "created": self.info["created"],
            "bytes": self.state["bytes"],
            **self.figures(),
            "last_update": self.state.get("last_ts"),
        }

    def figures(self) -> dict[str, int]:
        """What this kind counts besides bytes."""
        return {}


AnyBucket = TypeVar("AnyBucket", bound=StreamBucket)


def by_size(buckets: Iterable[AnyBucket]) -> list[AnyBucket]:
    """The buckets, smallest first."""
    return sorted(buckets, key=lambda bucket: (int(bucket.state["bytes"]), bucket.name))


@dataclass(frozen=True, kw_only=True)
class BucketWish:
    """What is asked of a bucket; None = as it is, or what the server does by default.

    `ttl_ns` and `bucket_bytes` are the largest age of a message, and the size of all of them.
    """

    description: str | None = None
    ttl_ns: int | None = None
    replicas: int | None = None
    bucket_bytes: int | None = None
    storage: str | None = None
    tags: tuple[str, ...] = ()
    cluster: str | None = None
    metadata: dict[str, str] | None = None
    compress: bool | None = None

    def applied(self, config: dict[str, Any]) -> dict[str, Any]:
        """The stream's configuration with what is asked for."""
        compression = None if self.compress is None else "s2" if self.compress else "none"
        asked: dict[str, Any] = {
            "description": self.description,
            "max_age": self.ttl_ns,
            "num_replicas": self.replicas,
            "max_bytes": self.bucket_bytes,
            "storage": self.storage,
            "metadata": self.metadata,
            "compression": compression,
        }
        if self.tags or self.cluster is not None:
            placement = dict(config.get("placement") or {})
            if self.cluster is not None:
                placement["cluster"] = self.cluster
            if self.tags:
                placement["tags"] = list(self.tags)
            asked["placement"] = placement
        return {**config, **{key: value for key, value in asked.items() if value is not None}}
