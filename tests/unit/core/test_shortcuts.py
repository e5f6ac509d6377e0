"""Subjects below a prefix of which each comes once: routed without a match, and past the cache."""

from __future__ import annotations

import pytest
from pynats_server.core.permissions import Permissions

from tests.support.life import Life, pub


class Acks:
    """The sink of the prefix, which notes what it gets."""

    def __init__(self, life: Life) -> None:
        self.got: list[bytes] = []
        # A service's sink, in the place of a compiled one.
        plain = life.account.subscribe(b"unused", self.note)
        sink = plain.owner
        life.account.unsubscribe(plain)
        assert sink is not None
        self.sub = life.account.attach_shortcut(b"$JS.ACK.", sink)

    def note(self, _account: object, subject: bytes, *_: object) -> None:
        self.got.append(subject)


def subjects(count: int) -> list[bytes]:
    return [b"$JS.ACK.S.C.1.%d.%d" % (i, i) for i in range(count)]


def publish(life: Life, names: list[bytes]) -> None:
    life.say(life.peers[0], b"".join(pub(name, b"+ACK") for name in names))


def test_the_sink_gets_all_and_neither_matches_nor_cache_know_of_it(life: Life) -> None:
    life.client()
    acks = Acks(life)
    before = life.account.sublist.matches
    publish(life, subjects(500))
    assert acks.got == subjects(500)
    assert acks.sub.delivered == 500
    assert life.account.sublist.matches == before
    assert life.account.sublist.cached == 0


@pytest.mark.parametrize(
    ("pattern", "reached"),
    [
        (b">", 20),
        (b"$JS.>", 20),
        (b"$JS.ACK.>", 20),
        (b"$JS.ACK.S.>", 20),
        (b"$JS.*.S.>", 20),
        (b"*.ACK.*.*.*.*.7", 1),
        (b"$JS.ACK.S.C.1.3.3", 1),
        (b"$JS.ACK.S.C.1.3.3 G", 1),
        (b"$JS.ACK", 0),
        (b"$JS.*", 0),
        (b"$JS.API.>", 0),
        (b"*", 0),
    ],
)
def test_who_else_listens_gets_it_too(life: Life, pattern: bytes, reached: int) -> None:
    life.client()
    acks = Acks(life)
    publish(life, subjects(20))  # with nobody else there
    others = life.client(b"SUB %b 1\r\n" % pattern)
    publish(life, subjects(20))
    assert others.recv(1 << 20).count(b"MSG ") == reached if reached else True
    life.say(others, b"UNSUB 1\r\n")
    publish(life, subjects(20))
    assert acks.got == subjects(20) * 3
    assert life.account.sublist.cached == 0
    with pytest.raises(BlockingIOError):
        others.recv(1)


def test_what_only_begins_like_the_prefix_goes_its_usual_way(life: Life) -> None:
    life.client()
    acks = Acks(life)
    other = life.client(b"SUB $JS.> 1\r\nSUB $JS.ACK. 2\r\n")
    publish(life, [b"$JS.ACK", b"$JS.ACKS.a", b"$JS.ACK.", b"$JS.ACK..a", b"$JS.ACK.a."])
    assert acks.got == []
    assert other.recv(4096).count(b"MSG ") == 2
    other.close()


def test_an_end_of_the_shortcut_leaves_nothing_behind(life: Life) -> None:
    life.client()
    acks = Acks(life)
    publish(life, subjects(1))
    life.account.unsubscribe(acks.sub)
    publish(life, subjects(1))
    assert acks.got == subjects(1)
    requester = life.client(b"SUB in 1\r\n")
    life.say(requester, pub(subjects(1)[0], b"", b"in"))
    assert b"503" in requester.recv(4096)


def test_permissions_to_publish_hold_below_the_prefix(life: Life) -> None:
    peer = life.client(b"", Permissions(publish_allow=[b"$JS.ACK.S.>"]))
    acks = Acks(life)
    life.say(peer, pub(b"$JS.ACK.S.1", b"") + pub(b"$JS.ACK.T.1", b"") + pub(b"$JS.ACK.S.2", b""))
    assert acks.got == [b"$JS.ACK.S.1", b"$JS.ACK.S.2"]
    assert b'Permissions Violation for Publish to "$JS.ACK.T.1"' in peer.recv(4096)


def test_the_prefix_ends_with_a_dot(life: Life) -> None:
    acks = Acks(life)
    sink = acks.sub.owner
    assert sink is not None
    with pytest.raises(ValueError, match="dot"):
        life.account.attach_shortcut(b"$JS", sink)
