"""The clients of Core NATS against a server, and what they say when something is refused."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pynats_bench.clients import core
from pynats_bench.clients.bench import Bench
from pynats_bench.clients.core import Publish, Request, Serve, Subscribe
from pynats_bench.clients.frames import STAMP_BYTES, content, header_block
from pynats_bench.clients.histogram import all_together
from pynats_bench.clients.model import Target
from pynats_bench.clients.timeline import Sampler
from pynats_bench.engine.scan import STAMP_MAGIC
from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import connect, settle

from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess

CONFIG = """
max_payload: 8MB
authorization {
  users = [
    { user: all, password: p }
    { user: some, password: p, permissions: { publish: "open.>", subscribe: ["open.>", "_INBOX.>"] } }
  ]
}
"""  # noqa: E501


@pytest.fixture(
    scope="module", params=[PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)]
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    with ServerProcess(request.param, tmp_path_factory.mktemp("core"), CONFIG) as process:
        yield process


def target_of(server: ServerProcess, user: str = "all") -> Target:
    return Target(lambda: connect(Endpoint("127.0.0.1", server.port, user, "p")))


@pytest.fixture
def target(server: ServerProcess) -> Target:
    return target_of(server)


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    """A bench that runs beside the test, stopped at the end."""
    failures: list[Exception] = []

    def run() -> None:
        try:
            bench.run()
        except Exception as error:
            failures.append(error)

    with bench:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield bench
        finally:
            bench.stop()
            thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not failures


@contextmanager
def witness(target: Target, subject: str) -> Iterator[Callable[[int], list[tuple[str, bytes]]]]:
    """(subject, header block and payload) of the next messages, which any client library could
    have read."""
    link = target.dial()
    link.settimeout(PATIENCE_S)
    with link, link.makefile("rb") as stream:
        assert settle(link, f"SUB {subject} 1\r\n".encode()) == b"PONG\r\n"

        def messages(count: int) -> list[tuple[str, bytes]]:
            found = []
            while len(found) < count:
                fields = stream.readline().split()
                if fields[0] in (b"MSG", b"HMSG"):
                    found.append((fields[1].decode(), stream.read(int(fields[-1]) + 2)[:-2]))
            return found

        yield messages


def test_the_messages_are_those_of_the_original(target: Target) -> None:
    """Its client sent these for `bench pub foo --msgs 11 --clients 3 --size 1 --multisubject`."""
    with (
        witness(target, "foo.*") as messages,
        Publish(target, subject="foo", clients=3, messages=11, size=1, subjects=100_000) as bench,
    ):
        bench.run()
        got = messages(11)
    assert sorted(got) == [(f"foo.{number:06}", b"\0") for number in range(11)]
    assert [share.messages for share in bench.shares()] == [4, 4, 3]
    assert [share.wanted for share in bench.shares()] == [4, 4, 3]
    assert bench.progress() == [4, 4, 3]
    for share in bench.shares():
        assert share.payload_bytes == share.messages
        assert 0 < share.first_ns < share.last_ns
        assert share.operations and share.operations.count == share.messages


def test_subjects_come_round_again_and_headers_are_as_given(target: Target) -> None:
    headers = [("A", "b"), ("A", "c")]
    with (
        witness(target, "foo.*") as messages,
        Publish(
            target, subject="foo", clients=1, messages=7, size=10, subjects=3, headers=headers
        ) as bench,
    ):
        bench.run()
        got = messages(7)
    assert got == [
        (f"foo.{number % 3}", b"NATS/1.0\r\nA: b\r\nA: c\r\n\r\n" + bytes(10))
        for number in range(7)
    ]
    assert bench.shares()[0].payload_bytes == 70


@pytest.mark.parametrize("headers", [[], [("A", "b")]])
def test_without_a_limit_subjects_have_the_messages_numbers_as_they_are(
    target: Target, headers: list[tuple[str, str]]
) -> None:
    """As with `--multisubject --multisubjectmax 0` of the original."""
    with (
        witness(target, "\u00e4.*") as messages,
        Publish(
            target, subject="\u00e4", clients=2, messages=12, size=1, subjects=0, headers=headers
        ) as bench,
    ):
        bench.run()
        seen = [subject for subject, _ in messages(12)]
    assert sorted(seen) == sorted(f"\u00e4.{number}" for number in range(12))
    assert bench.shares()[0].payload_bytes == 6


def test_subjects_at_random_are_all_of_them(target: Target) -> None:
    with (
        witness(target, "foo.*") as messages,
        Publish(
            target, subject="foo", clients=2, messages=2_000, size=0, subjects=10, randomize=True
        ) as bench,
    ):
        bench.run()
        seen = Counter(subject for subject, _ in messages(2_000))
    assert set(seen) == {f"foo.{number:02}" for number in range(10)}
    assert max(seen.values()) < 2_000 // 3  # that they are so unequal is less likely than a fault


def test_a_generated_payload_begins_with_the_time(target: Target) -> None:
    with (
        witness(target, "foo") as messages,
        Publish(target, subject="foo", clients=1, messages=3, size=40) as bench,
    ):
        before = time.time_ns()
        bench.run()
        after = time.time_ns()
        got = messages(3)
    for _, payload in got:
        assert len(payload) == 40
        assert payload.startswith(STAMP_MAGIC)
        assert before <= int.from_bytes(payload[8:16], "little") <= after
        assert payload[16:] == bytes(24)


def test_a_payload_is_its_own() -> None:
    assert content(128, b"text") == (b"text", -1)
    assert content(STAMP_BYTES - 1) == (bytes(15), -1)
    assert header_block([]) == b""


@pytest.mark.parametrize("size", [0, 16, 128, 70_000])
def test_every_subscriber_gets_its_count_and_knows_how_long_it_took(
    target: Target, size: int
) -> None:
    count = 300 if size < 10_000 else 20
    pub: dict[str, Any] = {"subject": "open", "size": size, "subjects": 7}
    with (
        Subscribe(target, subject="open.*", clients=2, messages=count) as sub,
        Publish(target, clients=1, messages=1, **pub) as first,
        Publish(target, clients=2, messages=count, **pub) as rest,
    ):
        thread = threading.Thread(target=sub.run, daemon=True)
        thread.start()
        first.run()
        wait_until(lambda: min(sub.progress()) > 0, "the subscribers to run")
        rest.run()
        thread.join(PATIENCE_S)
        shares = sub.shares()
    assert [share.messages for share in shares] == [count, count]
    assert [share.payload_bytes for share in shares] == [count * size] * 2
    for share in shares:
        assert 0 < share.first_ns < share.last_ns
        assert share.deliveries is not None
        assert (share.deliveries.count > 0) == (size >= STAMP_BYTES)
        assert share.deliveries.count <= count
        assert share.deliveries.maximum < PATIENCE_S * 1e9
    assert not sub.warnings


def test_what_came_before_the_run_counts(target: Target) -> None:
    with (
        Subscribe(target, subject="early", clients=1, messages=10) as sub,
        Publish(target, subject="early", clients=1, messages=10, size=128) as pub,
    ):
        pub.run()
        sub.run()
    assert [share.messages for share in sub.shares()] == [10]


def test_a_subscriber_counts_to_its_number_and_leaves() -> None:
    """Its subscription has no limit: servers look at each delivery of one that has."""
    near, far = socket.socketpair()
    far.settimeout(PATIENCE_S)
    with far, far.makefile("rb") as said:
        messages = b"".join(b"MSG s 1 %d\r\n%s\r\n" % (size, b"x" * size) for size in range(9))
        far.sendall(b"PONG\r\n")  # an answer to a question that comes
        with Subscribe(Target(lambda: near), subject="s", clients=1, messages=5) as sub:
            assert [said.readline(), said.readline()] == [b"SUB s 1\r\n", b"PING\r\n"]
            thread = threading.Thread(target=sub.run, daemon=True)
            thread.start()
            far.sendall(messages + b"PING\r\n")
            assert said.readline() == b"UNSUB 1\r\n"
            answers = {said.readline(), said.readline()}
            assert answers == {b"PING\r\n", b"PONG\r\n"}
            far.sendall(b"MSG s 1 3\r\nxxx\r\nPONG\r\n")
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    share = sub.shares()[0]
    assert (share.messages, share.payload_bytes) == (5, 0 + 1 + 2 + 3 + 4)
    assert 0 < share.first_ns < share.last_ns  # though all came with one receive


def test_who_has_its_number_waits_for_the_others(target: Target) -> None:
    other = target.dial()
    with other, Subscribe(target, subject="more", clients=3, messages=40) as sub:
        settle(other, b"PUB more 3\r\nabc\r\n" * 100)
        sub.run()
    assert [(s.messages, s.payload_bytes) for s in sub.shares()] == [(40, 120)] * 3
    assert all(s.first_ns < s.last_ns for s in sub.shares())


def test_messages_of_others_are_counted_whatever_they_hold(target: Target) -> None:
    link = target.dial()
    with link, Subscribe(target, subject="mixed", clients=1, messages=4) as sub:
        payload = b"MSG mixed 1 5\r\nhello\r\n"
        line = f"PUB mixed {len(payload)}\r\n".encode() + payload + b"\r\n"
        headed = b"HPUB mixed 12 17\r\nNATS/1.0\r\n\r\nhello\r\n"
        settle(link, line + headed + line + headed)
        sub.run()
    share = sub.shares()[0]
    assert (share.messages, share.payload_bytes) == (4, 2 * len(payload) + 10)
    assert share.deliveries is not None and share.deliveries.count == 0


@pytest.mark.parametrize("size", [0, 128, 2_000_000])
def test_requests_are_answered_and_measured(target: Target, size: int) -> None:
    headers = [("X", "y")] if size == 128 else []
    with (
        running(Serve(target, subject="svc", clients=2)) as serve,
        Request(target, subject="svc", clients=3, messages=10, size=size, headers=headers) as ask,
    ):
        ask.run()
        shares = ask.shares()
        # Counted behind the send: the answer may be there first.
        wait_until(lambda: sum(serve.progress()) == 10, "all answers to be counted")
        assert all(s.first_ns < s.last_ns for s in serve.shares() if s.messages)
        assert sum(share.payload_bytes for share in serve.shares()) == 10 * size
    assert [share.messages for share in shares] == [4, 3, 3]
    assert [share.payload_bytes for share in shares] == [4 * size, 3 * size, 3 * size]
    assert all(share.operations and share.operations.count == share.messages for share in shares)


def test_a_second_answer_is_not_taken_for_the_next_one(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(running(Serve(target, subject="open.twice", clients=1)))
        monkeypatch.setattr(core, "QUEUE", "another")
        other = stack.enter_context(running(Serve(target, subject="open.*", clients=1)))
        ask = stack.enter_context(Request(target, subject="open.twice", clients=1, messages=50))
        ask.run()
        wait_until(lambda: one.progress() == other.progress() == [50], "both to have answered")
    assert ask.progress() == [50]


def test_who_serves_with_a_sleep_works_on_one_request_after_the_other(target: Target) -> None:
    with (
        running(Serve(target, subject="slow", clients=1, sleep_ns=2_000_000)),
        Request(target, subject="slow", clients=4, messages=20) as ask,
    ):
        began = time.monotonic_ns()
        ask.run()
        took = time.monotonic_ns() - began
    assert took >= 20 * 2_000_000
    assert all(share.operations and share.operations.minimum >= 2_000_000 for share in ask.shares())


@pytest.mark.parametrize("reply", [b"", b"-x", b"an error"])
def test_a_bad_reply_is_refused(target: Target, reply: bytes) -> None:
    link = target.dial()
    link.settimeout(PATIENCE_S)

    def answer() -> None:
        with link, link.makefile("rb") as stream:
            while line := stream.readline():
                if line.startswith(b"MSG"):
                    subject = line.split()[3].decode()
                    link.sendall(f"PUB {subject} {len(reply)}\r\n".encode() + reply + b"\r\n")
                    return

    settle(link, b"SUB bad 1\r\n")
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with Request(target, subject="bad", clients=1, messages=2) as ask:
        text = f'did not receive a good reply: "{reply.decode()}"'
        with pytest.raises(LoadError, match=text):
            ask.run()
    thread.join(PATIENCE_S)
    assert ask.progress() == [0]


def test_no_responders(target: Target) -> None:
    with (
        Request(target, subject="nobody", clients=1, messages=2) as ask,
        pytest.raises(LoadError, match=r"^client 1: no responders available for request$"),
    ):
        ask.run()


def test_a_request_that_nobody_answers(target: Target) -> None:
    with (
        Subscribe(target, subject="silent", clients=1, messages=9),
        Request(target, subject="silent", clients=1, messages=2, timeout_s=0.1) as ask,
        pytest.raises(LoadError, match=r"^client 1: no answer to a request within 0.1s$"),
    ):
        ask.run()


def test_the_server_s_words_end_a_run(server: ServerProcess, target: Target) -> None:
    some = target_of(server, "some")
    with (
        Publish(some, subject="shut", clients=2, messages=1_000_000) as pub,
        pytest.raises(LoadError) as caught,
    ):
        pub.run()
    assert str(caught.value)[8:] == ': Permissions Violation for Publish to "shut"'
    assert str(caught.value).startswith(("client 1", "client 2"))
    with pytest.raises(LoadError, match='client 1: Permissions Violation for Subscription to "s'):
        Subscribe(some, subject="shut", clients=1).__enter__()
    with (
        Publish(target, subject="big", clients=1, messages=5, size=9_000_000) as pub,
        pytest.raises(LoadError, match="client 1: Maximum Payload Violation"),
    ):
        pub.run()


def test_a_lost_connection_is_named_and_what_was_done_is_kept(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path) as server:
        target = Target(lambda: connect(Endpoint("127.0.0.1", server.port)))
        with (
            Subscribe(target, subject="foo", clients=1) as sub,
            Publish(target, subject="foo", clients=1, messages=100) as pub,
        ):
            pub.run()
            ends = threading.Thread(
                target=lambda: (wait_until(lambda: sub.progress() == [100], "100"), server.stop())
            )
            ends.start()
            with pytest.raises(LoadError, match="client 1: the server closed the connection"):
                sub.run()
            ends.join(PATIENCE_S)
            assert sub.shares()[0].messages == 100


def test_a_pace_holds_and_a_stop_ends_it(target: Target) -> None:
    with Publish(target, subject="foo", clients=2, messages=60, rate=1_000) as pub:
        pub.run()
    for share in pub.shares():  # the first of a client comes at once
        assert share.last_ns - share.first_ns >= 28 * 2_000_000
    with Publish(target, subject="foo", clients=1, messages=10, sleep_ns=3_000_000) as pub:
        pub.run()
    share = pub.shares()[0]
    assert share.last_ns - share.first_ns >= 9 * 3_000_000
    with Publish(target, subject="foo", clients=1, rate=500) as pub:
        thread = threading.Thread(target=pub.run, daemon=True)
        thread.start()
        wait_until(lambda: pub.progress()[0] > 3, "some messages")
        pub.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert pub.shares()[0].messages == pub.shares()[0].operations.count  # type: ignore[union-attr]


def test_more_than_a_pace_lets_through_is_made_up_for_in_small_bursts(target: Target) -> None:
    with Publish(target, subject="foo", clients=1, messages=20_000, rate=400_000) as pub:
        pub.run()
    share = pub.shares()[0]
    assert share.messages == 20_000
    # At most at twice the rate, whatever the machine was doing.
    assert share.last_ns - share.first_ns >= 19_000 * 1e9 / 800_000


def test_a_stop_before_the_run_and_during_a_wait_for_room(target: Target) -> None:
    with Publish(target, subject="foo", clients=1, messages=10) as pub:
        pub.stop()
        pub.run()
    assert pub.progress()[0] <= 10
    with socket.create_server(("127.0.0.1", 0)) as listener:  # one that never reads

        def dial() -> socket.socket:
            return socket.create_connection(listener.getsockname())

        with Publish(Target(dial), subject="foo", clients=1, messages=10, size=32 << 20) as stuck:
            thread = threading.Thread(target=stuck.run, daemon=True)
            thread.start()
            wait_until(lambda: stuck.shares()[0].first_ns > 0, "the begin")
            stuck.stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@contextmanager
def scripted(script: Callable[[socket.socket], None]) -> Iterator[Target]:
    """A server that does what the script says with its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def serve() -> None:
            link, _ = listener.accept()
            link.settimeout(PATIENCE_S)
            with link:
                script(link)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Target(lambda: connect(Endpoint("127.0.0.1", listener.getsockname()[1])))
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_who_waits_for_its_turn_answers_pings_and_minds_no_info() -> None:
    answered = threading.Event()

    def script(link: socket.socket) -> None:
        with link.makefile("rb") as lines:
            while lines.readline() != b"PING\r\n":
                pass
            link.sendall(b"PONG\r\n")
            while lines.readline() != b"\r\n":  # the first message, without a payload
                pass
            link.sendall(b'INFO {"connect_urls":[]}\r\n+OK\r\nPING\r\n')
            assert lines.readline() == b"PONG\r\n"
            answered.set()
            lines.read()

    with (
        scripted(script) as target,
        running(Publish(target, subject="foo", clients=1, size=0, sleep_ns=10**15)),
    ):
        assert answered.wait(PATIENCE_S)


def test_requests_that_come_while_one_is_worked_on_wait_and_so_does_no_ping() -> None:
    got: list[bytes] = []

    def script(link: socket.socket) -> None:
        with link.makefile("rb") as lines:
            for _ in range(2):  # the handshake and the subscription
                while lines.readline() != b"PING\r\n":
                    pass
                link.sendall(b"PONG\r\n")
            for number in range(3):
                link.sendall(b"MSG svc 1 reply.%d 5\r\nhello\r\n" % number)
            link.sendall(b"PING\r\n")
            got.extend(lines.readline() for _ in range(7))
            lines.read()

    serve: Bench
    with scripted(script) as target:
        with running(Serve(target, subject="svc", clients=1, sleep_ns=30_000_000)) as serve:
            wait_until(lambda: serve.progress() == [3], "three answers")
        assert serve.shares()[0].payload_bytes == 15
    answers = [line for number in range(3) for line in (b"PUB reply.%d 2\r\n" % number, b"ok\r\n")]
    assert [line for line in got if line != b"PONG\r\n"] == answers
    assert got[0] == b"PONG\r\n"


def test_copies_for_the_time_are_not_made_without_bound(target: Target) -> None:
    assert Publish(target, subject="foo", clients=1, size=1_000)._time_at > 0
    assert Publish(target, subject="foo", clients=1_000, size=1_000_000)._time_at == -1


def test_more_clients_than_messages_are_fewer_clients(target: Target) -> None:
    with Publish(target, subject="foo", clients=5, messages=2) as pub:
        pub.run()
    assert pub.progress() == [1, 1]


def test_a_run_over_time_has_all_that_its_end_has(target: Target) -> None:
    with Publish(target, subject="over.time", clients=5, messages=20_000, size=16) as bench:
        assert bench.span_ns() == (0, 0)
        with Sampler(bench) as sampler:
            bench.run()
        shares, line = bench.shares(), sampler.timeline()
        assert bench.latency_so_far() == all_together(share.operations for share in shares)
        assert bench.span_ns() == (
            min(share.first_ns for share in shares), max(share.last_ns for share in shares),
        )  # fmt: skip
    assert line.clients == 5
    edges = [0.0, *(rate.seconds for rate in line.rates)]
    seen = [rate.total * (b - a) for rate, a, b in zip(line.rates, edges, edges[1:], strict=False)]
    assert round(sum(seen)) == 20_000
    assert sum(latency.count for latency in line.latencies) == 20_000


def test_deliveries_are_the_latency_of_who_only_receives(target: Target) -> None:
    def publish(messages: int) -> None:
        with Publish(target, subject="over.there", messages=messages, size=32) as other:
            other.run()

    with running(Subscribe(target, subject="over.there", clients=2, messages=301)) as bench:
        before = bench.latency_so_far()
        assert before is not None and before.count == 0
        publish(1)  # what was stamped before it began does not count
        wait_until(lambda: bench.progress() == [1, 1], "its beginning")
        publish(300)
        wait_until(lambda: bench.progress() == [301, 301], "all messages")
        latency = bench.latency_so_far()
    assert latency == all_together(share.deliveries for share in bench.shares())
    assert latency is not None and latency.count > 0
