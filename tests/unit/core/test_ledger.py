"""The data plane gets back everything it hands out: chunks, buffers, matches, subscriptions.

Only the debug build counts (`make sanitize`); other builds show that nothing fails.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from pynats_server.core import ledger
from pynats_server.core.permissions import Permissions

from tests.support.life import Life, pub


def literals_and_wildcards(life: Life) -> None:
    life.client(b"SUB a.b 1\r\nSUB a.* q 2\r\nSUB > q 3\r\nSUB a.> r 4\r\nUNSUB 4 2\r\nUNSUB 2\r\n")
    life.say(life.client(), b"".join(pub(b"a.%d" % (i % 5), b"x") for i in range(100)))


def runs(life: Life) -> None:
    for _ in range(3):
        life.client(b"SUB a 1\r\n")
    life.say(life.client(), pub(b"a", b"x" * 100) * 2000)


def borrowed_payloads(life: Life) -> None:
    readers = [life.client(b"SUB a 1\r\n") for _ in range(2)]
    publisher = life.client()
    for size in (3000, 40_000, 300_000):
        life.say(publisher, pub(b"a", b"x" * size) * 3)
        for reader in readers:
            try:
                while reader.recv(1 << 20):
                    life.engine.turn()
            except BlockingIOError:
                pass


def receivers_that_do_not_read(life: Life) -> None:
    life.engine.max_pending = 500_000
    for size in (100, 5000):
        life.client(b"SUB a 1\r\n")
        life.say(life.client(), pub(b"a", b"x" * size) * (1_200_000 // size))
    assert life.handler.slow > 0


def half_a_frame_at_the_end(life: Life) -> None:
    life.say(life.client(), b"PUB a 100000\r\n" + b"x" * 5000)
    life.say(life.client(), b"PUB a 10\r\nx")


def requests_nobody_answers(life: Life) -> None:
    permissions = Permissions(responses=True)
    life.client(b"SUB a 1\r\n", permissions)
    life.say(
        life.client(b"SUB inbox.> 1\r\n"),
        pub(b"none", b"", b"inbox.1") + pub(b"a", b"", b"inbox.2"),
    )


def refusals(life: Life) -> None:
    life.client(b"SUB a 1\r\nNONSENSE\r\n")
    life.client(b"SUB a 1\r\nPUB a x\r\n")
    life.client(b"SUB a..b 1\r\n", Permissions(publish_deny=(b"a",), subscribe_deny=(b"b",)))


LIVES = [
    literals_and_wildcards,
    runs,
    borrowed_payloads,
    receivers_that_do_not_read,
    half_a_frame_at_the_end,
    requests_nobody_answers,
    refusals,
]


@pytest.mark.parametrize("live", LIVES)
def test_all_comes_back(live: Callable[[Life], None]) -> None:
    gc.collect()
    before = ledger.counts()
    made = ledger.ever_made()
    life = Life()
    live(life)
    during = ledger.counts()
    life.end()
    assert life.handler.bugs == []
    del life
    gc.collect()
    assert ledger.counts() == before
    if ledger.COUNTED:
        assert during["chunks"] > before["chunks"]
        assert ledger.ever_made()["chunks"] > made["chunks"]


def test_a_life_makes_some_of_everything() -> None:
    if not ledger.COUNTED:
        assert set(ledger.ever_made().values()) == {0}
        return
    made = ledger.ever_made()
    life = Life()
    runs(life)
    life.end()
    assert all(ledger.ever_made()[name] > count for name, count in made.items())
