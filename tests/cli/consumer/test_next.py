"""`consumer next` and the hidden `consumer sub`: messages and what becomes of them."""

from __future__ import annotations

import re
import signal

import pytest

from tests.cli.consumer.conftest import Stage


@pytest.fixture
def consumer(stage: Stage) -> Stage:
    stage.done("add", "S", "C", "--max-pending", "5", "--defaults")
    return stage


def test_a_message_is_shown_and_acknowledged(consumer: Stage) -> None:
    out = consumer.done("next", "S", "C")
    head = rf"\[\d\d:\d\d:\d\d\] subj: {consumer.stream}\.a / tries: 1 / cons seq: 1 / "
    assert re.fullmatch(
        head + r"str seq: 1 / pending: 13\n\nhello 1\n\nAcknowledged message\n\n", out
    )
    info = consumer.info("C")
    assert (info["num_ack_pending"], info["ack_floor"]["stream_seq"]) == (0, 1)


def test_headers_stand_before_the_data(consumer: Stage) -> None:
    for subject in ("b", "b"):
        consumer.cli.run("pub", f"{consumer.stream}.{subject}", "x", "-H", "A:one", "-H", "A:two")
    consumer.done("add", "S", "H", "--filter", f"{consumer.stream}.b", "--defaults")
    out = consumer.done("next", "S", "H", "--no-ack")
    assert out.split("\n", 1)[1] == "\nHeaders:\n\n  A: one\n  A: two\n\nData:\n\n\nx\n"


def test_raw_shows_bodies_and_acknowledges(consumer: Stage) -> None:
    assert consumer.done("next", "S", "C", "--raw", "--count", "2") == "hello 1\nhello 2\n"
    assert consumer.info("C")["ack_floor"]["stream_seq"] == 2


def test_nak_delivers_again_and_term_never(consumer: Stage) -> None:
    assert "Negative Acknowledged message" in consumer.done("next", "S", "C", "--nak")
    out = consumer.done("next", "S", "C", "--term")
    assert "tries: 2" in out and "str seq: 1 " in out and "Terminated message" in out
    assert "str seq: 2 " in consumer.done("next", "S", "C")


def test_no_ack_leaves_messages_pending(consumer: Stage) -> None:
    assert "Acknowledged" not in consumer.done("next", "S", "C", "--no-ack")
    assert consumer.info("C")["num_ack_pending"] == 1


def test_consumers_without_acks_do_not_mind_them(stage: Stage) -> None:
    stage.done("add", "S", "N", "--ack", "none", "--defaults")
    assert "Acknowledged message" in stage.done("next", "S", "N", "--wait", "1ms")


def test_too_few_messages_are_an_error_after_those_there_are(consumer: Stage) -> None:
    result = consumer.run("next", "S", "C", "--count", "20", "--raw", "--timeout", "300ms")
    assert result.out.count("hello") == 14
    assert (result.code, result.err) == (
        1, "pynats: error: no message received: nats: timeout\n",
    )  # fmt: skip


def test_the_limit_of_unacknowledged_messages_is_one_error_line(consumer: Stage) -> None:
    result = consumer.run("next", "S", "C", "--count", "8", "--no-ack", "--timeout", "300ms")
    assert result.code == 1 and result.out.count("hello") == 5
    assert "Status" not in result.out
    assert result.err.startswith("pynats: error: no message received: ")


def test_push_consumers_give_nothing(stage: Stage) -> None:
    stage.done("add", "S", "P", "--target", "x.y", "--defaults")
    assert stage.failed("next", "S", "P") == "no message received: Consumer is push based (409)"


def test_what_cannot_be(consumer: Stage) -> None:
    assert consumer.failed("next", "S", "C", "--nak", "--term") == (
        "can not both Acknowledge and Terminate message"
    )
    assert consumer.failed("next", "S", "nope") == (
        'could not load consumer "nope": consumer not found (10014)'
    )
    assert consumer.done("next", "S", "C", "--count", "0") == ""
    assert consumer.failed("next", "S", "a.b") == '"a.b" is not a valid consumer name'


def test_sub_shows_what_a_push_consumer_delivers(stage: Stage) -> None:
    stage.done("add", "S", "P", "--target", f"to.{stage.stream}", "--ack", "explicit",
               "--flow-control", "--heartbeat", "1s", "--defaults")  # fmt: skip
    running = stage.cli.start("consumer", "sub", stage.stream, "P")
    running.wait_for("hello 14")
    running.wait_for("pending: 0")
    assert f"Subscribing to topic to.{stage.stream} auto acknowledgment: true" in running.err()
    running.signal(signal.SIGINT)
    assert running.finish().code == 130


def test_sub_of_a_pull_consumer_ends_with_its_messages(consumer: Stage) -> None:
    result = consumer.run("sub", "S", "C", "--raw", "--timeout", "300ms")
    assert result.code == 1 and result.out.split("\n")[13] == "hello 14"
    assert consumer.info("C")["num_ack_pending"] == 0
