"""Nobody waits for somebody else: what one turn does is bounded in steps, and shared.

The bounds are those of core/limits, with room for one message, which is never cut in two.
"""

from __future__ import annotations

import socket

import pytest
from pynats_server.core.client import ClientConnection
from pynats_server.core.permissions import Permissions

from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.life import Life, pub

TURN_STEPS = 65536
SETTLE_STEPS = 16384
CHORE_STEPS = 8192
# A turn may also send and close, and passes its marks by one piece of work. A pass of the loop may
# have two turns: one because something waited, one because a socket is ready.
TURN_MOST = 2 * (TURN_STEPS + SETTLE_STEPS + CHORE_STEPS + 4096)


def drained(peer: socket.socket) -> bytes:
    """What has arrived so far."""
    got = b""
    try:
        while piece := peer.recv(1 << 20):
            got += piece
    except BlockingIOError:
        pass
    return got


def subscriptions(count: int, subject: bytes = b"foo") -> bytes:
    return b"".join(b"SUB %b %d\r\n" % (subject, sid) for sid in range(count))


def turns(life: Life, published: int | None = None) -> list[int]:
    """Goes on until nothing is left to do, and the account has taken `published` messages; the
    steps that each pass of the loop took."""
    taken = []
    deadline = Deadline(PATIENCE_S)
    before = life.engine.steps
    while True:
        life.engine.turn()
        for peer in life.peers:
            drained(peer)
        taken.append(life.engine.steps - before)
        before = life.engine.steps
        if not life.loop.soon and published in (None, life.account.in_msgs):
            return taken
        assert not deadline.passed
        life.loop.run_soon()
        life.loop.run_timers()  # which also ends what holds back publishers


def send_all(peer: socket.socket, data: bytes) -> None:
    """Into the kernel's buffer, with no turn in between."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    assert peer.send(data) == len(data)


def test_a_turn_ends_when_its_deliveries_are_used_up(life: Life) -> None:
    """A few bytes that reach a thousand subscriptions, thousands of times in one read."""
    life.client(subscriptions(1000))
    publisher = life.client()
    send_all(publisher, pub(b"foo", b"") * 500)
    assert max(turns(life, published=500)) <= TURN_MOST
    assert life.account.out_msgs == 500_000


def test_what_a_turn_leaves_arrives_whole_and_in_order(life: Life) -> None:
    readers = [life.client(subscriptions(100)) for _ in range(3)]
    publisher = life.client()
    bodies = [b"%d" % number for number in range(300)]
    send_all(publisher, b"".join(pub(b"foo", body) for body in bodies))
    got = dict.fromkeys(readers, b"")
    deadline = Deadline(PATIENCE_S)
    ends = b"\r\n299\r\n"
    while any(text.count(ends) < 100 for text in got.values()):
        assert not deadline.passed
        life.engine.turn()
        for reader in readers:
            got[reader] += drained(reader)
        life.loop.run_soon()
        life.loop.run_timers()
    for text in got.values():
        arrived = [line for line in text.split(b"\r\n") if line and line[:1].isdigit()]
        assert arrived == [body for body in bodies for _ in range(100)]


def test_somebody_else_is_answered_in_the_same_turn(life: Life) -> None:
    life.client(subscriptions(1000))
    publisher = life.client()
    other = life.client()
    drained(other)
    send_all(publisher, pub(b"foo", b"") * 500)
    life.engine.turn()
    assert life.account.out_msgs < 500_000
    other.send(b"PING\r\n")
    life.engine.turn()
    assert life.account.out_msgs < 500_000
    assert drained(other) == b"PONG\r\n"


def test_many_floods_share_a_turn(life: Life) -> None:
    for _ in range(10):
        life.account.subscribe(b"foo", lambda *_: None)
    publishers = [life.client() for _ in range(20)]
    for publisher in publishers:
        send_all(publisher, pub(b"foo", b"") * 100)
    life.engine.turn()
    assert life.account.in_msgs < 20 * 100
    assert len({peer.in_msgs for peer in life.engine.connections.values()}) == 1
    assert max(turns(life, published=20 * 100)) <= TURN_MOST


def test_subscribing_and_unsubscribing_are_bounded_per_turn(life: Life) -> None:
    client = life.client()
    send_all(client, subscriptions(10_000))
    assert max(turns(life)) <= TURN_MOST
    assert life.account.sublist.count == 10_000
    send_all(client, b"".join(b"UNSUB %d\r\n" % sid for sid in range(10_000)))
    assert max(turns(life)) <= TURN_MOST
    assert life.account.sublist.count == 0


def test_deep_subjects_count_for_what_they_are(life: Life) -> None:
    client = life.client()
    deep = b".".join([b"a"] * 1000)
    lines = [b"SUB %b.%d.* %d\r\n" % (deep, number, number) for number in range(100)]
    send_all(client, b"".join(lines))
    before = life.engine.steps
    turns(life)
    assert life.engine.steps - before >= 100 * len(deep) // 4


@pytest.mark.parametrize("subject", [b"foo", b"foo.*"])
def test_a_client_with_many_subscriptions_is_gone_at_once_and_taken_apart_later(
    life: Life, subject: bytes
) -> None:
    client = life.client(subscriptions(20_000, subject))
    publisher = life.client()
    [cid] = [cid for cid, peer in life.engine.connections.items() if peer.subscription_count]
    client.close()
    life.engine.turn()
    assert life.handler.closed == [cid]
    assert cid not in life.engine.connections
    assert life.account.sublist.count > 0
    before = life.account.out_msgs
    life.peers.remove(client)
    publisher.send(pub(subject.replace(b"*", b"a"), b""))
    assert max(turns(life)) <= TURN_MOST + 20_000  # one message met all that were still there
    assert life.account.out_msgs == before
    assert life.account.sublist.count == 0


def test_a_client_that_starts_anew_gets_nothing_for_what_it_had(life: Life) -> None:
    client = life.client(subscriptions(20_000))
    [peer] = life.engine.connections.values()
    peer.drop_subscriptions()
    assert peer.subscription_count == 0
    before = life.account.out_msgs
    client.send(b"SUB foo 5\r\n" + pub(b"foo", b""))
    assert max(turns(life)) <= TURN_MOST + 20_000
    assert life.account.out_msgs == before + 1
    assert life.account.sublist.count == 1


def test_output_to_very_many_waits_behind_the_others(life: Life) -> None:
    """Two thousand receivers of a message; who asks for a PONG then has it before most of them."""
    readers = [life.client(subscriptions(1)) for _ in range(400)]
    publisher = life.client()
    other = life.client()
    for peer in life.peers:
        drained(peer)
    send_all(publisher, pub(b"foo", b"x" * 100_000) * 2)
    life.engine.turn()
    other.send(b"PING\r\n")
    before = life.engine.steps
    life.loop.run_soon()
    life.engine.turn()
    assert life.engine.steps - before <= 2 * TURN_MOST
    assert b"PONG\r\n" in drained(other)
    turns(life)
    assert life.account.out_msgs == 2 * len(readers)


def test_a_flood_of_ends_is_bounded_per_turn(life: Life) -> None:
    for _ in range(300):
        life.client()
    for peer in life.peers:
        peer.close()
    life.peers.clear()
    assert max(turns(life)) <= TURN_MOST + 32 * 300  # ends come in groups of CLOSE_BATCH
    assert len(life.handler.closed) == 300


def test_new_permissions_are_in_effect_at_once_and_applied_to_the_rest_later(life: Life) -> None:
    client = life.client(
        b"".join(b"SUB keep.%d %d\r\nSUB lose.%d l%d\r\n" % (n, n, n, n) for n in range(5000))
    )
    publisher = life.client()
    [peer] = [p for p in life.engine.connections.values() if p.subscription_count]
    assert isinstance(peer, ClientConnection)
    told: list[bytes] = []
    peer.prune(Permissions(subscribe_deny=[b"lose.>"]), lambda sub: told.append(sub.subject))
    assert peer.subscription_count > 5000
    before = life.account.out_msgs
    client.send(b"PING\r\n")
    publisher.send(b"".join(pub(b"lose.%d" % n, b"") + pub(b"keep.%d" % n, b"") for n in range(9)))
    life.engine.turn()
    assert peer.subscription_count > 5000
    assert life.account.out_msgs == before + 9
    assert b"PONG" not in drained(client)  # what it sends waits for the new permissions
    assert max(turns(life)) <= TURN_MOST
    assert peer.subscription_count == life.account.sublist.count == 5000
    assert len(told) == 5000
    assert all(subject.startswith(b"lose.") for subject in told)


def test_newer_permissions_replace_those_that_are_being_applied(life: Life) -> None:
    life.client(b"".join(b"SUB a.%d %d\r\nSUB b.%d b%d\r\n" % (n, n, n, n) for n in range(5000)))
    [peer] = life.engine.connections.values()
    assert isinstance(peer, ClientConnection)
    peer.prune(Permissions(subscribe_deny=[b"a.>"]))
    peer.prune(Permissions(subscribe_deny=[b"b.>"]))
    turns(life)
    left = {sub.subject[:2] for sub in peer.subscription_list()}
    assert b"b." not in left
    peer.prune(Permissions(subscribe_deny=[b"a.>"]))
    life.peers.pop().close()
    turns(life)
    assert life.account.sublist.count == 0


def test_who_waits_for_new_permissions_goes_on_when_newer_ones_find_no_subscriptions(
    life: Life,
) -> None:
    many = range(5000)
    client = life.client(b"".join(b"SUB once.%d %d\r\nUNSUB %d 1\r\n" % (n, n, n) for n in many))
    [peer] = life.engine.connections.values()
    assert isinstance(peer, ClientConnection)
    peer.prune(Permissions(subscribe_deny=[b"other.>"]))
    for n in many:
        life.account.publish(life.engine, b"once.%d" % n, b"")
    assert peer.subscription_count == 0
    drained(client)
    client.send(b"PING\r\n")
    life.engine.within_turn(lambda: peer.prune(Permissions(subscribe_deny=[b"others.>"])))
    got = b""
    deadline = Deadline(PATIENCE_S)
    while b"PONG" not in got:
        assert not deadline.passed
        life.engine.turn()
        life.loop.run_soon()
        got += drained(client)


def test_permissions_that_have_not_changed_cost_nothing(life: Life) -> None:
    life.client(subscriptions(5000))
    [peer] = life.engine.connections.values()
    assert isinstance(peer, ClientConnection)
    peer.prune(Permissions(subscribe_deny=[b"secret"]))
    turns(life)
    before = life.engine.steps
    peer.prune(Permissions(subscribe_deny=[b"secret"]))
    assert life.engine.steps == before


def test_a_frame_that_is_whole_only_after_its_beginning_has_waited_is_read_on(life: Life) -> None:
    """What has waited ends within a message that is too small to be assembled."""
    life.client(subscriptions(1000))
    life.client(b"SUB whole 1\r\n")
    publisher = life.client()
    body = bytes(30_000)
    frame = pub(b"whole", body)
    for begun in (17_000, 20_000, 29_000):
        published = life.account.in_msgs
        send_all(publisher, pub(b"foo", b"") * 100 + frame[:begun])
        turns(life, published=published + 100)
        send_all(publisher, frame[begun:] + pub(b"whole", b"") + b"PING\r\n")
        turns(life, published=published + 102)
    assert life.account.in_bytes == 3 * len(body)
    assert life.handler.closed == []
