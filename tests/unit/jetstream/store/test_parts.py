"""The standalone pieces against published vectors and naive models."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_common import s2
from pynats_server.jetstream.store import FileConfig, StoreError, Syncer
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    decode_consumer_state,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.highway import hash64
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.subjectwalk import SubjectWalk
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.jetstream.store.subjects import SubjectTree, matches

from tests.support.deadline import PATIENCE_S
from tests.support.fuzzing import examples

# The first and the 32..33-byte values of the authors' c/highwayhash_test.c table.
VECTORS = {
    0: 0x907A56DE22C26E53,
    1: 0x7EAB43AAC7CDDD78,
    2: 0xB8D0569AB0B53D62,
    3: 0x5C6BEFAB8A463D80,
    4: 0xF205A46893007EDA,
    5: 0x2B8A1668E4A94541,
    6: 0xBD4CCC325BEFCA6F,
    7: 0x4D02AE1738F59482,
    8: 0xE1205108E55F3171,
    9: 0x32D2644EC77A1584,
    10: 0xF6E10ACDB103A90B,
    11: 0xC3BBF4615B415C15,
    12: 0x243CC2040063FA9C,
    13: 0xA89A58CE65E641FF,
}


def test_highway_hash_matches_the_published_vectors() -> None:
    for size, expected in VECTORS.items():
        assert hash64(bytes(range(32)), bytes(range(size))) == expected
    # Key 1, 2, 3, 4 over 33 bytes from 128 up (the authors' Java test).
    key = b"".join(i.to_bytes(8, "little") for i in (1, 2, 3, 4))
    assert hash64(key, bytes(range(128, 161))) == 0x53C516CCE478CAD7


@given(st.binary(max_size=3000), st.integers(1, 200))
def test_s2_returns_what_went_in(seed: bytes, repeat: int) -> None:
    data = seed * repeat
    assert s2.decode_stream(s2.encode_stream(data), len(data)) == data


def in_pieces(data: bytes, size: int) -> bytes:
    decoder = s2.StreamDecoder(1 << 20)
    made = []
    for at in range(0, len(data), size):
        decoder.push(data[at : at + size])
        while (part := decoder.take()) is not None:
            made.append(part)
    decoder.close()
    return b"".join(made)


@given(st.binary(max_size=400), st.integers(1, 9))
def test_s2_says_the_same_of_garbage_in_pieces(data: bytes, size: int) -> None:
    found: list[bytes | None] = []
    for decode in (lambda d: s2.decode_stream(d, 1 << 20), lambda d: in_pieces(d, size)):
        try:
            found.append(decode(s2.IDENTIFIER + data))
        except ValueError:
            found.append(None)
    assert found[0] == found[1]


@given(st.binary(min_size=1, max_size=200), st.integers(1, 30), st.data())
def test_s2_refuses_what_was_changed(seed: bytes, repeat: int, data: st.DataObject) -> None:
    plain = seed * repeat
    stream = bytearray(s2.encode_stream(plain))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    try:
        found = s2.decode_stream(bytes(stream), 1 << 20)
    except ValueError:
        return
    # Readers may skip chunks of unknown kinds, and some data has several encodings.
    assert found in (plain, b"")


def test_s2_understands_repeat_offsets() -> None:
    # literal "abcd", copy offset 4 length 4, repeat with length code 5 (8 + 3 bytes).
    block = bytes([23, 3 << 2]) + b"abcd" + bytes([1 | 0 << 2, 4]) + bytes([1 | 5 << 2, 0, 7])
    plain = b"abcd" * 6
    stored = s2.encode_stream(plain[:23])
    crc = s2.encode_stream(os.urandom(0)) + stored[14:18]
    chunk = b"\x00" + (len(block) + 4).to_bytes(3, "little") + crc + block
    assert s2.decode_stream(s2.IDENTIFIER + chunk, 23) == plain[:23]
    with pytest.raises(ValueError, match="more than is allowed"):
        s2.decode_stream(s2.IDENTIFIER + chunk, 22)


sequences = st.integers(0, 20_000) | st.integers(0, 2**64 - 1)
operations = st.lists(st.tuples(st.sampled_from("adrb"), sequences, st.integers(0, 5000)))


@given(operations)
def test_sequence_set_behaves_like_a_set(steps: list[tuple[str, int, int]]) -> None:
    real, model = SequenceSet(), set()
    for kind, seq, width in steps:
        if kind == "a":
            assert real.add(seq) == (seq not in model)
            model.add(seq)
        elif kind == "d":
            assert real.discard(seq) == (seq in model)
            model.discard(seq)
        elif kind == "r":
            last = min(seq + width, 2**64 - 1)
            real.add_range(seq, last)
            model.update(range(seq, last + 1))
        else:
            assert real.discard_below(seq) == sum(m < seq for m in model)
            model = {m for m in model if m >= seq}
        low, high = seq, min(seq + width, 2**64 - 1)
        assert real.count_between(low, high) == sum(low <= m <= high for m in model)
    assert list(real) == sorted(model)
    again, end = SequenceSet.decode(b"xx" + real.encode(), 2)
    assert list(again) == sorted(model)
    assert end == len(real.encode()) + 2


token = st.sampled_from(["a", "b", "ab", "abc", "c1", "*x"])
subject = st.lists(token, min_size=1, max_size=4).map(lambda t: ".".join(t).encode())
wild = st.lists(token | st.just("*"), min_size=1, max_size=4).flatmap(
    lambda t: st.sampled_from([".".join(t).encode(), ".".join([*t, ">"]).encode(), b">"])
)


def naive(filter: bytes, literal: bytes) -> bool:
    f, s = filter.split(b"."), literal.split(b".")
    if f[-1] == b">":
        return len(s) >= len(f) and all(a in (b"*", b) for a, b in zip(f[:-1], s, strict=False))
    return len(f) == len(s) and all(a in (b"*", b) for a, b in zip(f, s, strict=True))


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.booleans(), subject)), st.lists(wild, min_size=1))
def test_subject_tree_behaves_like_a_dict(
    steps: list[tuple[bool, bytes]], filters: list[bytes]
) -> None:
    tree, model = SubjectTree(), {}
    for number, (add, name) in enumerate(steps):
        if add:
            tree.set(name, 1, number, number)
            model[name] = (1, number, number)
        else:
            assert tree.delete(name) == (model.pop(name, None) is not None)
        assert tree.find(name) == model.get(name)
    assert len(tree) == len(model)
    for filter in filters:
        expected = sorted((k, *v, True, True) for k, v in model.items() if naive(filter, k))
        for step in (1, 3, 1 << 60):
            walk, found = SubjectWalk(tree, FilterSet([filter])), []
            while not walk.done:
                found += walk.states(step)
            assert found == expected
        assert all(matches(filter, k) == naive(filter, k) for k in model)


def test_a_tree_of_many_subjects_is_parted_and_both_go_on() -> None:
    tree = SubjectTree()
    for round in range(3):
        for at in range(5000):
            tree.set(b"%d.%d" % (round, at), 1, at, at)
        parted = tree.part()
        assert (len(tree), len(parted)) == (0, 5000)
        assert all(parted.find(b"%d.%d" % (round, at)) == (1, at, at) for at in range(5000))
        assert tree.find(b"%d.1" % round) is None
        assert parted.delete(b"%d.7" % round) and not parted.delete(b"%d.7" % round)


floors = st.tuples(st.integers(0, 2**40), st.integers(0, 2**40))


@given(floors, floors, st.dictionaries(st.integers(1, 500), st.integers(1, 99)))
def test_consumer_state_survives(
    floor: tuple[int, int], delivered: tuple[int, int], marks: dict[int, int]
) -> None:
    pending = {floor[1] + k: (floor[0] + v, v * 1_000_000_000) for k, v in marks.items()}
    state = ConsumerState(floor, delivered, pending, {floor[1] + k: v for k, v in marks.items()})
    data = encode_consumer_state(state, 5_000_000_000)
    assert decode_consumer_state(data) == state
    for size in range(len(data)):
        with pytest.raises(ValueError):
            decode_consumer_state(data[:size])


class CountingDisk(Disk):
    syncs = writes = 0

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.writes += Path(f"/proc/self/fd/{handle}").readlink().suffix == ".blk"
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.syncs += 1
        super().sync(handle)


def test_group_commit_shares_one_write_and_few_syncs(tmp_path: Path) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        syncer, disk = Syncer(loop), CountingDisk()
        store = FileStore(FileConfig("S", tmp_path), syncer, disk)
        done: list[StoreError | None] = []
        finished = loop.create_future()

        def acknowledge(error: StoreError | None) -> None:
            done.append(error)
            if len(done) == 500:
                finished.set_result(None)

        for i in range(500):
            store.append(b"a", None, b"x", i + 1)
        for _ in range(500):
            store.commit(acknowledge)
        assert not done, "acknowledged before any fsync"
        await asyncio.wait_for(finished, PATIENCE_S)
        assert done == [None] * 500
        assert disk.writes == 1
        assert 1 <= disk.syncs <= 2
        store.close()
        syncer.close()

    asyncio.run(run())
