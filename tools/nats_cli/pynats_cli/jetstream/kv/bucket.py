"""A bucket is a stream named `KV_<bucket>` that keeps the last values of each subject."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pynats_common.go.durations import MINUTE_NS

from pynats_cli.errors import CliError
from pynats_cli.jetstream.bucket import BucketWish, StreamBucket

STREAM: Final = "KV_"
HISTORY_MAX: Final = 64
_WINDOW_NS: Final = 2 * MINUTE_NS  # in which a message with the same id is a duplicate
_KEY: Final = re.compile(r"[-/_=.A-Za-z0-9]+")
_PATTERN: Final = re.compile(r"[-/_=.A-Za-z0-9*>]+")


def check_key(key: str) -> str:
    """The key. Raises CliError."""
    if not _KEY.fullmatch(key) or not _has_tokens(key):
        raise CliError("nats: invalid key")
    return key


def check_pattern(pattern: str) -> str:
    """A key that may have wildcards. Raises CliError."""
    tokens = pattern.split(".")
    if not _PATTERN.fullmatch(pattern) or not _has_tokens(pattern) or ">" in tokens[:-1]:
        raise CliError("nats: invalid key")
    return pattern


def _has_tokens(key: str) -> bool:
    return all(key.split("."))


@dataclass(frozen=True)
class Bucket(StreamBucket):
    """A bucket as its stream's information says."""

    prefix = STREAM

    @property
    def direct(self) -> bool:
        """True when values can be read from any replica."""
        return bool(self.config.get("allow_direct"))

    def figures(self) -> dict[str, int]:
        return {"values": int(self.state["messages"])}

    @property
    def history(self) -> int:
        return int(self.config.get("max_msgs_per_subject", 0))

    @property
    def origin(self) -> str:
        """The bucket that this one mirrors; "" without."""
        name = str((self.config.get("mirror") or {}).get("name", ""))
        return name.removeprefix(STREAM)

    @property
    def subjects(self) -> str:
        """What is before the keys in the subjects of its messages."""
        return f"$KV.{self.origin or self.name}."

    def target(self, api_prefix: str) -> str:
        """What is before the keys where values are published; a mirror's go to its origin."""
        external = (self.config.get("mirror") or {}).get("external") or {}
        if external.get("api"):
            return f"{external['api']}.{self.subjects}"
        return self.subjects if api_prefix == "$JS.API" else f"{api_prefix}.{self.subjects}"


@dataclass(frozen=True, kw_only=True)
class Wish(BucketWish):
    """What is asked of a bucket; None = as it is, or what the server does by default."""

    history: int | None = None
    marker_ttl_ns: int | None = None
    value_bytes: int | None = None
    republish_source: str | None = None
    republish_destination: str | None = None
    republish_headers: bool = False
    mirror: str | None = None
    mirror_domain: str | None = None
    no_mirror: bool = False
    sources: tuple[str, ...] = ()


def new_config(bucket: str, wish: Wish) -> dict[str, Any]:
    """The configuration of the stream of a new bucket. Raises CliError."""
    base: dict[str, Any] = {
        "name": Bucket.stream_name(bucket),
        "retention": "limits",
        "max_consumers": -1,
        "max_msgs": -1,
        "max_bytes": -1,
        "discard": "new",
        "max_age": 0,
        "max_msgs_per_subject": 1,
        "max_msg_size": -1,
        "storage": "file",
        "num_replicas": 1,
        "duplicate_window": _WINDOW_NS,
        "deny_delete": True,
        "allow_rollup_hdrs": True,
        "compression": "none",
        "allow_direct": True,
        "mirror_direct": False,
    }
    if wish.mirror:
        if wish.sources:
            raise CliError("a bucket is a mirror or has sources, not both")
        mirror: dict[str, Any] = {"name": Bucket.stream_name(wish.mirror.removeprefix(STREAM))}
        if wish.mirror_domain:
            mirror["external"] = {"api": f"$JS.{wish.mirror_domain}.API", "deliver": ""}
        base |= {"mirror": mirror, "mirror_direct": True}
    else:
        base["subjects"] = [f"$KV.{bucket}.>"]
    return changed_config(bucket, base, wish)


def changed_config(bucket: str, config: dict[str, Any], wish: Wish) -> dict[str, Any]:
    """The configuration with what is asked for. Raises CliError."""
    if wish.history is not None and not 1 <= wish.history <= HISTORY_MAX:
        bound = "greater than or equal to 1" if wish.history < 1 else "less than or equal to 64"
        raise CliError(f"history: must be {bound}")
    config = wish.applied(config)
    if wish.history is not None:
        config["max_msgs_per_subject"] = wish.history
    if wish.value_bytes is not None:
        config["max_msg_size"] = wish.value_bytes
    if wish.marker_ttl_ns:
        config |= {"allow_msg_ttl": True, "subject_delete_marker_ttl": wish.marker_ttl_ns}
    if wish.republish_destination is not None:
        config["republish"] = {
            "src": wish.republish_source or ">",
            "dest": wish.republish_destination,
            "headers_only": wish.republish_headers,
        }
    elif wish.republish_source is not None:
        raise CliError("--republish-source needs --republish-destination")
    if wish.no_mirror:
        config = {key: value for key, value in config.items() if key != "mirror"}
        config |= {"subjects": [f"$KV.{bucket}.>"], "mirror_direct": False}
    if wish.sources:
        more = [_source(bucket, source) for source in wish.sources]
        config["sources"] = [*(config.get("sources") or []), *more]
    age = config.get("max_age") or _WINDOW_NS
    config["duplicate_window"] = min(config.get("duplicate_window") or _WINDOW_NS, age)
    return config


def _source(bucket: str, source: str) -> dict[str, Any]:
    name = source.removeprefix(STREAM)
    transform = {"src": f"$KV.{name}.>", "dest": f"$KV.{bucket}.>"}
    return {"name": Bucket.stream_name(name), "subject_transforms": [transform]}
