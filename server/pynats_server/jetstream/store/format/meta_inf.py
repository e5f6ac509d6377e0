"""meta.inf and meta.sum as bytes: a stream's or consumer's configuration and its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_server.jetstream.store.format.highway import digest64

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer


def name_key(name: str) -> bytes:
    """The key of the checksums of a stream (its name) or a consumer (`stream/consumer`)."""
    return hashlib.sha256(name.encode()).digest()


def meta_sum(name: str, data: bytes) -> bytes:
    """Content of meta.sum: the checksum in hex."""
    return digest64(name_key(name), data).hex().encode()


def encode_meta(
    meta: dict[str, Any], sealer: Sealer | None, random: Callable[[int], bytes]
) -> bytes:
    """Content of meta.inf, sealed when encryption is on."""
    data = json.dumps(meta, separators=(",", ":")).encode()
    return data if sealer is None else sealer.seal(data, random(sealer.nonce_size))
