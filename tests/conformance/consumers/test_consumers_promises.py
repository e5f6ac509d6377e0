"""What our consumers promise where the real server does it only now and then, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.consumers.playing import configuration, scene_of
from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.rows.lifetime import FAR
from tests.conformance.consumers.scene import HOUR, MS, Scene
from tests.support.process import PYNATS, ServerProcess

NOW = {"batch": 9, "no_wait": True}


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Scene]:
    """A scene on a server of its own."""
    with ServerProcess(PYNATS, tmp_path, configuration(["A"])) as server:
        scene = scene_of(server, "A")
        yield scene
        scene.close()


def payloads(s: Scene, name: str, count: int) -> list[str]:
    return [message.payload.decode() for message in s.take(name, count)]


@pytest.mark.parametrize("what", ["CONSUMER.DELETE.S.C", "STREAM.DELETE.S"])
def test_every_waiting_pull_is_told_of_the_end(s: Scene, what: str) -> None:
    s.stream()
    s.create()
    names = [s.pull("2") for _ in range(20)]
    s.api(what)
    for name in names:
        assert s.take(name)[0].headers == b"NATS/1.0 409 Consumer Deleted\r\n\r\n"


def test_answered_acks_outlive_a_kill(s: Scene) -> None:
    delivered(s, 6, 9)
    for seq in (1, 3, 4, 6):
        s.ack(seq)
    for seq in (7, 8):
        assert payloads(s, s.pull("1"), 1) == [str(seq)]
        s.ack(seq, "+TERM" if seq == 8 else "+ACK")
        s.restart(kill=True)
    info = s.info()
    assert info["num_ack_pending"] == 2
    assert info["ack_floor"] == {**info["ack_floor"], "consumer_seq": 1, "stream_seq": 1}
    assert payloads(s, s.pull("1"), 1) == ["9"]


def test_a_reset_outlives_a_restart(s: Scene) -> None:
    delivered(s, 4, 4)
    for seq in (1, 3):
        s.reset({"seq": seq})
        s.restart()
        assert s.info()["num_pending"] == 5 - seq
        message = s.take(s.pull("1"))[0]
        assert (message.payload, message.reply.split(".")[4:7]) == (
            str(seq).encode(),
            ["1", str(seq), "1"],
        )


def test_waiting_pulls_are_served_at_the_end_of_a_pause(s: Scene) -> None:
    delivered(s, 2, 4)
    s.pause({"pause_until": FAR})
    name = s.pull({"batch": 3, "expires": HOUR})
    s.ack(1, "-NAK")
    s.quiet(name)
    s.pause("")
    assert payloads(s, name, 3) == ["1", "3", "4"]


def test_a_paused_push_consumer_goes_on_at_the_end_of_the_pause(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.pause({"pause_until": FAR})
    s.fill(2)
    s.quiet("d")
    s.pause("")
    assert payloads(s, "d", 2) == ["1", "2"]


@pytest.mark.parametrize("max_deliver", [1, 2, 3])
def test_the_end_of_deliveries_is_told_without_a_waiting_pull(s: Scene, max_deliver: int) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 1, ack_wait=300 * MS, max_deliver=max_deliver)
    for _ in range(max_deliver - 1):
        s.take(s.pull({"batch": 1, "expires": HOUR}))
    s.take("told")
    assert s.info()["num_ack_pending"] == 0
    s.take(s.pull(NOW))
    s.quiet("told")


def test_counts_are_exact_with_many_filters_that_change(s: Scene) -> None:
    even = [f"s.{number}" for number in range(0, 1000, 2)]
    odd = [f"s.{number}" for number in range(1, 1000, 2)]
    s.stream()
    for number in (0, 1, 2, 3, 4):
        s.publish(f"s.{number}", str(number))
    s.create(filter_subjects=even)
    assert s.info()["num_pending"] == 3
    assert payloads(s, s.pull("1"), 1) == ["0"]
    waits = s.pull({"batch": 9, "expires": HOUR}, consumer="C")
    assert payloads(s, waits, 2) == ["2", "4"]
    s.create(action="update", filter_subjects=odd)
    s.publish("s.6", "6")
    s.publish("s.7", "7")
    assert payloads(s, waits, 1) == ["7"]
    assert s.info()["num_pending"] == 0
    s.create("D", filter_subjects=odd)
    assert s.info("D")["num_pending"] == 3
    s.api("CONSUMER.DELETE.S.C")
    s.publish("s.9", "9")
    assert payloads(s, s.pull({"batch": 9, "expires": HOUR}, consumer="D"), 4) == list("1379")


def test_the_most_urgent_of_requests_that_come_together_is_served_first(s: Scene) -> None:
    s.stream()
    s.create(priority_policy="prioritized", priority_groups=["g"])
    s.fill(7)
    s.listen("in.late", "late")
    s.listen("in.urgent", "urgent")
    asked = b""
    for name, priority in (("late", 5), ("urgent", 1)):
        body = b'{"batch": 5, "group": "g", "priority": %d}' % priority
        asked += b"PUB $JS.API.CONSUMER.MSG.NEXT.S.C in.%s %d\r\n%s\r\n" % (
            name.encode(), len(body), body,
        )  # fmt: skip
    s.client.publish_raw(asked)
    assert payloads(s, "urgent", 5) == ["1", "2", "3", "4", "5"]
    assert payloads(s, "late", 2) == ["6", "7"]
