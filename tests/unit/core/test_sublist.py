"""The sublist against a naive matcher: look-ups agree after any additions and removals."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pynats_server.core import subject as fast
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.interest.subscription import Subscription

from tests.support.fuzzing import examples

TOKENS = st.sampled_from(["a", "b", "ab", "c"])
LITERALS = st.lists(TOKENS, min_size=1, max_size=4).map(".".join)
PATTERN_TOKENS = st.one_of(TOKENS, st.just("*"))
PATTERNS = st.builds(
    lambda tokens, tail: ".".join(tokens + ([">"] if tail else [])),
    st.lists(PATTERN_TOKENS, min_size=1, max_size=4),
    st.booleans(),
)


def naive_match(subject: str, pattern: str) -> bool:
    """Compares token by token, as documented."""
    tokens, wanted = subject.split("."), pattern.split(".")
    for place, want in enumerate(wanted):
        if want == ">" and place == len(wanted) - 1:
            return len(tokens) > place
        if place >= len(tokens) or (want != "*" and want != tokens[place]):
            return False
    return len(tokens) == len(wanted)


class SublistMachine(RuleBasedStateMachine):
    """Adds and removes at random, with look-ups in between so that caches are warm and stale."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Sublist(8)  # a tiny cache is dropped often
        self.model: list[tuple[str, str, Subscription]] = []

    @rule(pattern=PATTERNS, queue=st.sampled_from(["", "", "q1", "q2", "a longer name"]))
    def add(self, pattern: str, queue: str) -> None:
        sub = self.real.add(pattern.encode(), queue.encode())
        self.model.append((pattern, queue, sub))

    @rule(pattern=st.sampled_from(["a", "a.b", "*", ">"]), names=st.sets(st.integers(0, 40)))
    def add_groups(self, pattern: str, names: set[int]) -> None:
        """Enough groups that a map replaces the scan."""
        for name in names:
            self.add(pattern, f"group {name}")

    @precondition(lambda self: bool(self.model))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.model) - 1))
        self.real.discard(self.model.pop(index)[2])

    @rule(subject=LITERALS)
    def look_up(self, subject: str) -> None:
        plain, queues = self.real.lookup(subject.encode())
        hits = [(q, sub) for pattern, q, sub in self.model if naive_match(subject, pattern)]
        assert Counter(map(id, plain)) == Counter(id(sub) for q, sub in hits if not q)
        assert set(queues) == {q.encode() for q, _ in hits if q}
        for name, members in queues.items():
            expected = Counter(id(sub) for q, sub in hits if q.encode() == name)
            assert Counter(map(id, members)) == expected
        assert self.real.interested(subject.encode()) == bool(hits)
        few = len(hits) <= 1 and not queues
        assert self.real.sole(subject.encode()) == (few, hits[0][1] if few and hits else None)

    @invariant()
    def counts(self) -> None:
        assert self.real.count == len(self.model)


SublistMachine.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=40)
TestSublist = SublistMachine.TestCase


@given(LITERALS, PATTERNS)
def test_matches_agrees_with_the_naive_matcher(subject: str, pattern: str) -> None:
    assert fast.matches(subject.encode(), pattern.encode()) == naive_match(subject, pattern)


@given(PATTERNS, PATTERNS, LITERALS)
def test_covers_and_overlaps_say_what_they_promise(a: str, b: str, subject: str) -> None:
    in_a, in_b = naive_match(subject, a), naive_match(subject, b)
    if fast.covers(a.encode(), b.encode()):
        assert in_a or not in_b
    if in_a and in_b:
        assert fast.overlaps(a.encode(), b.encode())
    assert fast.overlaps(a.encode(), b.encode()) == fast.overlaps(b.encode(), a.encode())


@given(st.lists(PATTERNS, max_size=8), PATTERNS)
def test_a_list_covers_what_one_of_its_entries_covers(entries: list[str], subject: str) -> None:
    rules = Sublist(0)
    for entry in entries:
        rules.add(entry.encode())
    expected = any(fast.covers(entry.encode(), subject.encode()) for entry in entries)
    assert rules.covering(subject.encode()) == expected


@given(st.text(alphabet="ab.*> \t\r\n\0", max_size=12))
def test_validity_follows_the_token_rules(text: str) -> None:
    tokens = text.split(".")
    good = all(tokens) and not any(c in text for c in " \t\r\n\0")
    good = good and ">" not in tokens[:-1]
    assert fast.is_valid(text.encode()) == good
    assert fast.is_literal(text.encode()) == (good and "*" not in tokens and ">" not in tokens)


def test_a_literal_change_keeps_the_other_cached_matches() -> None:
    subs = Sublist()
    subs.add(b"foo")
    subs.lookup(b"foo")
    subs.lookup(b"bar")
    hits = subs.cache_hits
    subs.add(b"bar")
    subs.lookup(b"foo")
    assert subs.cache_hits == hits + 1
    assert len(subs.lookup(b"bar")[0]) == 1


def test_a_wildcard_change_is_seen_by_every_cached_match() -> None:
    subs = Sublist()
    assert subs.lookup(b"foo.bar") == ([], {})
    wild = subs.add(b"foo.*")
    assert subs.lookup(b"foo.bar")[0] == [wild]
    subs.discard(wild)
    assert subs.lookup(b"foo.bar") == ([], {})


def test_subjects_with_empty_tokens_reach_nobody() -> None:
    subs = Sublist()
    subs.add(b">")
    for subject in (b"a..b", b".a", b"a.", b"."):
        assert subs.lookup(subject) == ([], {})
        assert not subs.interested(subject)


def patterns(tokens: int) -> list[str]:
    """Every pattern of so many tokens "a" or "*"."""
    return [".".join(chosen) for chosen in itertools.product("a*", repeat=tokens)]


def test_the_work_for_a_match_grows_with_what_it_holds() -> None:
    """Groups of the same names on many patterns, and groups of as many names as there are."""
    for shared in (True, False):
        subs = Sublist()
        for number, pattern in enumerate(patterns(9)):
            for group in range(20):
                name = f"group {group}" if shared else f"group {number} {group}"
                subs.add(pattern.encode(), name.encode())
        plain, queues = subs.lookup(b".".join([b"a"] * 9))
        held = sum(len(members) for members in queues.values())
        assert (plain, held) == ([], 512 * 20)
        assert len(queues) == (20 if shared else 512 * 20)
        assert subs.steps <= 4 * held


def test_a_subject_visits_no_more_nodes_than_there_are() -> None:
    subs = Sublist()
    for pattern in patterns(6)[:40]:
        subs.add(f"{pattern}.z".encode())
    subs.lookup(b".".join([b"a"] * 4000))
    assert subs.steps <= 2 * 40 * 7


def test_a_large_match_outlives_wildcards_that_do_not_concern_it() -> None:
    subs = Sublist()
    members = [subs.add(b"foo.bar", b"workers") for _ in range(1000)]
    assert subs.lookup(b"foo.bar")[1] == {b"workers": members}
    before = subs.steps
    for number in range(200):
        gone = subs.add(f"inbox.{number}.*".encode())
        subs.lookup(b"foo.bar")
        subs.discard(gone)
        subs.lookup(b"foo.bar")
    assert subs.steps - before <= 400
    extra = subs.add(b"foo.*", b"workers")
    assert subs.lookup(b"foo.bar")[1] == {b"workers": [*members, extra]}
    subs.discard(extra)
    assert subs.lookup(b"foo.bar")[1] == {b"workers": members}


def test_more_changes_than_are_remembered_build_a_match_anew() -> None:
    subs = Sublist()
    members = [subs.add(b"foo.bar") for _ in range(1000)]
    subs.lookup(b"foo.bar")
    extra = subs.add(b"foo.*")
    for number in range(100):
        subs.add(f"inbox.{number}.*".encode())
    assert subs.lookup(b"foo.bar")[0] == [*members, extra]


def test_a_full_cache_makes_room_for_one_more() -> None:
    subs = Sublist(8)
    subs.add(b"a.*")
    for number in range(50):
        subs.lookup(f"a.{number}".encode())
        assert subs.cached == min(number + 1, 8)
