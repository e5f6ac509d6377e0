"""F: what comes again, when, and how often."""

from __future__ import annotations

from functools import partial

from tests.conformance.consumers.playing import Row
from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

SOON = 1500 * MS  # an ack wait that is over soon, but not while a row still works
ADVISORIES = "$JS.EVENT.ADVISORY.CONSUMER.>"


def f1_a_nak_comes_again_before_new_messages(s: Scene) -> None:
    delivered(s, 3, 5)
    s.ack(3, "-NAK")
    s.ack(1, "-NAK")
    s.info()
    s.take(s.pull("3"), 3)
    s.info()


def f1_a_nak_serves_a_waiting_pull_at_once(s: Scene) -> None:
    delivered(s, 2, 2)
    name = s.pull("5")
    s.quiet(name)
    s.ack(2, "-NAK")
    s.take(name)
    s.ack(1, "-NAK")
    s.take(name)
    s.info()


def f1_a_nak_of_a_nak(s: Scene) -> None:
    delivered(s, 1, 2)
    for _ in range(3):
        s.ack(1, "-NAK")
        s.take(s.pull("1"))
    s.info()
    s.ack(1)
    s.info()


def f2_what_was_not_acked_comes_again_in_order(s: Scene) -> None:
    delivered(s, 3, 4, ack_wait=SOON)
    name = s.pull({"batch": 4, "expires": HOUR})
    s.take(name, 4)
    s.info()
    s.ack(2)
    s.info()


def f2_naked_ones_come_before_those_that_ran_out(s: Scene) -> None:
    delivered(s, 3, 3, ack_wait=SOON)
    s.ack(3, "-NAK")
    s.let_pass(3)
    s.take(s.pull("3"), 3)


def f3_a_nak_with_a_delay_waits(s: Scene) -> None:
    delivered(s, 3, 3)
    s.ack(1, '-NAK {"delay": 4000000000}')
    s.ack(2, "-NAK 2s")
    s.ack(3, "-NAK")
    name = s.pull({"batch": 3, "expires": HOUR})
    s.take(name)
    s.quiet(name)
    s.info()
    s.take(name, 2)
    s.info()


AT_ONCE = [
    "-NAK {bad",
    "-NAK 5",
    "-NAKfoo",
    "-NAK -1s",
    '-NAK {"delay": -5}',
    '-NAK {"delay": 0}',
    "-NAK 0s",
    '-NAK {"delay": "1h"}',
    "-NAK {}",
    '-NAK {"other": 3}',
    "-NAK ",
    "-NAK x1h",
    "-NAK [1]",
    "-NAK 1d",
]
LATER = [
    "-NAK 1h",
    "-NAK1h",
    "-NAK  1h ",
    '-NAK{"delay":3600000000000}',
    '-NAK {"DELAY": 3600000000000}',
    "-NAK 1h30m",
    "-NAK +1h",
    "-NAK 1.5h",
]


def f3_delays_that_are_none(s: Scene) -> None:
    delivered(s, 1, 1)
    for body in AT_ONCE:
        s.ack(1, body)
        s.take(s.pull("1"))


def f3_delays_that_are_some(s: Scene) -> None:
    delivered(s, len(LATER), len(LATER))
    for seq, body in enumerate(LATER, 1):
        s.ack(seq, body)
    s.take_all(s.pull({"batch": 20, "no_wait": True}))
    s.info()


def f3_a_delay_longer_than_the_ack_wait(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=SOON)
    s.ack(1, '-NAK {"delay": 4000000000}')
    name = s.pull({"batch": 9, "expires": HOUR})
    s.take(name)
    s.ack(2)
    s.take(name)


def f3_a_delay_shorter_than_the_ack_wait(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=HOUR)
    s.ack(2, '-NAK {"delay": 300000000}')
    name = s.pull({"batch": 1, "expires": HOUR})
    s.take(name)
    s.info()


def f4_backoff_does_not_delay_a_nak(s: Scene) -> None:
    delivered(s, 2, 2, backoff=[HOUR, HOUR], max_deliver=5)
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.info()


def f5_a_nak_delay_with_backoff_is_shifted(s: Scene) -> None:
    delivered(s, 2, 2, backoff=[SECOND, HOUR], max_deliver=5)
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.say("# the second delivery: an hour more")
    s.ack(1, "-NAK 300ms")
    name = s.pull({"batch": 2, "expires": HOUR})
    s.take(name)
    s.let_pass(0.6)
    s.quiet(name)


def f5_a_nak_delay_of_the_first_delivery_is_not_shifted(s: Scene) -> None:
    delivered(s, 1, 1, backoff=[HOUR, 2 * HOUR], max_deliver=5)
    s.ack(1, "-NAK 300ms")
    s.take(s.pull({"batch": 2, "expires": HOUR}))


def f6_a_delayed_nak_counts_as_unacked(s: Scene) -> None:
    delivered(s, 1, 3, max_ack_pending=1)
    s.ack(1, '-NAK {"delay": 3000000000}')
    name = s.pull({"batch": 2, "expires": HOUR})
    s.quiet(name)
    s.info()
    s.take(name)
    s.quiet(name)
    s.ack(1)
    s.take(name)


def f7_the_last_of_two_deliveries_runs_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 1, ack_wait=SOON, max_deliver=2)
    s.take(s.pull({"batch": 2, "expires": HOUR}))
    s.info()
    s.take("told")
    s.info()
    s.state()
    s.take(s.pull({"batch": 1, "no_wait": True}))
    s.quiet("told")


def f7_the_last_delivery_runs_out_and_the_next_pull_comes_later(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 1, ack_wait=SOON, max_deliver=2)
    s.take(s.pull({"batch": 1, "expires": HOUR}))
    s.let_pass(3)
    s.take(s.pull({"batch": 1, "no_wait": True}))
    s.take("told")
    s.info()


def f7_the_last_delivery_runs_out_with_a_pull_waiting(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 2, 2, ack_wait=SOON, max_deliver=1)
    name = s.pull({"batch": 5, "expires": HOUR})
    s.take_sorted("told", 2)
    s.quiet(name)
    s.info()
    s.create(ack_wait=HOUR, max_deliver=1)
    s.publish("s.a", "new")
    s.take(name)


def f7_backoff_and_the_last_delivery(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 1, backoff=[SECOND, 2 * SECOND], max_deliver=2)
    s.take(s.pull({"batch": 2, "expires": HOUR}))
    s.info()
    s.take("told")
    s.info()


def f7_a_late_ack_of_what_ran_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 3, 3, ack_wait=SOON, max_deliver=1)
    s.take_sorted("told", 3)
    s.info()
    for seq in (2, 1, 3):
        s.ack(seq)
        s.info()


def f7_a_nak_of_what_ran_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.>", "told")
    delivered(s, 1, 2, ack_wait=SOON, max_deliver=1)
    s.take("told", 2)
    s.create(ack_wait=HOUR, max_deliver=1)
    s.ack(1, "-NAK")
    s.take_all(s.pull({"batch": 5, "no_wait": True}))
    s.ack(1, "+TERM")
    s.settle("told")
    s.info()


def f8_raising_max_deliver_brings_nothing_back(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 2, ack_wait=SOON, max_deliver=1)
    s.take("told")
    s.create(ack_wait=SOON, max_deliver=5)
    name = s.pull({"batch": 5, "expires": HOUR})
    s.take(name)
    s.take(name)
    s.info()


def f8_lowering_max_deliver(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 2, ack_wait=SOON, max_deliver=5)
    s.take(s.pull({"batch": 1, "expires": HOUR, "no_wait": False}))
    s.create(ack_wait=SOON, max_deliver=1)
    s.settle("told")
    s.info()


def _ran_out(s: Scene, count: int, published: int) -> None:
    """The first `count` messages have had their one delivery."""
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, count, published, ack_wait=SOON, max_deliver=1)
    s.take_sorted("told", count)
    s.create(ack_wait=HOUR, max_deliver=1)


def f9_what_ran_out_holds_the_floor_while_others_are_out(s: Scene) -> None:
    _ran_out(s, 3, 6)
    s.take(s.pull("3"), 3)
    for seq in (4, 6, 5):
        s.ack(seq)
        s.info()


def f9_what_ran_out_last_holds_the_floor(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 3, 6, ack_wait=SOON, max_deliver=1)
    s.ack(2)
    s.take_sorted("told", 2)
    s.info()
    s.ack(2)
    s.info()


def f9_a_floor_that_passed_what_ran_out(s: Scene) -> None:
    _ran_out(s, 3, 6)
    s.take(s.pull("2"), 2)
    s.ack(5)
    s.info()
    s.ack(4)
    s.info()
    s.ack(2)
    s.take(s.pull("1"))
    s.info()
    s.ack(6)
    s.info()


def f9_ack_all_passes_what_ran_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 2, 5, ack_wait=SOON, max_deliver=1, ack_policy="all")
    s.take_sorted("told", 2)
    s.create(ack_wait=HOUR, max_deliver=1, ack_policy="all")
    s.take(s.pull("2"), 2)
    s.info()
    s.ack(3)
    s.info()
    s.ack(4)
    s.info()


def f9_terminated_after_others_ran_out(s: Scene) -> None:
    _ran_out(s, 2, 4)
    s.take(s.pull("2"), 2)
    s.ack(3, "+TERM")
    s.info()
    s.delete_message(4)
    s.info()


def f10_nothing_is_counted_until_a_pull_comes(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=SOON)
    s.let_pass(3)
    s.info()
    s.take(s.pull("1"))
    s.info()
    s.take(s.pull("1"))
    s.info()


def f11_backoff_as_long_as_max_deliver(s: Scene) -> None:
    s.stream()
    answer = s.create(backoff=[SOON, SOON, SOON], max_deliver=3)
    s.say(f"= ack_wait {answer['config']['ack_wait']}, backoff {answer['config']['backoff']}")
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    s.fill(1)
    s.take(s.pull({"batch": 5, "expires": HOUR}), 3)
    s.take("told")


def f11_the_last_backoff_repeats(s: Scene) -> None:
    s.stream()
    s.create(backoff=[SOON, SOON // 2], max_deliver=5)
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    s.fill(1)
    s.take(s.pull({"batch": 9, "expires": HOUR}), 5)
    s.take("told")


def f11_backoff_without_a_limit_of_deliveries(s: Scene) -> None:
    s.stream()
    s.create(backoff=[SOON])
    s.fill(1)
    s.take(s.pull({"batch": 9, "expires": HOUR}), 3)


def f12_a_changed_ack_wait_holds_for_what_is_out(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=HOUR)
    s.create(ack_wait=SOON)
    s.take(s.pull({"batch": 2, "expires": HOUR}), 2)
    s.info()


def f12_a_longer_ack_wait_holds_for_what_is_out(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=SOON)
    s.create(ack_wait=HOUR)
    name = s.pull({"batch": 2, "expires": 3 * SECOND})
    s.take(name)
    s.info()


def f13_a_batch_larger_than_what_may_be_out(s: Scene) -> None:
    s.stream()
    s.create(max_ack_pending=2)
    s.fill(5)
    name = s.pull({"batch": 5, "expires": HOUR})
    s.take(name, 2)
    s.quiet(name)
    s.ack(2)
    s.take(name)
    s.ack(1)
    s.ack(3)
    s.take(name, 2)
    s.info()


def f_redelivery_while_at_the_limit(s: Scene) -> None:
    delivered(s, 2, 4, max_ack_pending=2, ack_wait=SOON)
    name = s.pull({"batch": 3, "expires": HOUR})
    s.take(name, 2)
    s.quiet(name)
    s.info()


def f_a_larger_limit_lets_more_out(s: Scene) -> None:
    delivered(s, 1, 4, max_ack_pending=1)
    name = s.pull({"batch": 3, "expires": HOUR})
    s.quiet(name)
    s.create(max_ack_pending=3)
    s.take(name, 2)
    s.quiet(name)
    s.create(max_ack_pending=-1)
    s.take(name)


def f_progress_with_backoff(s: Scene) -> None:
    delivered(s, 1, 1, backoff=[3 * SECOND, HOUR], max_deliver=3)
    name = s.pull({"batch": 2, "expires": HOUR})
    for _ in range(2):
        s.let_pass(1.8)
        s.ack(1, "+WPI")
    s.quiet(name)
    s.take(name)
    s.info()


def f_order_of_redelivery_over_two_passes(s: Scene) -> None:
    s.stream()
    s.create(ack_wait=SOON)
    s.fill(4)
    s.take(s.pull("2"), 2)
    s.let_pass(0.4)
    s.take(s.pull("2"), 2)
    s.let_pass(3)
    s.take(s.pull("4"), 4)


def f_redelivery_of_a_deleted_message(s: Scene) -> None:
    delivered(s, 3, 3, ack_wait=SOON)
    s.delete_message(2)
    s.take(s.pull({"batch": 3, "expires": HOUR}), 2)
    s.info()


def f_push_redelivers_what_was_not_acked(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c", ack_wait=SOON)
    s.fill(2)
    s.take("d", 4)
    s.info()
    s.ack(1)
    s.ack(2)
    s.info()


def _none_redelivers_nothing(policy: str, s: Scene) -> None:
    s.stream()
    s.create(ack_policy=policy, **({"ack_wait": SOON} if policy != "none" else {}))
    s.fill(3)
    s.take(s.pull("3"), 3)
    name = s.pull({"batch": 3, "expires": 2 * SECOND})
    s.take(name, 1 if policy == "none" else 3)
    s.info()


TABLE: dict[str, Row] = {
    f"f_what_a_policy_of_{policy}_redelivers": partial(_none_redelivers_nothing, policy)
    for policy in ("none", "all", "explicit")
}


def _redelivered_then(body: str, policy: str, s: Scene) -> None:
    """An ack verb of the second delivery of one of three."""
    s.listen(ADVISORIES, "told")
    delivered(s, 3, 4, ack_policy=policy, ack_wait=SOON)
    s.take("told")
    name = s.pull({"batch": 3, "expires": HOUR})
    s.take(name, 3)
    s.ack(2, body)
    s.settle("told")
    s.info()


TABLE |= {
    f"f_{policy}_of_a_redelivered_message_{name}": partial(_redelivered_then, body, policy)
    for policy in ("explicit", "all")
    for name, body in (("ack", "+ACK"), ("nak", "-NAK 1h"), ("term", "+TERM"), ("progress", "+WPI"))
}
