"""Finding and remembering how far sources have come: bounded work, sources.db, headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.protocol import headers
from pynats_server.jetstream.config.model import ExternalStream, StreamSource, SubjectTransform
from pynats_server.jetstream.store import FileConfig, MemoryConfig, Store, open_store
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.sources_db import (
    Place,
    SavedPlaces,
    decode_note,
    decode_sources,
    encode_note,
    encode_sources,
)
from pynats_server.jetstream.stream.copying.names import (
    SourceName,
    header_value,
    identity,
    name_of,
    read_header,
)
from pynats_server.jetstream.stream.copying.places import BATCH, find_places
from pynats_server.work import finish

KEY = bytes(32)
NAME = SourceName(b"O", b">", b">")
PLACES = st.dictionaries(
    st.binary(max_size=20), st.builds(Place, st.integers(0, 2**62), st.binary(max_size=9))
)


@given(PLACES, st.integers(0, 2**62))
def test_sources_db_says_what_was_written(places: dict[bytes, Place], stamp: int) -> None:
    found = decode_sources(encode_sources(places, stamp, KEY), KEY)
    assert (found.places, found.stamp) == (places, stamp)
    note = SavedPlaces(places, stamp, dict.fromkeys(places, 7))
    assert decode_note(encode_note(note)) == note


def test_what_the_reference_writes_is_read() -> None:
    data = b"\x01\x01" + bytes(7) + b"\x08" + bytes(7) + b"\x05O > >\x05\x08ZA5c1htq"
    found = decode_sources(data, KEY)
    assert (found.places, found.stamp) == ({b"O > >": Place(5, b"ZA5c1htq")}, 8)
    nobody_looked = data.replace(b"\x05\x08ZA5c1htq", b"\x00\x00")
    assert decode_sources(nobody_looked, KEY).places == {}


def test_damage_of_sources_db_is_noticed() -> None:
    whole = encode_sources({b"O > >": Place(5, b"ZA5c1htq"), b"P a.* >": Place(0)}, 8, KEY)
    damaged = [whole[:size] for size in range(len(whole))]
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    without_end = whole[:-18]  # as nats-server has written it
    for data in damaged:
        if data != without_end:
            with pytest.raises(ValueError, match=r"sources|number|bytes|checksum"):
                decode_sources(data, KEY)


def test_an_identity_is_that_of_the_reference() -> None:
    # 2026-11-29T02:14:13.560342749Z
    assert identity(1795918453560342749) == b"ZA5c1htq"


def test_names_are_those_of_the_reference() -> None:
    transforms = [SubjectTransform(src="o.1", dest=""), SubjectTransform(src="o.2", dest="z.2")]
    renamed = StreamSource(name="O", subject_transforms=transforms)
    assert name_of(renamed).whole == b"O o.1\x0co.2 >\x0cz.2"
    assert name_of(StreamSource(name="O", filter_subject="a.*")).whole == b"O a.* >"
    outside = StreamSource(name="O", external=ExternalStream(api="$JS.hub.API"))
    assert name_of(outside).origin.startswith(b"O:")
    assert len(name_of(outside).origin) == len(b"O:") + 8


def test_headers_are_read_as_they_are_written() -> None:
    told = read_header(header_value(NAME, 7, b"o.1", b"ident"))
    assert told == (b"O", b"O > >", Place(7, b"ident"))
    assert read_header(b"O 7") == (b"O", b"", Place(7))  # from before nats-server 2.10
    for odd in (b"", b"O", b"O x > > o.1", b"O 7 >", b"O -7 > > o"):
        assert read_header(odd) is None


def copy(store: Store, seq: int, tell: bool = True) -> None:
    block = headers.build(((b"Nats-Stream-Source", header_value(NAME, seq, b"o", b"I")),))
    mine = store.append(b"o", block, b"", 1)
    if tell:
        store.places.copied(NAME.whole, Place(seq, b"I"), mine)


def steps(store: Store) -> int:
    return sum(1 for _ in find_places(store, [NAME.whole]))


def test_a_search_is_done_in_steps_and_only_once(tmp_path: Path) -> None:
    config = FileConfig("W", tmp_path)
    store = open_store(config)
    copy(store, 5, tell=False)
    for _ in range(10 * BATCH):
        store.append(b"own", None, b"", 1)
    assert steps(store) == 10
    assert store.places.known == {NAME.whole: Place(5, b"I")}
    store.close()
    again = open_store(config)
    assert again.places.known == {NAME.whole: Place(5, b"I")}
    for _ in range(BATCH):
        again.append(b"own", None, b"", 1)
    assert steps(again) <= 1  # sources.db has the rest
    again.close()


def test_a_source_that_brought_nothing_is_not_looked_for_again(tmp_path: Path) -> None:
    config = FileConfig("W", tmp_path)
    store = open_store(config)
    for _ in range(5 * BATCH):
        store.append(b"own", None, b"", 1)
    assert steps(store) >= 5
    store.close()
    again = open_store(config)
    assert steps(again) == 0
    again.close()


def test_a_source_that_was_gone_meanwhile_is_looked_for(tmp_path: Path) -> None:
    store = open_store(FileConfig("W", tmp_path))
    finish(find_places(store, [NAME.whole]))
    copy(store, 5)
    store.places.configured([])
    assert store.places.known == {}
    store.places.configured([NAME.whole])
    finish(find_places(store, [NAME.whole]))
    assert store.places.known == {NAME.whole: Place(5, b"I")}
    store.close()


def test_a_file_ahead_of_the_messages_is_not_trusted(tmp_path: Path) -> None:
    config = FileConfig("W", tmp_path)
    store = FileStore(config)
    copy(store, 3)
    store.close()
    path = tmp_path / "sources.db"
    path.write_bytes(encode_sources({NAME.whole: Place(9, b"I")}, 50, store.files.hash_key))
    again = FileStore(config)
    assert any("sources.db" in problem for problem in again.problems)
    finish(find_places(again, [NAME.whole]))
    assert again.places.known == {NAME.whole: Place(3, b"I")}
    again.close()


def test_damaged_files_are_named_and_the_messages_asked(tmp_path: Path) -> None:
    config = FileConfig("W", tmp_path)
    store = FileStore(config)
    copy(store, 3)
    store.close()
    path = tmp_path / "sources.db"
    path.write_bytes(path.read_bytes()[:-3])
    again = FileStore(config)
    assert any("sources.db is unusable" in problem for problem in again.problems)
    finish(find_places(again, [NAME.whole]))
    assert again.places.known == {NAME.whole: Place(3, b"I")}
    again.close()


def test_copying_writes_nothing_but_the_copies(tmp_path: Path) -> None:
    """As long as they stay, their headers are enough."""
    store = open_store(FileConfig("W", tmp_path))
    for seq in range(1, 300):
        copy(store, seq)
        store.flush()
    assert not (tmp_path / "sources.db").exists()
    size = sum(store.size_of(1, len(store.load(seq).headers), 0) for seq, _ in store.oldest())
    assert (tmp_path / "msgs" / "1.blk").stat().st_size == size
    store.close()
    assert (tmp_path / "sources.db").exists()


def test_a_memory_stream_keeps_the_place_of_a_purged_source() -> None:
    store = open_store(MemoryConfig("W"))
    finish(find_places(store, [NAME.whole]))
    copy(store, 5)
    store.purge()
    assert store.places.known == {NAME.whole: Place(5, b"I")}
    store.close()
