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


def stored(metadata: dict[str, str], level: int) -> dict[str, str]:
    """What is kept, with the API level that a server needs to run the stream or consumer."""
    kept = {key: text for key, text in metadata.items() if key not in _TRANSIENT}
    return {**kept, REQUIRED_LEVEL_KEY: str(level)}


def shown(metadata: dict[str, str]) -> dict[str, str]:
    """What answers show, in the order of the keys."""
    full = {**metadata, SERVER_VERSION_KEY: VERSION, SERVER_LEVEL_KEY: str(API_LEVEL)}
    return dict(sorted(full.items()))


def own(metadata: dict[str, str]) -> dict[str, str]:
    """What the user has written."""
    return {
        key: text
        for key, text in metadata.items()
        if key not in _TRANSIENT and key != REQUIRED_LEVEL_KEY
    }


def size(metadata: dict[str, str]) -> int:
    """Bytes of keys and values."""
    return sum(len(key.encode()) + len(text.encode()) for key, text in metadata.items())
