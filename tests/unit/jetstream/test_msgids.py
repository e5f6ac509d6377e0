"""The duplicate window: what it remembers, for how long, and in how much memory."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pynats_server.jetstream.publish.msgids import MsgIds

WINDOW = 10


def test_finds_what_was_put_until_it_runs_out() -> None:
    ids = MsgIds(WINDOW)
    ids.put(b"a", 7, 100)
    assert ids.get(b"a", 109) == 7
    assert ids.get(b"b", 109) == 0
    assert ids.get(b"a", 110) == 0
    assert ids.count == 0


def test_a_window_of_zero_remembers_nothing() -> None:
    ids = MsgIds()
    ids.put(b"a", 1, 1)
    assert ids.get(b"a", 1) == 0
    assert ids.nbytes == 0


def test_a_shorter_window_forgets_at_once() -> None:
    ids = MsgIds(WINDOW)
    ids.put(b"a", 1, 1)
    ids.put(b"b", 2, 5)
    ids.set_window(3, 6)
    assert [ids.get(b"a", 6), ids.get(b"b", 6)] == [0, 2]
    ids.set_window(0, 6)
    assert ids.get(b"b", 6) == 0


def test_forget_names_when_the_next_runs_out_and_returns_the_memory() -> None:
    ids = MsgIds(WINDOW)
    ids.put(b"a", 1, 1)
    ids.put(b"b", 2, 5)
    assert ids.forget(2) == 11
    assert ids.forget(11) == 15
    assert ids.forget(15) == 0
    assert ids.nbytes == 0


def test_memory_is_that_of_one_window() -> None:
    ids = MsgIds(1000)
    for seq in range(1, 100_001):
        ids.put(b"id-%08d" % seq, seq, seq)
    assert ids.count <= 1001
    assert ids.nbytes < 500_000


def test_ids_of_any_size() -> None:
    ids = MsgIds(WINDOW)
    large = [bytes([65 + n]) * 65_000 for n in range(5)]
    for seq, text in enumerate([b"x", *large, b"y"], 1):
        ids.put(text, seq, 1)
    assert [ids.get(text, 1) for text in [b"x", *large, b"y"]] == list(range(1, 8))


def test_ids_that_run_out_together_are_dropped_in_parts_and_count_no_longer() -> None:
    ids = MsgIds(WINDOW)
    for seq in range(1, 10_001):
        ids.put(b"id-%d" % seq, seq, 1)
    before = ids.count
    assert [ids.get(b"id-%d" % seq, 11) for seq in (1, 5000, 10_000)] == [0, 0, 0]
    ids.put(b"id-10000", 10_001, 11)
    assert before - 16 <= ids.count < before
    most = 0
    while ids.forget(12) == 11:  # past: there is more
        most = max(most, before - ids.count)
        before = ids.count
    assert most <= 2016
    assert ids.count == 1
    assert ids.get(b"id-10000", 12) == 10_001


class Window(RuleBasedStateMachine):
    """Against a dict that is searched from end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = MsgIds(WINDOW)
        self.window = WINDOW
        self.now = self.seq = 0
        self.model: dict[bytes, tuple[int, int]] = {}

    def expire(self) -> None:
        self.model = {
            text: (seq, ts) for text, (seq, ts) in self.model.items() if self.now - ts < self.window
        }

    @rule(text=st.sampled_from([b"a", b"b", b"c" * 40, b""]), later=st.integers(0, 4))
    def put(self, text: bytes, later: int) -> None:
        self.now += later
        self.seq += 1
        self.ids.put(text, self.seq, self.now)
        self.model[text] = self.seq, self.now
        self.expire()

    @rule(later=st.integers(0, 20))
    def forget(self, later: int) -> None:
        self.now += later
        self.expire()
        due = self.ids.forget(self.now)
        assert (due > 0) == (self.ids.count > 0)
        assert due == 0 or due > self.now

    @rule(window=st.integers(1, 20))
    def change(self, window: int) -> None:
        """Shorter or longer: what has run out stays forgotten."""
        self.ids.set_window(window, self.now)
        self.expire()
        self.window = window
        self.expire()

    @precondition(lambda self: self.seq > 0)
    @rule(back=st.integers(0, 3))
    def take_back(self, back: int) -> None:
        self.seq = max(0, self.seq - back)
        self.ids.drop_above(self.seq)
        self.model = {text: found for text, found in self.model.items() if found[0] <= self.seq}

    @invariant()
    def same_answers(self) -> None:
        for text in (b"a", b"b", b"c" * 40, b"", b"never"):
            assert self.ids.get(text, self.now) == self.model.get(text, (0, 0))[0]


TestWindow = Window.TestCase


SECOND = 1_000_000_000
YEARS = 10 * 365 * 24 * 3600 * SECOND


def test_ids_from_the_future_count_as_of_when_the_clock_was_set_back() -> None:
    ids = MsgIds(10 * SECOND)
    ids.put(b"past", 1, 95 * SECOND)  # which is over when the clock goes ahead
    ids.put(b"future", 2, YEARS)
    assert ids.get(b"future", 100 * SECOND) == 2
    ids.put(b"now", 3, 101 * SECOND)
    assert [seq for _, seq, _ in ids.known(109 * SECOND)] == [2, 3]
    assert ids.get(b"future", 110 * SECOND) == 0
    assert ids.get(b"now", 110 * SECOND) == 3
    assert ids.forget(109 * SECOND) == 111 * SECOND
    assert ids.forget(111 * SECOND) == 0
    assert ids.nbytes == 0


def test_a_clock_that_is_set_back_again_and_again_keeps_no_id_for_longer() -> None:
    ids = MsgIds(10 * SECOND)
    seq = 0
    for at in range(100, 200, 2):
        for ahead in (YEARS, 0):
            seq += 1
            ids.put(b"%d" % seq, seq, at * SECOND + ahead)
        assert len(ids.known(at * SECOND)) <= 12
        assert ids.count <= 14


def test_a_window_that_was_changed_in_the_future_holds_after_it() -> None:
    ids = MsgIds(10 * SECOND)
    ids.set_window(20 * SECOND, YEARS)
    ids.put(b"future", 1, YEARS)
    ids.put(b"now", 2, 100 * SECOND)
    assert ids.get(b"now", 119 * SECOND) == 2
    assert ids.get(b"future", 119 * SECOND) == 1
    assert ids.get(b"now", 120 * SECOND) == 0


def test_small_steps_of_the_clock_change_nothing() -> None:
    ids = MsgIds(10 * SECOND)
    ids.put(b"a", 1, 100 * SECOND)
    assert ids.get(b"a", 99 * SECOND) == 1
    assert ids.known(100 * SECOND) == [(b"a", 1, 100 * SECOND)]


def test_messages_taken_back_after_the_clock_was_set_back() -> None:
    ids = MsgIds(10 * SECOND)
    ids.put(b"future", 1, YEARS)
    ids.put(b"gone", 2, YEARS)
    assert ids.get(b"gone", 100 * SECOND) == 2
    ids.drop_above(1)
    ids.put(b"again", 2, 105 * SECOND)
    assert ids.get(b"again", 114 * SECOND) == 2
    assert ids.get(b"future", 114 * SECOND) == 0
