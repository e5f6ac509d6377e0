"""What the server itself writes into the metadata of streams and consumers."""

from __future__ import annotations

from typing import Final

from pynats_server.version import API_LEVEL, VERSION

REQUIRED_LEVEL_KEY: Final = "_nats.req.level"
SERVER_VERSION_KEY: Final = "_nats.ver"
SERVER_LEVEL_KEY: Final = "_nats.level"
METADATA_MAX: Final = 128 * 1024  # bytes of keys and values

# About the answering server, therefore never stored.
_TRANSIENT: Final = (SERVER_VERSION_KEY, SERVER_LEVEL_KEY)
_SORTED_MAX: Final = 512  # keys: to sort more takes long, and their order means nothing


def stored(metadata: dict[str, str], level: int) -> dict[str, str]:
    """What is kept, with the API level that a server needs to run the stream or consumer."""
    return {**own(metadata), REQUIRED_LEVEL_KEY: str(level)}


def shown(metadata: dict[str, str]) -> dict[str, str]:
    """What answers show."""
    full = {**metadata, SERVER_VERSION_KEY: VERSION, SERVER_LEVEL_KEY: str(API_LEVEL)}
    return dict(sorted(full.items())) if len(full) <= _SORTED_MAX else full


def own(metadata: dict[str, str]) -> dict[str, str]:
    """What the user has written."""
    kept = dict(metadata)
    for key in (*_TRANSIENT, REQUIRED_LEVEL_KEY):
        kept.pop(key, None)
    return kept


def size(metadata: dict[str, str]) -> int:
    """Bytes of keys and values. There may be a hundred thousand of them, so nothing here looks at
    one by itself."""
    return len("".join(metadata).encode()) + len("".join(metadata.values()).encode())
