"""Requests that services of other accounts get: their headers, what they cost, and what stays of an
import that has ended."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from pynats_server.accounts.latency import Latency
from pynats_server.accounts.mappings import make_mapper
from pynats_server.accounts.request_info import RequestInfo
from pynats_server.core.account import Account
from pynats_server.core.sharing.responses import Responses, Terms
from pynats_server.core.sharing.services import ServiceExport, ServiceImport
from pynats_server.options import MappingTarget, ServiceLatency

from tests.support.deadline import Deadline
from tests.support.life import Life, pub

CALL = 100  # steps of a call of Python code
SUFFIX = b".abcdefgh.T"
INFO = b'Nats-Request-Info: {"acc":"A"}\r\n'


def who(source: object, importer: Account, share: bool) -> bytes:
    return b'{"acc":"A"}'


class Service:
    """A service `s` of an account, which that of the clients imports; what it is asked."""

    def __init__(
        self, life: Life, latency: ServiceLatency | None = None, wait_ns: int = 10**12
    ) -> None:
        self.life = life
        self.exporter = Account("X")
        self.asked: list[tuple[bytes, ...]] = []
        measured = None
        if latency is not None:
            named = RequestInfo("server")
            measured = Latency(life.engine, self.exporter, latency, named, SUFFIX)
        self.export = ServiceExport(Terms(0, wait_ns), measured)
        self.made = self.make(b"s")

    def make(self, local: bytes) -> ServiceImport:
        return ServiceImport(
            self.life.engine, self.life.account, self.exporter, local, None, self.export, who
        )

    def serve(self) -> None:
        asked = self.asked
        self.exporter.subscribe(b"s", lambda *message: asked.append(message[1:]))


def publish(block: bytes, payload: bytes = b"", reply: bytes = b"") -> bytes:
    sizes = b"%d %d" % (len(block), len(block) + len(payload))
    return b"HPUB s %b %b\r\n%b%b\r\n" % (reply, sizes, block, payload)


@pytest.mark.parametrize(
    ("block", "kept"),
    [
        (b"NATS/1.0\r\nX: a\r\n\r\n", b"NATS/1.0\r\nX: a\r\n"),
        (b"NATS/1.0\r\nX: a", b"NATS/1.0\r\nX: a\r\n"),
        (b"NATS/1.0", b"NATS/1.0\r\n"),
        (b"NATS/1.0\r\nNats-Request-Info: x\r\nX: a\r", b"NATS/1.0\r\nX: a\r\n"),
        (b"Nats-Request-Info: x", b"NATS/1.0\r\n"),
    ],
)
def test_who_asks_stands_in_a_line_of_its_own(life: Life, block: bytes, kept: bytes) -> None:
    service = Service(life)
    service.serve()
    life.say(life.client(), publish(block, b"payload"))
    ((_, _, headers, payload),) = service.asked
    assert headers == kept + INFO + b"\r\n"
    assert payload == b"payload"


def steps_of(life: Life, work: Callable[[], object]) -> int:
    before = life.engine.steps
    work()
    return life.engine.steps - before


def test_what_measuring_a_request_costs_is_counted(life: Life) -> None:
    plain, measured = (
        Service(Life(), latency) for latency in (None, ServiceLatency("lat", sampling=100))
    )
    costs = []
    for service in (plain, measured):
        peer = service.life.client(b"SUB in 1\r\n")
        service.life.say(peer, pub(b"s", b"", b"in"))  # it is told once who asks
        costs.append(
            steps_of(service.life, lambda s=service, p=peer: s.life.say(p, pub(b"s", b"", b"in")))  # type: ignore[misc]
        )
        service.life.end()
    # Nobody listens: a request is begun, and told of as unheard.
    assert costs[1] >= costs[0] + 6 * CALL


def test_answers_that_do_not_come_are_told_of_some_at_a_time(life: Life) -> None:
    service = Service(life, ServiceLatency("lat", sampling=100), wait_ns=1)
    service.serve()
    told: list[bytes] = []
    service.exporter.subscribe(b"lat", lambda *message: told.append(message[4]))
    count = 100
    life.say(life.client(b"SUB in 1\r\n"), pub(b"s", b"", b"in") * count)
    assert (len(service.asked), told) == (count, [])
    most = passes = 0
    deadline = Deadline()
    while len(told) < count:
        deadline.check("all that is to be told")
        before = len(told)
        life.loop.run_timers()
        most, passes = max(most, len(told) - before), passes + 1
    assert most <= 8
    assert passes >= count // 8
    assert all(b'"status":504' in each for each in told)


def test_the_bytes_of_a_request_are_counted(life: Life) -> None:
    service = Service(life)
    peer = life.client()
    life.say(peer, pub(b"s", b""))
    size = 1 << 20
    few = steps_of(life, lambda: life.say(peer, pub(b"s", b"x")))
    many = steps_of(life, lambda: life.say(peer, pub(b"s", b"x" * size)))
    assert many >= few + (size >> 9)
    assert service.asked == []


def alive(kind: type[Any]) -> int:
    gc.collect()
    return sum(1 for each in gc.get_objects() if type(each) is kind)


def test_nothing_stays_of_an_import_that_has_ended() -> None:
    life = Life()
    try:
        before = alive(ServiceImport), alive(Responses)
        service = Service(life)
        service.serve()
        peer = life.client()
        for _ in range(20):
            other = service.make(b"s")
            service.made.close()
            service.made = other
            life.say(peer, pub(b"s", b""))
        assert len(service.asked) == 20
        assert alive(ServiceImport) == before[0] + 1
        service.made.close()
        service.exporter.close()
        del service, other
        assert (alive(ServiceImport), alive(Responses)) == before
    finally:
        life.end()


def test_an_empty_name_leads_nowhere_however_often_it_is_used(life: Life) -> None:
    life.account.map(make_mapper({"a.*": [MappingTarget("{{split(1,-)}}", 100)]}))
    got: list[bytes] = []
    life.account.subscribe(b">", lambda *message: got.append(message[1]))
    peer = life.client()
    life.say(peer, pub(b"a.-", b"") * 5)
    life.say(peer, b"".join(pub(b"a.-", b"") + pub(b"b.%d" % n, b"") for n in range(20)))
    assert got == [b"b.%d" % n for n in range(20)]


def test_repeated_requests_follow_what_changes_at_the_exporter(life: Life) -> None:
    service = Service(life)
    got: list[tuple[str, bytes]] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *message: got.append((name, message[1]))

    peer = life.client()
    repeated = pub(b"s", b"x") * 3
    life.say(peer, repeated)
    assert got == []
    first = service.exporter.subscribe(b"s", note("first"))
    life.say(peer, repeated)
    wild = service.exporter.subscribe(b">", note("wild"))
    life.say(peer, repeated)
    service.exporter.unsubscribe(first)
    life.say(peer, repeated)
    service.exporter.map(make_mapper({"s": [MappingTarget("t", 100)]}))
    life.say(peer, repeated)
    other = service.exporter.subscribe(b"t", note("other"))
    life.say(peer, repeated)
    service.exporter.map(make_mapper({"s": [MappingTarget("s", 0)]}))  # lost
    life.say(peer, repeated)
    service.exporter.map(None)
    service.exporter.unsubscribe(other)
    service.exporter.unsubscribe(wild)
    life.say(peer, repeated)
    assert sorted(got[:3]) == [("first", b"s")] * 3
    assert sorted(got[3:9]) == [("first", b"s")] * 3 + [("wild", b"s")] * 3
    assert got[9:15] == [("wild", b"s")] * 3 + [("wild", b"t")] * 3
    assert sorted(got[15:]) == [("other", b"t")] * 3 + [("wild", b"t")] * 3


def test_repeated_requests_of_any_size_tell_who_asks_now(life: Life) -> None:
    service = Service(life)
    service.serve()
    peer, other = life.client(), life.client()
    sizes = (0, 900, 1_000, 1_024, 5_000)
    for size in sizes:
        life.say(peer, pub(b"s", b"x" * size) * 2)
        life.say(other, pub(b"s", b"x" * size))
    assert [len(payload) for *_, payload in service.asked] == [n for n in sizes for _ in range(3)]
    assert {headers for _, _, headers, _ in service.asked} == {b"NATS/1.0\r\n" + INFO + b"\r\n"}


def test_who_floods_one_service_leaves_the_others_their_answers(life: Life) -> None:
    slow = Service(life)
    other = Account("D")
    slow.exporter.subscribe(b"s", lambda *message: None)
    asked: list[bytes] = []
    slow.exporter.subscribe(b"f", lambda *message: asked.append(message[2]))
    export = ServiceExport(Terms(0, 10**12))
    kept = ServiceImport(life.engine, other, slow.exporter, b"f", None, export, who)
    answers: list[bytes] = []
    other.subscribe(b"in", lambda *message: answers.append(message[4]))
    flood = pub(b"s", b"", b"w") * 30_000
    peer = life.client()
    for _ in range(9):
        life.say(peer, flood)
    owed = slow.exporter.awaited
    assert owed is not None
    assert owed.count == 262_144
    for _ in range(10):
        other.publish(life.engine, b"f", b"", b"in")
    for number, reply in enumerate(asked):
        slow.exporter.publish(life.engine, reply, b"%d" % number)
    assert answers == [b"%d" % number for number in range(10)]
    assert owed.count == 262_144
    kept.close()


@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_is_withdrawn_is_not_answered_late(life: Life, withdrawn: bool) -> None:
    service = Service(life)
    service.serve()
    heard: list[bytes] = []
    life.account.subscribe(b"in", lambda *message: heard.append(message[4]))
    life.say(life.client(), pub(b"s", b"", b"in"))
    if withdrawn:
        service.made.withdraw()
    else:
        service.made.close()  # the importer does not want it any more
    ((_, reply, *_),) = service.asked
    service.exporter.publish(life.engine, reply, b"late")
    assert heard == ([] if withdrawn else [b"late"])
