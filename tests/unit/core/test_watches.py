"""A watcher of a subject is told of subscriptions to exactly that, once for a turn."""

from __future__ import annotations

import random

import pytest

from tests.support.life import Life

CHORE_STEPS = 8192
CALL_STEPS = 100
TELL_STEPS = 4096


class Watcher:
    def __init__(self, life: Life, subject: bytes, group: bytes = b"") -> None:
        self.life, self.subject, self.group = life, subject, group
        self.calls = 0
        self.bound = False
        self.watch = life.account.watch(life.engine, subject, self.look)

    def look(self) -> None:
        self.calls += 1
        self.bound = self.life.account.has_listener(self.subject, self.group)


@pytest.mark.parametrize(
    ("command", "heard"),
    [
        (b"SUB push.me 1", True),
        (b"SUB push.me group 1", True),
        (b"SUB push.* 1", False),
        (b"SUB push.* group 1", False),
        (b"SUB > 1", False),
        (b"SUB push 1", False),
        (b"SUB push.me.too 1", False),
    ],
)
def test_a_subscription_to_the_subject_is_told_when_it_comes_and_when_it_goes(
    life: Life, command: bytes, heard: bool
) -> None:
    watcher = Watcher(life, b"push.me")
    peer = life.client(command + b"\r\n")
    assert watcher.calls == heard
    life.say(peer, b"UNSUB 1\r\n")
    assert watcher.calls == 2 * heard
    assert not watcher.bound


def test_changes_of_one_turn_are_told_once(life: Life) -> None:
    watcher = Watcher(life, b"foo")
    life.client(b"SUB foo 1\r\nSUB foo 2\r\nSUB foo G 3\r\nUNSUB 1\r\n")
    assert watcher.calls == 1
    assert watcher.bound


def test_the_end_of_a_client_is_told(life: Life) -> None:
    watcher = Watcher(life, b"foo")
    peer = life.client(b"SUB foo 1\r\n")
    peer.close()
    life.engine.turn()
    life.finish()
    assert watcher.calls == 2
    assert not watcher.bound


def test_the_end_after_so_many_messages_is_told(life: Life) -> None:
    watcher = Watcher(life, b"foo")
    life.client(b"SUB foo 1\r\nUNSUB 1 1\r\nPUB foo 0\r\n\r\n")
    assert watcher.calls == 1  # came and went in one turn
    assert not watcher.bound


def test_a_watch_that_ended_is_told_nothing_more(life: Life) -> None:
    first, second = Watcher(life, b"foo"), Watcher(life, b"foo")
    life.account.unwatch(first.watch)
    life.account.unwatch(first.watch)
    life.client(b"SUB foo 1\r\n")
    assert (first.calls, second.calls) == (0, 1)
    life.account.unwatch(second.watch)
    life.client(b"SUB foo 1\r\n")
    assert (first.calls, second.calls) == (0, 1)


def test_a_watcher_may_end_others_while_it_is_told(life: Life) -> None:
    watchers = [Watcher(life, b"foo") for _ in range(3)]
    life.account.watch(
        life.engine, b"foo", lambda: [life.account.unwatch(item.watch) for item in watchers]
    )
    life.client(b"SUB foo 1\r\n")
    life.client(b"SUB foo 1\r\n")
    assert [item.calls for item in watchers] == [1, 1, 1]


def test_an_error_of_one_watcher_is_reported_and_the_others_are_told(life: Life) -> None:
    def fails() -> None:
        raise RuntimeError("planned")

    life.account.watch(life.engine, b"foo", fails)
    watcher = Watcher(life, b"foo")
    life.client(b"SUB foo 1\r\n")
    assert watcher.calls == 1
    assert [str(bug) for bug in life.handler.bugs] == ["planned"]
    life.handler.bugs.clear()


def test_changes_outside_of_a_turn_are_told_soon(life: Life) -> None:
    watcher = Watcher(life, b"foo")
    sub = life.account.subscribe(b"foo", lambda *_: None)
    life.finish()
    assert (watcher.calls, watcher.bound) == (1, True)
    life.account.unsubscribe(sub)
    life.finish()
    assert (watcher.calls, watcher.bound) == (2, False)


def test_thousands_of_watchers_that_are_told_at_once_cost_each_turn_little(life: Life) -> None:
    watchers = [Watcher(life, b"in.%d" % i) for i in range(2000)]
    peer = life.client()
    peer.send(b"".join(b"SUB in.%d %d\r\n" % (i, i) for i in range(2000)))
    subscribed = 2000 * 12  # steps
    before = life.engine.steps
    life.engine.turn()
    assert life.engine.steps - before < subscribed + TELL_STEPS + CHORE_STEPS + 10 * CALL_STEPS
    assert 0 < sum(item.calls for item in watchers) < 200
    life.finish()
    assert all(item.bound for item in watchers)
    assert sum(item.calls for item in watchers) == 2000


def test_watches_that_end_before_their_turn_are_told_nothing(life: Life) -> None:
    rng = random.Random(5)
    watchers = [Watcher(life, b"in.%d" % i) for i in range(500)]
    peer = life.client()
    peer.send(b"".join(b"SUB in.%d %d\r\n" % (i, i) for i in range(500)))
    life.engine.turn()
    gone = [watchers.pop(rng.randrange(len(watchers))) for _ in range(200)]
    calls = [item.calls for item in gone]
    for item in gone:
        life.account.unwatch(item.watch)
    life.finish()
    assert [item.calls for item in gone] == calls
    assert all(item.bound for item in watchers)


@pytest.mark.parametrize("subject", [b"a.*", b">", b"", b"a..b", b".a", b"a b"])
def test_only_literal_subjects_are_watched(life: Life, subject: bytes) -> None:
    with pytest.raises(ValueError, match="watch"):
        life.account.watch(life.engine, subject, lambda: None)


def test_watchers_know_of_every_change_that_matters(life: Life) -> None:
    """Random subscriptions: after each turn every watcher's last look is still true."""
    rng = random.Random(11)
    tokens = [b"a", b"b", b"c"]
    subjects = {b".".join(rng.choices(tokens, k=rng.randint(1, 3))) for _ in range(25)}
    watchers = [Watcher(life, subject, group) for subject in subjects for group in (b"", b"g")]
    peer = life.client()
    live: list[int] = []
    for sid in range(600):
        pattern = b".".join(rng.choices([*tokens, b"*"], k=rng.randint(1, 3)))
        if rng.random() < 0.2:
            pattern += b".>"
        group = rng.choice([b"", b"g ", b"h "])
        commands = b"SUB %b %b%d\r\n" % (pattern, group, sid)
        live.append(sid)
        while len(live) > 3:
            commands += b"UNSUB %d\r\n" % live.pop(rng.randrange(len(live)))
        life.say(peer, commands)
        for item in watchers:
            assert item.bound == life.account.has_listener(item.subject, item.group)


def test_who_listens(life: Life) -> None:
    listener = life.account.has_listener
    peer = life.client(b"SUB q.a G 1\r\n")
    assert not listener(b"q.a")
    assert listener(b"q.a", b"G")
    assert not listener(b"q.a", b"H")
    life.say(peer, b"SUB q.* 2\r\nSUB q.* H 3\r\n")
    assert not listener(b"q.a")
    assert not listener(b"q.a", b"H")
    life.say(peer, b"SUB q.a 4\r\n")
    assert listener(b"q.a")
