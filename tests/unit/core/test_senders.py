"""What the server sends by itself: to whom, under which subject, and never too much at once."""

from __future__ import annotations

import re
import socket

from pynats_server.core.permissions import Permissions
from pynats_server.core.senders.audience import Courier

from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.life import Life

BACKLOG_HIGH = 196608
TURN_STEPS = 65536


def received(peer: socket.socket) -> bytes:
    got = b""
    try:
        while piece := peer.recv(1 << 20):
            got += piece
    except BlockingIOError:
        pass
    return got


def messages(data: bytearray) -> list[bytes]:
    return re.findall(rb"^H?MSG .*$", data, re.MULTILINE)


def drain(life: Life, *peers: socket.socket) -> list[bytearray]:
    """All that the peers get until the engine has nothing more for them."""
    got = [bytearray() for _ in peers]
    deadline = Deadline(PATIENCE_S)
    quiet = 0
    while quiet < 3:
        assert not deadline.passed
        life.engine.turn()
        life.loop.run_soon()
        new = [received(peer) for peer in peers]
        quiet = 0 if any(new) or life.loop.soon else quiet + 1
        for buffer, piece in zip(got, new, strict=True):
            buffer += piece
    return got


def test_what_is_sent_reaches_whom_a_published_message_would(life: Life) -> None:
    peers = [
        life.client(b"SUB deliver.here 1\r\nSUB deliver.here G 2\r\nSUB deliver.* 3\r\n")
        for _ in range(3)
    ]
    courier = Courier(life.engine, life.account.sublist, b"deliver.here", b"orders.7", b"hello")
    courier.start(300)
    got = drain(life, *peers)
    assert all(data.count(b"\r\nhello\r\n") == len(messages(data)) for data in got)
    lines = [messages(data) for data in got]
    for mine in lines:
        assert mine.count(b"MSG orders.7 1 5\r") == mine.count(b"MSG orders.7 3 5\r") == 300
        assert mine.count(b"MSG orders.7 2 5\r") > 50
    assert sum(len(mine) for mine in lines) == courier.delivered == 2100


def test_nobody_there_counts_as_no_delivery(life: Life) -> None:
    peer = life.client(b"SUB e 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"orders", b"")
    courier.start(1)
    drain(life, peer)
    assert (courier.sent, courier.delivered) == (1, 0)


def test_headers_and_large_payloads_arrive_whole(life: Life) -> None:
    headers = b"NATS/1.0\r\nA: b\r\n\r\n"
    payload = bytes(range(256)) * 4096
    peer = life.client(b"SUB d 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", payload, headers)
    courier.start(3)
    (got,) = drain(life, peer)
    line = b"HMSG o 1 %d %d\r\n" % (len(headers), len(headers) + len(payload))
    assert got.endswith((line + headers + payload + b"\r\n") * 3)


def test_deny_rules_are_asked_for_the_subject_that_was_subscribed_to(life: Life) -> None:
    permissions = Permissions(subscribe_deny=[b"secret.>"])
    peer = life.client(b"SUB > 1\r\n", permissions)
    Courier(life.engine, life.account.sublist, b"open", b"secret.a", b"").start(1)
    Courier(life.engine, life.account.sublist, b"secret.b", b"open", b"").start(1)
    (got,) = drain(life, peer)
    assert messages(got) == [b"MSG secret.a 1 0\r"]


def test_a_slow_receiver_holds_the_sender_and_gets_everything(life: Life) -> None:
    life.engine.max_pending = 1 << 20
    peer = life.client(b"SUB d 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", b"x" * 60_000)
    courier.start(100)
    for _ in range(20):
        life.engine.turn()
        life.loop.run_soon()
    assert courier.held
    assert courier.sent * 60_000 < BACKLOG_HIGH + 60_000 + (1 << 18)  # and what the kernel took
    assert not life.loop.soon  # nobody goes round in circles meanwhile
    (got,) = drain(life, peer)
    assert len(messages(got)) == 100
    assert life.handler.slow == 0


def test_many_senders_do_not_cut_a_receiver_and_take_turns(life: Life) -> None:
    life.engine.max_pending = 1 << 20
    peer = life.client(b"SUB d.* 1\r\n")
    couriers = [
        Courier(life.engine, life.account.sublist, b"d.%d" % i, b"o.%d" % i, b"x" * 100_000)
        for i in range(20)
    ]
    for courier in couriers:
        courier.start(4)
    deadline = Deadline(PATIENCE_S)
    while min(courier.sent for courier in couriers) < 1:
        assert not deadline.passed
        life.engine.turn()
        life.loop.run_soon()
        received(peer)
    assert max(courier.sent for courier in couriers) <= 3
    drain(life, peer)
    assert all(courier.sent == courier.delivered == 4 for courier in couriers)
    assert life.handler.slow == 0


def test_the_end_of_a_receiver_lets_the_sender_go(life: Life) -> None:
    slow = life.client(b"SUB d 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", b"x" * 60_000)
    courier.start(50)
    life.engine.turn()
    life.loop.run_soon()
    assert courier.held
    quick = life.client(b"SUB d 1\r\n")
    slow.close()
    (got,) = drain(life, quick)
    assert courier.left == 0
    assert len(messages(got)) >= 40


def test_a_receiver_that_never_reads_is_cut_and_the_sender_goes_on(life: Life) -> None:
    life.engine.write_deadline_ns = 0
    life.client(b"SUB d 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", b"x" * 60_000)
    courier.start(50)
    deadline = Deadline(PATIENCE_S)
    while courier.left:
        assert not deadline.passed
        life.engine.turn()
        life.loop.run_timers()
        life.loop.run_soon()
    assert life.handler.slow == 1


def test_group_members_with_a_backlog_are_passed_over(life: Life) -> None:
    life.client(b"SUB d G 1\r\n")  # never reads
    quick = life.client(b"SUB d G 1\r\n")
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", b"x" * 60_000)
    courier.start(200)
    (got,) = drain(life, quick)
    assert courier.left == 0
    assert len(messages(got)) > 150


def test_senders_share_a_turn_with_those_who_publish(life: Life) -> None:
    receiver = life.client(b"SUB d 1\r\n")
    publisher = life.client()
    courier = Courier(life.engine, life.account.sublist, b"d", b"o", b"")
    courier.start(100_000)
    publisher.send(b"PUB p 0\r\n\r\n" * 100)  # to nobody
    before = life.engine.steps
    life.engine.turn()
    assert life.engine.steps - before < 2 * TURN_STEPS
    assert 0 < courier.sent < 100_000
    assert life.account.in_msgs == 100
    drain(life, receiver)
    assert courier.sent == 100_000
