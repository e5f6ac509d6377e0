"""Looking for the last copies of sources among the stored messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.store import CorruptRecord, Store
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.copying.names import read_header
from pynats_server.work import Work

BATCH: Final = 100  # messages looked at in a step


def find_places(
    store: Store, keys: Iterable[bytes], found: Callable[[bytes, Place, int], object] | None = None
) -> Work[None]:
    """Goes back through the messages until the last copy of each source is found, or nothing older
    can tell more than `store.places` knows, and notes there what it finds, or says it to `found`.
    Nothing is copied for these sources meanwhile."""
    places = store.places
    found = found or places.found
    left = {key: places.told_from(key) for key in keys}
    at, looked = store.last_seq, 0
    while left and at >= max(min(left.values()), store.first_seq):
        looked += 1
        if looked % BATCH == 0:
            yield
        try:
            message = store.load_previous(b">", at)
        except CorruptRecord:
            at -= 1
            continue
        if message is None:
            break
        at = message.seq - 1
        value = header_blocks.get(message.headers or b"", names.STREAM_SOURCE)
        told = read_header(value) if value is not None else None
        if told is None:
            continue
        for key in [told.name] if told.name else _of_origin(left, told.origin):
            if key in left and message.seq >= left.pop(key):
                found(key, told.place, message.seq)
    for key in left:
        places.searched(key)


def _of_origin(keys: Iterable[bytes], origin: bytes) -> list[bytes]:
    """The names of the sources of one origin."""
    return [key for key in keys if key.split(b" ", 1)[0] == origin]
