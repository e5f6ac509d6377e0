"""R: what is out of deliveries, on streams that keep messages for their consumers' sake."""

from __future__ import annotations

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.scene import MS, Scene

ONCE = {"max_deliver": 1, "ack_wait": 300 * MS}
NOW = {"batch": 9, "no_wait": True}


def _spent(s: Scene, retention: str = "interest", policy: str = "explicit") -> None:
    """Consumer C has had message 1, and gets it no more; D, as a rule, has had 1 and 2."""
    s.stream(retention=retention)
    s.create(ack_policy=policy, **ONCE)
    if retention == "interest":
        s.create("D")
    s.fill(3)
    if retention == "interest":
        s.take(s.pull("2", consumer="D"), 2)
    s.take(s.pull("1"))
    s.until("C", num_ack_pending=0)


def r_interest_in_what_is_spent_while_the_floor_is_below(s: Scene) -> None:
    _spent(s)
    s.ack(1, consumer="D")
    s.state()
    s.info()


def r_interest_in_what_is_spent_when_the_floor_has_passed_it(s: Scene) -> None:
    _spent(s)
    s.take(s.pull("1"))
    s.ack(2)
    s.info()
    s.state()
    s.ack(1, consumer="D")
    s.state()
    s.ack(2, consumer="D")
    s.state()
    s.info("D")


def r_interest_in_what_is_spent_when_the_floor_passes_it_later(s: Scene) -> None:
    _spent(s)
    s.ack(1, consumer="D")
    s.ack(2, consumer="D")
    s.state()
    s.take(s.pull("1"))
    s.ack(2)
    s.info()
    s.state()


def r_a_late_ack_of_what_is_spent_ends_the_interest(s: Scene) -> None:
    _spent(s)
    s.ack(1, consumer="D")
    s.ack(1)
    s.state()
    s.info()


def r_a_late_ack_of_is_spent_and_passed_by_the_floor_ends_the_interest(s: Scene) -> None:
    _spent(s)
    s.take(s.pull("1"))
    s.ack(2)
    s.ack(1, consumer="D")
    s.ack(1)
    s.state()
    s.info()


def r_the_end_of_a_consumer_that_has_spent_its_deliveries(s: Scene) -> None:
    _spent(s)
    s.ack(1, consumer="D")
    s.ack(2, consumer="D")
    s.api("CONSUMER.DELETE.S.C")
    s.until_stream(messages=1)
    s.state()


def r_the_end_of_another_consumer_of_what_is_spent(s: Scene) -> None:
    _spent(s)
    s.take(s.pull("1"))
    s.ack(2)
    s.api("CONSUMER.DELETE.S.D")
    s.let_pass(0.3)
    s.state()


def r_a_reset_of_a_consumer_that_has_spent_its_deliveries(s: Scene) -> None:
    _spent(s)
    s.take(s.pull("1"))
    s.ack(2)
    s.ack(1, consumer="D")
    s.reset({"seq": 1})
    s.take_all(s.pull(NOW))
    s.state()


@own_server
def r_interest_in_what_is_spent_after_a_restart(s: Scene) -> None:
    _spent(s)
    s.take(s.pull("1"))
    s.ack(2)
    s.restart()
    s.ack(1, consumer="D")
    s.state()
    s.info()


def r_interest_in_what_ack_all_has_spent(s: Scene) -> None:
    _spent(s, policy="all")
    s.ack(1, consumer="D")
    s.state()
    s.take(s.pull("1"))
    s.ack(2)
    s.state()
    s.info()


def r_a_work_queue_keeps_what_is_spent(s: Scene) -> None:
    _spent(s, "workqueue")
    s.state()
    s.take(s.pull("1"))
    s.ack(2)
    s.state()
    s.info()
    s.ack(1)
    s.state()
