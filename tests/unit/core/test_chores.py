"""Work that may wait: everybody has a share of the turn, and what it sends does not wait longer."""

from __future__ import annotations

from pynats_server.core.senders.audience import Courier

from tests.support.life import Life

CALL_STEPS = 100
TELL_STEPS = 4096


def test_chores_share_a_turn(life: Life) -> None:
    """Two clients with very many subscriptions end at once: neither waits for the other."""
    peers = [
        life.client(b"".join(b"SUB a%d.%d 1%d\r\n" % (who, i, i) for i in range(5000)))
        for who in range(2)
    ]
    for peer in peers:
        peer.close()
    life.engine.turn()
    left = [
        sum(life.account.sublist.interested(b"a%d.%d" % (who, i)) for i in range(5000))
        for who in range(2)
    ]
    assert all(0 < count < 5000 - 100 for count in left), left
    life.finish()
    assert life.account.sublist.count == 0


def test_what_a_chore_sends_leaves_in_its_turn(life: Life) -> None:
    """More watchers than a turn's end has time for, each of which sends something."""
    peer = life.client(b"SUB d 1\r\n")
    for i in range(500):
        life.account.watch(
            life.engine, b"w.%d" % i, lambda: life.account.publish(life.engine, b"d", b"")
        )
    peer.send(b"".join(b"SUB w.%d 1%d\r\n" % (i, i) for i in range(500)))
    life.engine.turn()
    at_the_end = TELL_STEPS // CALL_STEPS
    assert peer.recv(1 << 20).count(b"MSG d ") > at_the_end + 50
    life.finish()


def test_what_is_sent_outside_of_a_turn_leaves_soon(life: Life) -> None:
    peer = life.client(b"SUB d 1\r\n")
    Courier(life.engine, life.account.sublist, b"d", b"o", b"").start(1)
    life.finish()  # what the loop was asked to call, and no turn by a ready socket
    assert peer.recv(4096).endswith(b"MSG o 1 0\r\n\r\n")
