"""What a consumer waits for, held in chunks that snapshots share: nothing that happens later
changes a snapshot, and the entries are those of a plain dictionary."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.consumer.delivery.state import ConsumerState, Snapshot
from pynats_server.jetstream.store.format.consumer_state import ConsumerState as SavedState
from pynats_server.jetstream.store.format.consumer_state import decode_consumer_state
from pynats_server.work import finish

from tests.support.fuzzing import examples

SECOND_NS = 10**9


class Load:
    """Random operations on a state, of which snapshots are taken now and then."""

    def __init__(self, policy: str, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.policy = policy
        self.state = ConsumerState(policy)
        self.plain: dict[int, tuple[int, int]] = {}  # sequence -> (ts, deliveries)
        self.taken: list[tuple[Snapshot, SavedState]] = []

    def deliver(self) -> None:
        for _ in range(self.rnd.choice((1, 7, 300, 700))):
            seq = self.state.stream_seq + self.rnd.choice((1, 1, 1, 5))
            self.delivered(seq, 1)

    def again(self) -> None:
        for seq in self.rnd.sample(sorted(self.plain), min(9, len(self.plain))):
            self.delivered(seq, self.plain[seq][1] + 1)

    def delivered(self, seq: int, count: int) -> None:
        ts = self.rnd.randrange(10**6) * SECOND_NS
        self.state.apply_delivered(self.state.consumer_seq + 1, seq, count, ts)
        self.plain[seq] = ts, count

    def ack(self) -> None:
        share = self.rnd.choice((0.01, 0.5, 1.0))
        for seq in self.rnd.sample(sorted(self.plain), int(len(self.plain) * share)):
            if self.policy == "explicit":
                self.state.apply_acked(0, seq)
                del self.plain[seq]
            elif seq in self.plain:
                self.state.apply_struck(seq)
                del self.plain[seq]

    def ack_all(self) -> None:
        if self.policy == "all" and self.plain:
            wanted = self.rnd.choice(sorted(self.plain))
            seq, delivery = self.state.entries_from(wanted, 1)[0][:2]
            self.state.apply_acked(delivery, seq)
            self._forget_to(seq)

    def purge(self) -> None:
        seq = self.rnd.randrange(self.state.stream_seq + 1)
        if seq > self.state.floor_stream:
            self.state.purged(seq + 1)
            self._forget_to(seq)

    def _forget_to(self, last: int) -> None:
        self.plain = {seq: entry for seq, entry in self.plain.items() if seq > last}

    def reset(self) -> None:
        if self.rnd.random() < 0.1:
            self.state.reset(self.rnd.randrange(1, 1000))
            self.plain = {}

    def snapshot(self) -> None:
        self.taken.append((self.state.snapshot(), self.state.saved()))
        if self.rnd.random() < 0.3:
            del self.taken[0]

    def step(self) -> None:
        self.rnd.choice((
            self.deliver, self.deliver, self.again, self.ack, self.ack,
            self.ack_all, self.purge, self.reset, self.snapshot, self.snapshot,
        ))()  # fmt: skip

    def check(self) -> None:
        found = self.state.entries_from()
        assert {seq: (ts, count) for seq, _, ts, count, _ in found} == self.plain
        assert [one[0] for one in found] == sorted(self.plain)
        assert (self.state.open, self.state.held) == (len(self.plain), len(self.plain))
        assert self.state.again == sum(count > 1 for _, count in self.plain.values())
        for snapshot, saved in self.taken:
            assert finish(snapshot.saving()) == saved


@pytest.mark.parametrize("policy", ["explicit", "all"])
@given(seed=st.integers(0, 10**9))
def test_nothing_changes_a_snapshot(policy: str, seed: int) -> None:
    load = Load(policy, seed)
    for _ in range(40):
        load.step()
    load.check()


def test_a_message_may_come_late() -> None:
    """Between others, whose places shift."""
    load = Load("explicit", 1)
    for seq in range(10, 2010, 2):
        load.delivered(seq, 1)
    late = list(range(11, 2010, 2))
    load.rnd.shuffle(late)
    for at, seq in enumerate(late):
        if at % 100 == 0:
            load.snapshot()
        load.delivered(seq, 1)
    load.check()


def grown(count: int) -> ConsumerState:
    state = ConsumerState("explicit")
    for seq in range(1, count + 1):
        state.apply_delivered(seq, seq, 1 + seq % 2, seq * SECOND_NS)
    return state


def test_a_snapshot_is_encoded_as_the_state_was() -> None:
    state = grown(5000)
    before, snapshot = state.saved(), state.snapshot()
    for seq in range(1, 5001, 3):
        state.apply_acked(seq, seq)
    assert decode_consumer_state(snapshot.encode(10**15)) == before
    assert decode_consumer_state(state.snapshot().encode(10**15)) == state.saved()


def test_a_state_for_a_backup_is_read_in_small_steps() -> None:
    count = examples(1) * 20_000
    state = grown(count)
    work = state.snapshot().saving()
    steps = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            saved = end.value
            break
        steps += 1
        state.apply_acked(steps, steps)
    assert steps >= count // 500 - 1
    assert len(saved.pending) == count


def test_the_messages_that_an_acknowledgement_covers_are_listed_some_at_a_time() -> None:
    state = grown(1000)
    for seq in range(1, 1001, 2):
        state.apply_acked(seq, seq)
    closed = state.snapshot()
    state.reset(1)
    found: list[int] = []
    while part := closed.sequences(found[-1] + 1 if found else 0, 900, 64):
        assert len(part) <= 64
        found += part
    assert found == list(range(2, 901, 2))
