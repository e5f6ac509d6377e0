"""The same random operations on both stores and on a naive model, with reopening in between."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pynats_server.jetstream.store import FileConfig, FileStore, MemoryStore, SequenceNotFound
from pynats_server.jetstream.store.crypt import Keys
from pynats_server.jetstream.store.subjects import matches

SUBJECTS = [b"a", b"a.b", b"a.b.c", b"a.c", b"b.x", b"b.y.z"]
FILTERS = [b">", b"a", b"a.*", b"a.>", b"*.b", b"b.y.*", b"a.b", b"none"]


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="store-model-"))
        self.model: dict[int, tuple[int, bytes, bytes, bytes]] = {}
        self.last = 0
        self.first = 1
        self.clock = 1

    @initialize(form=st.sampled_from(["plain", "s2", "chacha", "aes"]))
    def open(self, form: str) -> None:
        cipher: Any = form if form in ("chacha", "aes") else None
        keys = Keys("k", "A", cipher) if cipher else None
        self.config = FileConfig(
            "S", self.folder, block_size=400, compress=form != "plain", keys=keys, cache_bytes=900
        )
        self.file = FileStore(self.config)
        self.memory = MemoryStore("S")
        self.memory.block_size = 400

    @property
    def stores(self) -> tuple[FileStore, MemoryStore]:
        return self.file, self.memory

    def forget(self, seqs: list[int]) -> None:
        for seq in seqs:
            del self.model[seq]

    @rule(
        subject=st.sampled_from(SUBJECTS),
        headers=st.sampled_from([b"", b"NATS/1.0\r\nK: v\r\n\r\n"]),
        payload=st.binary(max_size=60),
        step=st.integers(0, 3),
    )
    def append(self, subject: bytes, headers: bytes, payload: bytes, step: int) -> None:
        self.clock += step
        self.last += 1
        self.model[self.last] = (self.clock, subject, headers, payload)
        for store in self.stores:
            assert store.append(subject, headers or None, payload, self.clock) == self.last

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
        self.file = FileStore(self.config)
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
            found = store.load_next(filter, start)
            assert (found.seq if found else None) == (after[0] if after else None)
            found = store.load_previous(filter, start)
            assert (found.seq if found else None) == (before[-1] if before else None)
            assert store.num_pending(filter, start) == len(after)
            assert store.subject_states(filter) == states
            assert store.multi_last([filter]) == sorted(s[2] for s in states.values())

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
            first = min(expected) if expected else self.last + 1
            assert state.first_seq == first
            assert state.deleted == [s for s in range(first, self.last + 1) if s not in expected]
            try:
                store.load(self.last + 1)
                raise AssertionError("loaded a message from the future")
            except SequenceNotFound:
                pass

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
        shutil.rmtree(self.folder)


StoreMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestStores = StoreMachine.TestCase
