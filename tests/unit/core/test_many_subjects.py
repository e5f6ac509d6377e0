"""More subjects than the cache of matches has places."""

from __future__ import annotations

import pytest
from pynats_server.core.interest.sublist import Sublist

from tests.support.life import Life, pub

PLACES = Sublist().cache_max


def publish(life: Life, names: list[bytes]) -> None:
    for at in range(0, len(names), 1000):
        life.say(life.peers[0], b"".join(pub(name, b"x") for name in names[at : at + 1000]))


def subjects(start: int, count: int) -> list[bytes]:
    return [b"$KV.B.%d" % number for number in range(start, start + count)]


def test_once_the_cache_is_full_few_subjects_take_the_place_of_others(life: Life) -> None:
    life.client()
    got: list[bytes] = []
    life.account.subscribe(b"$KV.B.>", lambda _, subject, *rest: got.append(subject))
    sublist = life.account.sublist
    publish(life, subjects(0, PLACES))
    assert sublist.cached == PLACES
    before = sublist.steps
    names = subjects(PLACES, 1600)
    publish(life, names)
    assert got[PLACES:] == names  # each once, and in order
    assert sublist.cached == PLACES
    hits = sublist.cache_hits
    publish(life, names)
    # One in sixteen got a place, and some of those lost it to later ones.
    assert 50 <= sublist.cache_hits - hits <= 100
    assert sublist.steps - before < 3200 * 8


def test_what_comes_often_has_a_place_before_long(life: Life) -> None:
    life.client()
    life.account.subscribe(b"$KV.B.>", lambda *_: None)
    sublist = life.account.sublist
    publish(life, subjects(0, PLACES))
    for _ in range(80):
        publish(life, [b"$KV.B.often", b"$KV.B.too"])
    hits = sublist.cache_hits
    publish(life, [b"$KV.B.often", b"$KV.B.too"])
    assert sublist.cache_hits == hits + 2


@pytest.mark.parametrize(
    ("pattern", "most"),
    [(b"$KV.B.>", 200), (b"$KV.*.7", 1), (b"$KV.B.7", 1), (b"$KV.B.7 G", 1), (b">", 200)],
)
def test_who_comes_later_gets_what_passes_by_the_cache(
    life: Life, pattern: bytes, most: int
) -> None:
    life.client()
    got: list[bytes] = []
    life.account.subscribe(b"$KV.B.>", lambda _, subject, *rest: got.append(subject))
    publish(life, subjects(1000, PLACES))
    got.clear()
    publish(life, subjects(0, 200))
    other = life.client(b"SUB %b 1\r\n" % pattern)
    publish(life, subjects(0, 200))
    assert other.recv(1 << 20).count(b"MSG ") == most
    life.say(other, b"UNSUB 1\r\n")
    publish(life, subjects(0, 200))
    assert got == subjects(0, 200) * 3
    with pytest.raises(BlockingIOError):
        other.recv(1)


def test_requests_to_nobody_are_answered_when_they_pass_by_the_cache(life: Life) -> None:
    peer = life.client(b"SUB in 1\r\n")
    publish(life, subjects(0, PLACES))
    life.say(peer, b"".join(pub(name, b"", b"in") for name in subjects(PLACES, 40)))
    assert peer.recv(1 << 20).count(b"503") == 40
