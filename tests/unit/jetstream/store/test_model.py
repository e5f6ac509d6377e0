"""The same random operations on both stores and on a naive model, with reopening in between."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pynats_server.jetstream.store import FileConfig, SequenceNotFound
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.subjects import matches
from pynats_server.work import finish

from tests.support.fuzzing import examples
from tests.support.watched import Picture

SUBJECTS = [b"a", b"a.b", b"a.b.c", b"a.c", b"b.x", b"b.y.z"]
SECOND = 1_000_000_000
HEADERS = {
    b"": 0,
    b"NATS/1.0\r\nK: v\r\n\r\n": 0,
    b"NATS/1.0\r\nNats-TTL: 5\r\n\r\n": 5,
    b"NATS/1.0\r\nA: b\r\nNats-TTL: 1m0s\r\n\r\n": 60,
    b"NATS/1.0\r\nNats-TTL: never\r\n\r\n": -1,
}
FILTERS = [b">", b"a", b"a.*", b"a.>", b"*.b", b"b.y.*", b"a.b", b"none"]


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="store-model-"))
        self.model: dict[int, tuple[int, bytes, bytes, bytes]] = {}
        self.last = 0
        self.first = 1
        self.clock = 1

    @initialize(
        form=st.sampled_from(["plain", "s2", "chacha", "aes"]),
        max_msgs=st.sampled_from([0, 0, 1, 5, 12]),
        max_per=st.sampled_from([0, 0, 1, 2, 3]),
    )
    def open(self, form: str, max_msgs: int, max_per: int) -> None:
        self.max_msgs, self.max_per = max_msgs, max_per
        self.copies = 0
        cipher: Any = form if form in ("chacha", "aes") else None
        keys = Keys("k", "A", cipher) if cipher else None
        self.config = FileConfig(
            "S", self.folder, block_size=400, compress=form != "plain", keys=keys, cache_bytes=900
        )
        self.noise = Random(1).randbytes  # the same in each run, as the examples are
        self.file = self.opened()
        self.memory = MemoryStore("S")
        self.memory.block_size = 400
        self.pictures = [Picture(store) for store in self.stores]

    def opened(self) -> FileStore:
        return FileStore(self.config, random=self.noise)

    @property
    def stores(self) -> tuple[BlockStore, BlockStore]:
        return self.file, self.memory

    def forget(self, seqs: list[int]) -> None:
        for seq in seqs:
            del self.model[seq]

    @rule(
        subject=st.sampled_from(SUBJECTS),
        headers=st.sampled_from(list(HEADERS)),
        payload=st.binary(max_size=60),
        step=st.integers(0, 3),
    )
    def append(self, subject: bytes, headers: bytes, payload: bytes, step: int) -> None:
        self.clock += step
        self.last += 1
        self.model[self.last] = (self.clock, subject, headers, payload)
        for store in self.stores:
            assert store.append(subject, headers or None, payload, self.clock) == self.last
            store.enforce_limits(self.max_msgs, 0, self.max_per, subject)
        same = [s for s in sorted(self.model) if self.model[s][1] == subject]
        if self.max_per:
            self.forget(same[: -self.max_per])
        if self.max_msgs:
            self.forget(sorted(self.model)[: -self.max_msgs])

    @rule(max_age=st.sampled_from([0, 2, 8]), later=st.integers(0, 90), ttl=st.booleans())
    def expire(self, max_age: int, later: int, ttl: bool) -> None:
        """Ages are whole seconds here, the clock of the appends counts nanoseconds."""
        now = self.clock + later * SECOND
        out, moments = [], []
        aging = True  # ages are looked at in order, up to the first that is young enough
        for seq, (ts, subject, headers, _) in sorted(self.model.items()):
            own = HEADERS[headers] if ttl else min(HEADERS[headers], 0)  # never is never
            over = own > 0 and ts + own * SECOND <= now
            if max_age and own >= 0:
                aging = aging and ts + max_age * SECOND <= now
                moments.append(ts + max_age * SECOND)
            if over or (aging and max_age and own >= 0):
                out.append((seq, subject, ts, over))
            if own > 0:
                moments.append(ts + own * SECOND)
        for store in self.stores:
            assert store.next_expiry(max_age * SECOND, ttl) == min(moments, default=0)
            assert list(store.expired(now, max_age * SECOND, ttl)) == out
            found = []
            for row in store.expired(now, max_age * SECOND, ttl):
                found.append(row)
                store.remove(row[0])
            assert found == out
        self.forget([row[0] for row in out])

    @rule(data=st.data(), erase=st.booleans())
    def remove(self, data: st.DataObject, erase: bool) -> None:
        seq = data.draw(st.integers(1, self.last + 2))
        for store in self.stores:
            gone = store.erase(seq) if erase else store.remove(seq)
            assert gone == (seq in self.model)
        self.model.pop(seq, None)

    @rule(filter=st.sampled_from(FILTERS), keep=st.integers(0, 2), data=st.data())
    def purge(self, filter: bytes, keep: int, data: st.DataObject) -> None:
        up_to = data.draw(st.integers(0, self.last + 1))
        hit = [
            seq
            for seq, (_, subject, _, _) in sorted(self.model.items())
            if matches(filter, subject) and (not up_to or seq < up_to)
        ]
        hit = hit[: len(hit) - keep] if keep else hit
        for store in self.stores:
            assert store.purge(filter, up_to, keep) == len(hit)
        self.forget(hit)

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(1, self.last + 3))
        hit = [s for s in self.model if s < seq]
        for store in self.stores:
            assert store.compact(seq) == len(hit)
        self.forget(hit)
        self.last = max(self.last, seq - 1)

    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        if not self.model:
            return
        seq = data.draw(st.sampled_from(sorted(self.model)))
        for store in self.stores:
            store.truncate(seq)
        self.forget([s for s in self.model if s > seq])
        self.last = seq

    @rule(count=st.integers(1, 5))
    def skip(self, count: int) -> None:
        self.last += count
        for store in self.stores:
            assert store.skip(count, self.clock) == self.last

    @rule(index=st.booleans())
    def reopen(self, index: bool) -> None:
        self.file.close()
        if not index:
            (self.folder / "msgs" / "index.db").unlink(missing_ok=True)
        self.file = self.opened()
        self.pictures[0] = Picture(self.file)
        assert self.file.problems == []

    @rule()
    def save_index(self) -> None:
        self.file.write_index()

    @rule()
    def crash(self) -> None:
        """Opens the files after a flush, without closing the store that wrote them."""
        self.file.flush()
        self.copies += 1
        copy = self.folder.with_name(f"{self.folder.name}-{self.copies}")
        shutil.copytree(self.folder, copy)
        self.file.close()
        shutil.rmtree(self.folder)
        self.folder = copy
        self.config = replace(self.config, folder=copy)
        self.file = self.opened()
        self.pictures[0] = Picture(self.file)
        assert self.file.problems == []

    @rule(filter=st.sampled_from(FILTERS), data=st.data())
    def look(self, filter: bytes, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, self.last + 1))
        hit = sorted(s for s, m in self.model.items() if matches(filter, m[1]))
        after = [s for s in hit if s >= start]
        before = [s for s in hit if s <= start]
        states: dict[bytes, tuple[int, int, int]] = {}
        for seq in hit:
            subject = self.model[seq][1]
            total, first, _ = states.get(subject, (0, seq, 0))
            states[subject] = (total + 1, first, seq)
        for store in self.stores:
            found = finish(store.find_next(filter, start))
            assert (found.seq if found else None) == (after[0] if after else None)
            found = store.load_previous(filter, start)
            assert (found.seq if found else None) == (before[-1] if before else None)
            assert store.count_from(FilterSet([filter]), start) == len(after)
            assert store.subject_states(filter) == states
            assert finish(store.last_of_each([filter])) == sorted(s[2] for s in states.values())

    @rule(back=st.integers(0, 6))
    def by_time(self, back: int) -> None:
        ts = self.clock - back
        later = [s for s, m in self.model.items() if m[0] >= ts]
        for store in self.stores:
            assert store.seq_from_time(ts) == (min(later) if later else self.last + 1)

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "file"):
            return
        expected = {s: m[1:] for s, m in self.model.items()}
        for store in self.stores:
            got = {}
            for seq, ts in store.oldest():
                m = store.load(seq)
                assert (m.ts, ts) == (self.model[seq][0],) * 2
                got[seq] = (m.subject, m.headers, m.payload)
            assert got == expected
            state = store.state(deleted=True)
            assert state.last_seq == self.last
            assert state.msgs == len(expected)
            assert state.lost == []
            assert state.num_subjects == len({m[0] for m in expected.values()})
            assert sum(block.msgs for block in store.blocks) == len(expected)
            ttls = sum(HEADERS[m[1]] > 0 for m in expected.values())
            assert sum(block.ttls for block in store.blocks) == ttls
            first = min(expected) if expected else self.last + 1
            assert state.first_seq == first
            assert state.deleted == [s for s in range(first, self.last + 1) if s not in expected]
            try:
                store.load(self.last + 1)
                raise AssertionError("loaded a message from the future")
            except SequenceNotFound:
                pass
        for picture in self.pictures:
            assert picture.messages == {s: m[1] for s, m in self.model.items()}

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
        shutil.rmtree(self.folder)


StoreMachine.TestCase.settings = settings(
    max_examples=examples(50),
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)
TestStores = StoreMachine.TestCase
