"""The loop that consumes, with the test as the server: what it sends, counts and refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_bench.engine.consume import ConsumeLoop, digest_of
from pynats_bench.model import LoadError

from tests.support.deliveries import (
    END,
    PULL,
    STALL_S,
    Dialogue,
    Pair,
    Served,
    acked,
    delivery,
    pull_of,
    socket_pair,
    status,
)

MS = 1_000_000


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket_pair() as pair:
        yield pair


def test_a_puller_asks_acknowledges_and_asks_again(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 4, **PULL, batch=4, step=2, ack_every=1)
    data = b"".join(delivery(n) for n in range(7, 10)) + delivery(10, headers=b"NATS/1.0\r\n\r\n")
    served = Served(loop, pair[1], [data[:30], data[30:100], data[100:]])
    acks = [acked(n) for n in range(7, 11)]
    wanted = pull_of(4) + acks[0] + acks[1] + pull_of(2) + acks[2] + acks[3] + b"PING\r\n"
    assert (served.error, served.sent) == ("", wanted)
    assert loop.digest == digest_of(7, 10)
    assert (loop.progress(), loop.payload_bytes, loop.disorder) == ([4], 20, 0)


def test_acknowledging_all_takes_every_so_many_and_the_last(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 5, ack_every=2)
    served = Served(loop, pair[1], [b"".join(delivery(n) for n in range(1, 6))])
    wanted = b"".join(acked(n) for n in (2, 4, 5))
    assert (served.error, served.sent) == ("", wanted + b"PING\r\n")


def test_flow_control_is_answered_and_heartbeats_are_not(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 1)
    stalled = "100 Idle Heartbeat\r\nNats-Consumer-Stalled: $JS.FC.S.C.b"
    served = Served(
        loop,
        pair[1],
        [
            status("100 Idle Heartbeat")
            + status("100 FlowControl Request", "$JS.FC.S.C.a")
            + status(stalled)
            + delivery(1)
        ],
    )
    wanted = b"PUB $JS.FC.S.C.a 0\r\n\r\nPUB $JS.FC.S.C.b 0\r\n\r\nPING\r\n"
    assert (served.error, served.sent, loop.controls) == ("", wanted, 2)


def test_an_expired_request_is_made_again_and_another_status_ends_the_run(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 1, **PULL, batch=9, step=5)
    served = Served(loop, pair[1], [status("408 Request Timeout") + delivery(1)])
    assert (served.error, served.sent) == ("", pull_of(9) * 2 + b"PING\r\n")
    assert loop.statuses == 1


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (status("409 Consumer Deleted"), "the server ended the consumption: 409 Consumer Deleted"),
        (b"MSG foo 1 5\r\nhello\r\n", "no consumer delivered: hello"),
        (b"MSG foo 1 _INBOX.x 5\r\nhello\r\n", "no consumer delivered"),
        (b"MSG foo\r\n", "malformed"),
        (b"-ERR 'no'\r\n", "-ERR"),
    ],
)
def test_what_is_no_delivery_ends_the_run(pair: Pair, data: bytes, complaint: str) -> None:
    loop = ConsumeLoop([pair[0]], 1)
    pair[1].sendall(data)
    with pytest.raises(LoadError, match=complaint):
        loop.run(STALL_S)


def test_a_message_twice_or_out_of_order_is_noticed(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 3)
    Served(loop, pair[1], [delivery(1) + delivery(3) + delivery(3)])
    assert loop.disorder == 1
    assert loop.digest != digest_of(1, 3)


def test_a_consumer_that_falls_silent_is_an_error(
    pair: Pair,
) -> None:
    loop = ConsumeLoop([pair[0]], 3)
    pair[1].sendall(delivery(1))
    with pytest.raises(LoadError, match="received 1 of 3"):
        loop.run(0.1)


# --- clients with a share each ---


def alone(pair: Pair, wanted: int, **settings: object) -> ConsumeLoop:
    loop = ConsumeLoop([pair[0]], **settings)  # type: ignore[arg-type]
    loop.want([wanted])
    return loop


def test_a_client_asks_for_no_more_than_is_missing_and_ends_when_it_has_its_share(
    pair: Pair,
) -> None:
    loop = alone(pair, 7, **PULL, batch=4, step=3, capped=True)
    with Dialogue(loop, pair[1]) as server:
        server.expect(pull_of(4))
        server.say(*(delivery(n) for n in (1, 2, 3)))
        server.expect(pull_of(3))
        server.say(*(delivery(n) for n in (4, 5, 6, 7)))
        server.expect(END)
        server.say(delivery(8))
    assert server.error == ""
    ((wanted, messages, size, first_ns, last_ns),) = loop.figures()
    assert (wanted, messages, size) == (7, 7, 35)
    assert loop.first_ns <= first_ns < last_ns <= loop.last_ns


def test_every_client_has_its_own_share() -> None:
    with socket_pair() as one, socket_pair() as other:
        loop = ConsumeLoop([one[0], other[0]], ack_every=1)
        loop.want([2, 1])
        one[1].sendall(delivery(1) + delivery(2))
        other[1].sendall(delivery(3) + delivery(4))
        with Dialogue(loop, one[1]) as server:
            server.expect(acked(1) + acked(2) + END)
            other[1].sendall(b"PONG\r\n")
        assert other[1].recv(4096) == acked(3) + END
    assert (server.error, loop.progress()) == ("", [2, 1])


def test_messages_that_a_request_did_not_bring_are_asked_for_again(pair: Pair) -> None:
    loop = alone(pair, 20, **PULL, batch=10, step=6)
    with Dialogue(loop, pair[1]) as server:
        server.expect(pull_of(10))
        server.say(*(delivery(n) for n in range(1, 7)))
        server.expect(pull_of(6))
        # Three of the first request's are not to come: seven are, more than half.
        server.say(
            status("408 Request Timeout\r\nNats-Pending-Messages: 3\r\nNats-Pending-Bytes: 0")
        )
        server.say(delivery(7))
        server.say(status("408 Request Timeout\r\nNats-Pending-Messages: 5"))
        server.expect(pull_of(9))
        loop.stop()
    assert (server.error, loop.statuses, loop.empties) == ("", 2, 0)


def test_a_fetch_that_brings_nothing_ends_the_run_where_that_is_an_error(pair: Pair) -> None:
    loop = alone(pair, 9, **PULL, batch=3, step=3, empty=b"no messages")
    loop.measure()
    with Dialogue(loop, pair[1]) as server:
        server.expect(pull_of(3))
        server.say(*(delivery(n) for n in (1, 2, 3)))
        server.expect(pull_of(3))
        server.say(delivery(4), status("408 Request Timeout"))
        server.expect(pull_of(3))
        server.say(status("408 Request Timeout"))
        assert server.ended() == "no messages"
    assert (loop.progress(), loop.failed_at) == ([4], 0)
    (counted,) = loop.operations()
    assert counted is not None
    assert sum(counted[4].values()) == 1  # only the whole batch


@pytest.mark.parametrize("text", ["Exceeded MaxWaiting", "Leadership Change", "Batch Completed"])
def test_what_ends_only_a_request_is_asked_again_a_tick_later(pair: Pair, text: str) -> None:
    loop = alone(pair, 1, **PULL, batch=3, step=2)
    with Dialogue(loop, pair[1]) as server:
        server.expect(pull_of(3))
        server.say(status(f"409 {text}"))
        server.expect(pull_of(3))
        server.say(delivery(1))
        server.expect(END)
    assert server.error == ""


def test_a_gap_of_an_ordered_consumer_is_an_error(pair: Pair) -> None:
    loop = alone(pair, 3, ordered=True)
    pair[1].sendall(delivery(1) + delivery(3))
    with pytest.raises(LoadError, match=r"a gap in front of a message: \$JS.ACK.S.C.1.3.3"):
        loop.run(STALL_S)
    assert loop.progress() == [1]


def test_missing_heartbeats_lead_to_another_request(pair: Pair) -> None:
    loop = alone(pair, 1, **PULL, batch=3, step=2, heartbeat_ns=20 * MS)
    with Dialogue(loop, pair[1], 0.0) as server:
        server.expect(pull_of(3) * 2)
        server.say(delivery(1))
        server.until(END)
    assert (server.error, loop.silences > 0) == ("", True)


@pytest.mark.parametrize("pushed", [True, False])
def test_missing_heartbeats_end_a_fetch_and_what_is_pushed(pair: Pair, pushed: bool) -> None:
    if pushed:
        loop = alone(pair, 1, heartbeat_ns=10 * MS)
    else:
        loop = alone(pair, 1, **PULL, batch=3, step=3, empty=b"none", heartbeat_ns=10 * MS)
    with pytest.raises(LoadError, match=r"no heartbeat of the server within 0.02 s"):
        loop.run(0.0)


def test_no_responders_are_named(pair: Pair) -> None:
    loop = alone(pair, 1, **PULL, batch=3, step=2)
    pair[1].sendall(status("503"))
    with pytest.raises(LoadError, match="no responders: the stream or its consumer is gone"):
        loop.run(STALL_S)


def test_an_acknowledgement_waits_for_its_answer_and_the_next_message_for_both(pair: Pair) -> None:
    loop = alone(pair, 3, ack_every=1, confirms=[b"in.a"], timeout_ns=30_000 * MS)
    with Dialogue(loop, pair[1]) as server:
        server.say(*(delivery(n) for n in (1, 2, 3)))
        for sequence in (1, 2, 3):
            server.expect(acked(sequence, "in.a"))
            assert loop.progress() == [sequence - 1]
            server.say(b"MSG in.a 1 0\r\n\r\n")
        server.expect(END)
    assert (server.error, loop.acknowledged, loop.progress()) == ("", 3, [3])


def test_an_answer_that_does_not_come_is_an_error(pair: Pair) -> None:
    loop = alone(pair, 3, ack_every=1, confirms=[b"in.a"], timeout_ns=20 * MS)
    pair[1].sendall(delivery(1))
    with pytest.raises(LoadError, match=r"no answer to an acknowledgement within 0.02 s"):
        loop.run(0.0)
    assert loop.progress() == [0]


def test_a_pong_that_does_not_come_is_an_error(pair: Pair) -> None:
    loop = alone(pair, 1, timeout_ns=20 * MS)
    pair[1].sendall(delivery(1))
    with pytest.raises(LoadError, match=r"no PONG after the last acknowledgement within 0.02 s"):
        loop.run(0.0)
    assert loop.progress() == [1]


def test_a_client_that_sleeps_acknowledges_afterwards_one_after_the_other(pair: Pair) -> None:
    loop = alone(pair, 4, **PULL, batch=2, step=2, ack_every=1)
    loop.pace(20 * MS)
    with Dialogue(loop, pair[1]) as server:
        server.expect(pull_of(2))
        server.say(delivery(1), delivery(2), b"PING\r\n")
        server.expect(b"PONG\r\n" + acked(1) + acked(2) + pull_of(2))
        server.say(delivery(3), delivery(4))
        server.expect(acked(3) + acked(4) + END)
    assert server.error == ""
    ((_, messages, _, first_ns, last_ns),) = loop.figures()
    assert messages == 4
    assert last_ns - first_ns >= 4 * 20 * MS


def test_a_slow_client_answers_flow_control_when_it_has_come_to_it(pair: Pair) -> None:
    loop = alone(pair, 2, ack_every=1)
    loop.pace(10 * MS)
    with Dialogue(loop, pair[1]) as server:
        server.say(delivery(1), status("100 FlowControl Request", "$JS.FC.S.C.a"), delivery(2))
        server.expect(acked(1) + b"PUB $JS.FC.S.C.a 0\r\n\r\n" + acked(2) + END)
    assert (server.error, loop.controls) == ("", 1)


def test_what_waits_for_a_slow_client_is_kept_and_its_socket_left_alone(pair: Pair) -> None:
    """600,000 messages in front of a client that needs a second for each."""
    loop = alone(pair, 600_000, ack_every=1)
    loop.pace(1_000 * MS)
    data = b"".join(delivery(n, b"") for n in range(1, 1001))
    pair[1].settimeout(1.0)
    with Dialogue(loop, pair[1]) as server:
        with pytest.raises(TimeoutError):
            for _ in range(600):
                pair[1].sendall(data)
        loop.stop()
        server.ended()
    assert loop.progress()[0] <= 2


def test_the_servers_word_wins_over_the_broken_connection(pair: Pair) -> None:
    loop = alone(pair, 5, **PULL, batch=2, step=1)
    pair[1].sendall(b"-ERR 'Permissions Violation for Publish to \"NEXT\"'\r\n")
    with pytest.raises(LoadError, match="Permissions Violation for Publish"):
        loop.run(STALL_S)
    assert loop.failed_at == 0
