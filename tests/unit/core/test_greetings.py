"""The threads that begin layers: fair by address, one step of a connection at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pynats_server.core.engine import Engine
from pynats_server.core.sockets.greetings import Greetings, Step
from pynats_server.core.sockets.layer import ENDED, FAILED, MORE, READY
from pynats_server.tls.engine.fallback import FallbackLayer

from tests.support.deadline import wait_until
from tests.support.life import Life


class PythonLayer(FallbackLayer):
    """Notes who was served, in which order."""

    def __init__(
        self, name: str, served: list[str], answer: int = MORE,
        before: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        context: Any = SimpleNamespace(client=False)
        super().__init__(context)
        self._name, self._served, self._answer, self._before = name, served, answer, before

    def greet(self, data: bytes) -> int:
        self._before()
        if data == b"bug":
            raise ValueError("a bug")
        self._served.append(self._name)
        return self._answer

    def failure(self) -> str:
        if self._name == "silent":
            raise ValueError("no words")
        return f"failure of {self._name}{super().failure()}"


class Pool:
    """Greetings of an engine that is driven by hand."""

    def __init__(self, life: Life, threads: int = 1, batch: int = 64) -> None:
        self.engine: Engine = life.engine
        self.handler = life.handler
        self.greetings = Greetings(life.engine, threads, batch)
        self.served: list[str] = []
        self.done: dict[str, tuple[int, str | None]] = {}

    def add(self, address: str, name: str, data: bytes = b"", **more: Any) -> Step:
        layer = PythonLayer(name, self.served, **more)
        step = Step(layer, data, lambda answer, why: self.done.update({name: (answer, why)}))
        self.greetings.add(address, step)
        return step

    def wait_done(self, count: int) -> None:
        wait_until(lambda: self.engine.turn() or len(self.done) == count, "all is told")


@pytest.fixture
def life() -> Iterator[Life]:
    it = Life()
    yield it
    it.end()


def test_addresses_take_turns(life: Life) -> None:
    pool, gate = Pool(life), threading.Event()
    pool.add("x", "first", before=gate.wait)
    for number in range(3):
        pool.add("a", f"a{number}")
    pool.add("b", "b0")
    pool.add("c", "c0")
    gate.set()
    pool.wait_done(6)
    assert pool.served == ["first", "a0", "b0", "c0", "a1", "a2"]
    pool.add("a", "a3")  # an address that is there again
    pool.wait_done(7)
    pool.greetings.close()


def test_what_is_told(life: Life) -> None:
    pool = Pool(life, threads=2)
    for name, answer in (("more", MORE), ("ready", READY), ("ended", ENDED), ("failed", FAILED)):
        pool.add("here", name, answer=answer)
    pool.add("here", "silent", answer=FAILED)
    pool.add("here", "bug", b"bug")
    pool.wait_done(6)
    assert pool.done == {
        "more": (MORE, None),
        "ready": (READY, None),
        "ended": (ENDED, None),
        "failed": (FAILED, "failure of failed"),
        "silent": (FAILED, "internal error: ValueError('no words')"),
        "bug": (FAILED, "failure of bugtls: internal error: ValueError('a bug')"),
    }
    pool.greetings.close()


def test_others_are_told_when_one_cannot_hear_it(life: Life) -> None:
    pool = Pool(life)
    bug = ValueError("a bug")

    def fail(*_: object) -> None:
        raise bug

    pool.greetings.add("here", Step(PythonLayer("deaf", pool.served), b"", fail))
    pool.add("here", "other")
    pool.wait_done(1)
    assert pool.handler.bugs == [bug]
    pool.greetings.close()


def test_so_many_are_told_at_once(life: Life) -> None:
    pool = Pool(life, batch=3)
    told: list[int] = []
    for number in range(8):
        pool.add("here", str(number))
    wait_until(lambda: len(pool.served) == 8, "all are served")
    while len(pool.done) < 8:
        # What others have to do in a turn is done between two lots.
        pool.engine.at_turn_end(lambda: told.append(len(pool.done)))
        pool.engine.turn()
    assert told[0] <= 3
    pool.greetings.close()


def test_a_thread_that_cannot_start_is_tried_again(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(life)

    def cannot(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot)
        with pytest.raises(RuntimeError):
            pool.add("10.0.0.1", "first")
    pool.add("10.0.0.1", "second")
    pool.wait_done(2)
    assert pool.served == ["first", "second"]
    pool.greetings.close()


def test_after_the_end_nothing_is_told(life: Life) -> None:
    pool, gate = Pool(life), threading.Event()
    for name in ("first", "second"):
        pool.add("here", name, before=gate.wait)
    closing = threading.Thread(target=pool.greetings.close)
    closing.start()
    gate.set()
    closing.join()
    pool.add("here", "third")
    pool.greetings.close()
    pool.engine.turn()
    assert pool.done == {}
    assert "third" not in pool.served


def test_nothing_is_done_for_those_who_have_gone(life: Life) -> None:
    pool, gate = Pool(life), threading.Event()
    pool.add("here", "first", before=gate.wait)
    pool.add("here", "gone").drop()
    pool.add("here", "stays")
    gate.set()
    pool.wait_done(3)
    assert pool.served == ["first", "stays"]
    pool.greetings.close()


def test_networks_take_turns_where_everybody_has_many_addresses(life: Life) -> None:
    pool, gate = Pool(life), threading.Event()
    pool.add("::1", "first", before=gate.wait)
    for address, name in (
        ("2001:db8::1", "a0"), ("2001:db8::2", "a1"), ("2001:db8::3%lo", "a2"),
        ("2001:db9::1", "b0"), ("::ffff:10.0.0.1", "c0"), ("::ffff:10.0.0.2", "d0"),
    ):  # fmt: skip
        pool.add(address, name)
    gate.set()
    pool.wait_done(7)
    assert pool.served == ["first", "a0", "b0", "c0", "d0", "a1", "a2"]
    pool.greetings.close()


def test_a_thread_that_cannot_be_had(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes first hears of it; later it is tried again, and others do the work."""
    pool, gate = Pool(life, threads=2), threading.Event()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            pool.add("a", "first")
    pool.add("b", "busy", before=gate.wait)
    pool.wait_done(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        pool.add("c", "third")
    gate.set()
    pool.wait_done(3)
    assert pool.served == ["first", "busy", "third"]
    pool.greetings.close()


def test_no_words_for_a_failure(life: Life) -> None:
    class Exhausted(Exception):
        def __repr__(self) -> str:
            raise MemoryError

    class Wordless(PythonLayer):
        def failure(self) -> str:
            raise Exhausted

    pool = Pool(life)
    step = Step(
        Wordless("x", pool.served, FAILED), b"",
        lambda answer, why: pool.done.update(x=(answer, why)),
    )  # fmt: skip
    pool.greetings.add("here", step)
    pool.add("here", "next")
    pool.wait_done(2)
    assert pool.done == {"x": (FAILED, None), "next": (MORE, None)}
    pool.greetings.close()
