"""What the engine does between two turns: it sleeps, or polls for a while and no longer."""

from __future__ import annotations

import os

from pynats_server.core.sockets.descriptor import Descriptor

from tests.support.life import Life, pub

POLLS = 16  # in a pass of the loop
NEED = 16
WORTH_NS = 60_000
FOREVER_NS = 10**15


def keep_awake(life: Life, most_ns: int) -> None:
    """As after gaps that are worth it."""
    life.engine.vigil.patience.most_ns = most_ns
    for _ in range(NEED):
        life.engine.vigil.patience.slept(WORTH_NS)
    assert life.engine.vigil.patience.awake


def test_an_engine_that_has_nothing_to_do_does_not_poll(life: Life) -> None:
    keep_awake(life, FOREVER_NS)
    for _ in range(100):
        life.engine.turn()
        assert life.loop.soon == []
    assert life.engine.vigil.polls == 0


def test_it_polls_once_per_pass_until_the_time_is_over_and_gives_up(life: Life) -> None:
    peer = life.client()
    keep_awake(life, 1)  # over at once
    turns = 0
    while life.engine.vigil.patience.awake:
        peer.send(b"PING\r\n")
        life.engine.turn()
        turns += 1
        life.loop.run_soon()
        assert life.engine.vigil.polls == turns * POLLS
        assert life.loop.soon == []
    assert turns == 8
    peer.send(b"PING\r\n")
    life.engine.turn()
    assert life.loop.soon == []
    assert life.engine.vigil.polls == turns * POLLS


def test_an_event_is_served_while_it_is_awake(life: Life) -> None:
    peer = life.client()
    peer.setblocking(True)
    keep_awake(life, FOREVER_NS)
    peer.send(b"PING\r\n")
    life.engine.turn()
    for _ in range(10):
        assert peer.recv(4096).endswith(b"PONG\r\n")
        life.loop.run_soon()
        peer.send(b"PING\r\n")
        life.loop.run_soon()  # no turn by the loop
    assert life.engine.vigil.polls == 10 * POLLS + 10
    life.engine.vigil.patience.most_ns = 0


def test_the_callbacks_of_the_loop_run_meanwhile(life: Life) -> None:
    peer = life.client()
    keep_awake(life, FOREVER_NS)
    peer.send(b"PING\r\n")
    life.engine.turn()
    for _ in range(3):
        ran: list[int] = []
        life.loop.call_soon(lambda ran=ran: ran.append(1))  # type: ignore[misc]
        life.loop.run_soon()
        assert ran == [1]
        assert len(life.loop.soon) == 1  # it goes on polling
    life.engine.vigil.patience.most_ns = 0


def test_it_sleeps_while_the_disk_works(life: Life) -> None:
    peer = life.client()
    keep_awake(life, FOREVER_NS)
    life.engine.vigil.expected = 1
    peer.send(b"PING\r\n")
    life.engine.turn()
    assert life.loop.soon == []


def test_it_sleeps_after_a_turn_with_many_messages(life: Life) -> None:
    peer = life.client(b"SUB a 1\r\n")
    keep_awake(life, FOREVER_NS)
    peer.send(pub(b"a", b"x") * 2000)
    life.engine.turn()
    assert life.loop.soon == []


def test_what_a_descriptor_brings_leaves_in_the_same_turn(life: Life) -> None:
    peer = life.client(b"SUB d 1\r\n")
    event = os.eventfd(0, os.EFD_NONBLOCK)

    def ready() -> None:
        os.eventfd_read(event)
        life.account.publish(life.engine, b"d", b"x")

    descriptor = Descriptor(life.engine, event, ready)
    os.eventfd_write(event, 1)
    life.engine.turn()
    assert peer.recv(4096).endswith(b"MSG d 1 1\r\nx\r\n")
    assert life.loop.soon == []
    descriptor.close()
    descriptor.close()
    os.eventfd_write(event, 1)
    life.engine.turn()
    assert os.eventfd_read(event) == 1  # nobody has
    os.close(event)
