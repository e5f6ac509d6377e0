"""The threads that begin layers: fair by address, one step of a connection at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pynats_server.core.sockets.greetings import Greetings
from pynats_server.core.sockets.layer import FAILED, MORE, READY

from tests.support.deadline import wait_until
from tests.support.life import FakeLoop


class FakeLayer:
    """Notes who was served, in which order."""

    def __init__(
        self, name: str, served: list[str], answer: int = MORE,
        before: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        self._name, self._served, self._answer, self._before = name, served, answer, before

    def greet(self, data: bytes) -> int:
        self._before()
        if data == b"bug":
            raise ValueError("a bug")
        self._served.append(self._name)
        return self._answer

    def peer(self) -> str:
        return f"peer of {self._name}"

    def failure(self) -> str:
        return f"failure of {self._name}"


def greetings(loop: FakeLoop, threads: int = 1, batch: int = 64) -> Greetings:
    real: Any = loop
    return Greetings(real, lambda work: work(), threads, batch)


def wanted() -> bool:
    return True


def test_addresses_take_turns() -> None:
    loop, served = FakeLoop(), list[str]()
    gate = threading.Event()
    pool = greetings(loop)
    done: list[tuple[int, object]] = []

    def submit(address: str, name: str, **more: Any) -> None:
        layer: Any = FakeLayer(name, served, **more)
        pool.submit(address, layer, b"", lambda answer, found: done.append((answer, found)), wanted)

    submit("x", "first", before=gate.wait)
    for number in range(3):
        submit("a", f"a{number}")
    submit("b", "b0")
    submit("c", "c0")
    gate.set()
    wait_until(lambda: len(served) == 6, "all are served")
    assert served == ["first", "a0", "b0", "c0", "a1", "a2"]
    wait_until(lambda: loop.run_soon() or len(done) == 6, "all is told")
    pool.close()


def test_what_is_told() -> None:
    loop, served = FakeLoop(), list[str]()
    pool = greetings(loop, threads=2)
    done: dict[str, tuple[int, object]] = {}
    for name, answer, data in (
        ("more", MORE, b""), ("ready", READY, b""), ("failed", FAILED, b""), ("bug", MORE, b"bug"),
    ):  # fmt: skip
        layer: Any = FakeLayer(name, served, answer)
        pool.submit(
            "here", layer, data,
            lambda answer, found, name=name: done.update({name: (answer, found)}), wanted,
        )  # fmt: skip
    wait_until(lambda: loop.run_soon() or len(done) == 4, "all is told")
    assert done["more"] == (MORE, None)
    assert done["ready"] == (READY, "peer of ready")
    assert done["failed"] == (FAILED, "failure of failed")
    assert done["bug"] == (FAILED, "internal error: ValueError('a bug')")
    pool.close()


def test_so_many_are_told_at_once() -> None:
    loop, served = FakeLoop(), list[str]()
    pool = greetings(loop, batch=3)
    done: list[int] = []
    for number in range(8):
        layer: Any = FakeLayer(str(number), served)
        pool.submit("here", layer, b"", lambda answer, _: done.append(answer), wanted)
    wait_until(lambda: len(served) == 8 and loop.soon, "all are served")
    told = []
    while len(done) < 8:
        before = len(done)
        loop.run_soon()
        told.append(len(done) - before)
    assert max(told) <= 3
    pool.close()


def test_after_the_end_nothing_is_told() -> None:
    loop, served = FakeLoop(), list[str]()
    gate = threading.Event()
    pool = greetings(loop)
    done: list[int] = []
    for name in ("first", "second"):
        layer: Any = FakeLayer(name, served, before=gate.wait)
        pool.submit("here", layer, b"", lambda answer, _: done.append(answer), wanted)
    closing = threading.Thread(target=pool.close)
    closing.start()
    gate.set()
    closing.join()
    layer = FakeLayer("third", served)
    pool.submit("here", layer, b"", lambda answer, _: done.append(answer), wanted)
    loop.run_soon()
    assert done == []
    assert "third" not in served


def test_nothing_is_done_for_those_who_have_gone() -> None:
    loop, served = FakeLoop(), list[str]()
    gate = threading.Event()
    pool = greetings(loop)
    done: list[int] = []
    here = {"gone": True, "stays": True}
    for name in ("first", "gone", "stays"):
        before: Callable[[], object] = gate.wait if name == "first" else wanted
        layer: Any = FakeLayer(name, served, before=before)
        pool.submit(
            "here", layer, b"", lambda answer, _: done.append(answer),
            lambda name=name: here.get(name, True),
        )  # fmt: skip
    here["gone"] = False
    gate.set()
    wait_until(lambda: loop.run_soon() or len(done) == 3, "all is told")
    assert served == ["first", "stays"]
    pool.close()


def test_networks_take_turns_where_everybody_has_many_addresses() -> None:
    loop, served = FakeLoop(), list[str]()
    gate = threading.Event()
    pool = greetings(loop)
    for address, name in (
        ("::1", "first"), ("2001:db8::1", "a0"), ("2001:db8::2", "a1"), ("2001:db8::3%lo", "a2"),
        ("2001:db9::1", "b0"), ("::ffff:10.0.0.1", "c0"), ("::ffff:10.0.0.2", "d0"),
    ):  # fmt: skip
        layer: Any = FakeLayer(name, served, before=gate.wait if name == "first" else wanted)
        pool.submit(address, layer, b"", lambda answer, _: None, wanted)
    gate.set()
    wait_until(lambda: len(served) == 7, "all are served")
    assert served == ["first", "a0", "b0", "c0", "d0", "a1", "a2"]
    pool.close()
