"""The tree finds every subject, however many there are and however often it forgot recent ones."""

from __future__ import annotations

import random

from pynats_server.jetstream.store.subjects import SubjectTree


def test_subjects_beyond_every_growth_are_found_and_forgotten() -> None:
    tree = SubjectTree()
    chance = random.Random(5)
    model: dict[bytes, int] = {}
    for number in range(30_000):
        subject = b"$KV.B.key-%d" % number
        tree.set(subject, number + 1, 1, 1)
        model[subject] = number + 1
        if number % 7 == 0:
            gone = chance.choice([*range(max(0, number - 300), number + 1)])
            name = b"$KV.B.key-%d" % gone
            assert tree.delete(name) == (name in model)
            model.pop(name, None)
    for _ in range(2):  # the second time from what was found
        for number in range(30_000):
            subject = b"$KV.B.key-%d" % number
            found = tree.find(subject)
            assert (found and found[0]) == model.get(subject)
    assert len(tree) == len(model)


def test_the_memory_of_recent_subjects_follows_their_number() -> None:
    tree = SubjectTree()
    for number in range(50_000):
        tree.set(b"%d" % number, 1, 1, 1)
    # A leaf, a branch, an id, and two to three places among the recent ones.
    assert tree.memory_bytes < 50_000 * 128
