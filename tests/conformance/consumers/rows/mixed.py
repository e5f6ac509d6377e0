"""V and what lies between the lines: things that meet, and what client libraries count on."""

from __future__ import annotations

from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

NOW = {"batch": 9, "no_wait": True}


# -- V: what clients count on ---------------------------------------------------------------------

ORDERED = {
    "durable_name": None,
    "ack_policy": "none",
    "max_deliver": 1,
    "mem_storage": True,
    "num_replicas": 1,
    "inactive_threshold": HOUR,
}
WATCH = {
    **ORDERED,
    "deliver_policy": "last_per_subject",
    "deliver_subject": "d.watch",
    "flow_control": True,
    "idle_heartbeat": 30 * SECOND,
}


def v1_a_watch_of_a_bucket_knows_when_it_has_all(s: Scene) -> None:
    s.stream(max_msgs_per_subject=1)
    s.fill(5, "s.a", "s.b", "s.c")
    s.listen("d.watch", "d")
    s.create(filter_subject="s.>", **WATCH)
    s.take("d", 3)
    s.publish("s.b", "new")
    s.take("d")
    s.info()


def v1_a_watch_of_an_empty_bucket_knows_it(s: Scene) -> None:
    s.stream(max_msgs_per_subject=1)
    s.listen("d.watch", "d")
    s.create(filter_subject="s.>", **WATCH)
    s.quiet("d")
    s.publish("s.b", "new")
    s.take("d")


def v1_a_watch_of_keys_has_no_values(s: Scene) -> None:
    s.stream(max_msgs_per_subject=1)
    s.fill(3, "s.a", "s.b")
    s.listen("d.watch", "d")
    s.create(filter_subject="s.>", headers_only=True, **WATCH)
    s.take("d", 2)
    s.quiet("d")


def v1_the_answer_and_the_messages_add_up(s: Scene) -> None:
    s.stream()
    s.fill(4)
    s.listen("d.watch", "d")
    answer = s.call(
        "CONSUMER.CREATE.S.W",
        {"stream_name": "S", "config": {"name": "W", "deliver_subject": "d.watch"}},
    )
    s.say(f"= {answer['num_pending'] + answer['delivered']['consumer_seq']} in all")
    s.take("d", 4)


def v2_an_ordered_consumer_is_made_anew_under_another_name(s: Scene) -> None:
    s.stream()
    s.fill(3)
    s.create("O1", **ORDERED)
    s.take(s.pull("2", consumer="O1"), 2)
    s.create("O1", **ORDERED, deliver_policy="by_start_sequence", opt_start_seq=3)
    s.api("CONSUMER.DELETE.S.O1")
    s.create("O2", **ORDERED, deliver_policy="by_start_sequence", opt_start_seq=3)
    s.take(s.pull("1", consumer="O2"))


def v2_a_consumer_is_made_anew_under_its_name(s: Scene) -> None:
    s.stream()
    s.fill(3)
    s.create("O1", **ORDERED)
    s.take(s.pull("2", consumer="O1"), 2)
    s.api("CONSUMER.DELETE.S.O1")
    s.create("O1", **ORDERED, deliver_policy="by_start_sequence", opt_start_seq=2)
    s.take(s.pull("1", consumer="O1"))


def v3_after_a_423_a_client_pulls_again_at_once(s: Scene) -> None:
    s.stream()
    s.create(priority_policy="pinned_client", priority_groups=["g"], priority_timeout=120 * SECOND)
    s.fill(3)
    first = s.pull({"group": "g", "batch": 1})
    s.take(first)
    pin = s.header(first, "Nats-Pin-Id")
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    one = s.pull({"group": "g", "batch": 1, "expires": HOUR, "id": pin})
    s.take(one)
    s.take(s.pull({"group": "g", "batch": 1, "expires": HOUR}))


# -- naks and pulls -------------------------------------------------------------------------------


def f_no_wait_gets_what_was_naked(s: Scene) -> None:
    delivered(s, 2, 2)
    s.ack(2, "-NAK")
    s.take(s.pull(NOW), 2)
    s.info()


def f_no_wait_does_not_wait_for_a_delay(s: Scene) -> None:
    delivered(s, 2, 2)
    s.ack(2, "-NAK 1h")
    s.take(s.pull(NOW))
    s.info()


def f_no_wait_gets_what_ran_out_of_its_ack_wait(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=600 * MS)
    s.let_pass(2)
    s.take(s.pull(NOW), 3)


def f_naks_of_all_and_a_large_batch(s: Scene) -> None:
    delivered(s, 4, 6)
    for seq in (4, 3, 2, 1):
        s.ack(seq, "-NAK")
    s.take(s.pull(NOW), 7)
    s.info()


def f_a_nak_of_ack_all(s: Scene) -> None:
    delivered(s, 3, 4, ack_policy="all")
    s.ack(2, "-NAK")
    s.info()
    s.take(s.pull(NOW), 3)
    s.ack(4)
    s.info()


def f_redelivered_ones_count_once(s: Scene) -> None:
    delivered(s, 3, 3)
    for _ in range(2):
        s.ack(1, "-NAK")
        s.take(s.pull("1"))
    s.ack(2, "-NAK")
    s.take(s.pull("1"))
    s.info()
    s.ack(1, "+TERM")
    s.info()


def f_the_last_delivery_of_two_is_naked(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 1, 2, max_deliver=2)
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.ack(1, "-NAK")
    s.take(s.pull(NOW), 2)
    s.settle("told")
    s.info()


def f_the_last_delivery_is_acked_in_time(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 2, 2, max_deliver=1, ack_wait=2 * SECOND)
    s.ack(1)
    s.ack(2, "+TERM")
    s.let_pass(3)
    s.quiet("told")
    s.info()


# -- pulls and what else happens ------------------------------------------------------------------


def b_a_pull_outlives_a_purge(s: Scene) -> None:
    delivered(s, 2, 2)
    name = s.pull("1")
    s.purge()
    s.info()
    s.publish("s.a", "new")
    s.take(name)
    s.info()


def b_a_pull_outlives_an_update(s: Scene) -> None:
    s.stream()
    s.create()
    name = s.pull("2")
    s.create(description="changed", max_ack_pending=5)
    s.info()
    s.publish("s.a", "new")
    s.take(name)


def b_smaller_limits_do_not_end_a_waiting_pull(s: Scene) -> None:
    s.stream()
    s.create()
    name = s.pull({"batch": 5, "expires": HOUR})
    s.create(max_batch=2)
    s.publish("s.a", "new")
    s.take(name)
    s.take(s.pull({"batch": 5, "expires": HOUR}))
    s.take(s.pull({"batch": 3, "expires": HOUR}))


def b_nobody_pulls_twice_what_there_is_once(s: Scene) -> None:
    s.stream()
    s.create()
    s.fill(3)
    for _ in range(3):
        s.take(s.pull({"batch": 1, "no_wait": True}))
    s.take(s.pull({"batch": 1, "no_wait": True}))
    s.info()


def b_filters_that_overlap_deliver_once(s: Scene) -> None:
    s.stream()
    s.create(filter_subjects=["s.*.x", "s.y.*"])
    s.fill(4, "s.y.x", "s.z.x", "s.y.z", "s.z.z")
    s.info()
    s.take(s.pull(NOW), 4)
    s.info()


def b_a_stream_with_a_first_sequence(s: Scene) -> None:
    s.stream(first_seq=100)
    s.create()
    s.info()
    s.fill(2)
    s.take(s.pull(NOW), 3)
    s.ack(100)
    s.info()


def b_messages_with_gaps_between_them(s: Scene) -> None:
    s.stream()
    s.fill(8)
    for seq in (2, 3, 6):
        s.delete_message(seq)
    s.create()
    s.take(s.pull(NOW), 6)
    for seq in (1, 4):
        s.ack(seq)
        s.info()


def q_a_reset_of_a_work_queue(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(4)
    s.take(s.pull("3"), 3)
    s.ack(1)
    s.reset()
    s.take(s.pull(NOW), 4)
    s.reset({"seq": 1})
    s.take(s.pull(NOW), 4)
    s.state()


def q_a_reset_of_a_filtered_consumer(s: Scene) -> None:
    s.stream()
    s.create(filter_subject="s.b")
    s.fill(8, "s.a", "s.b")
    s.take(s.pull("3"), 3)
    s.ack(2)
    s.reset({"seq": 3})
    s.take(s.pull(NOW), 4)
    s.info()


def q_a_reset_while_paused(s: Scene) -> None:
    delivered(s, 2, 3)
    s.pause({"pause_until": "2100-01-01T00:00:00Z"})
    s.reset({"seq": 2})
    s.take(s.pull(NOW))
    s.info()


def r_naks_of_an_interest_stream(s: Scene) -> None:
    s.stream(retention="interest")
    s.create()
    s.create("D")
    s.fill(2)
    s.take(s.pull("2"), 2)
    s.take(s.pull("2", consumer="D"), 2)
    s.ack(1, "-NAK")
    s.ack(1, consumer="D")
    s.state()
    s.take(s.pull("1"))
    s.ack(1)
    s.until_stream(messages=1)
    s.state()


def r_ack_none_and_explicit_of_an_interest_stream(s: Scene) -> None:
    s.stream(retention="interest")
    s.create("N", ack_policy="none")
    s.create()
    s.fill(2)
    s.take(s.pull("2", consumer="N"), 2)
    s.state()
    s.take(s.pull("1"))
    s.ack(1)
    s.until_stream(messages=1)
    s.state()


def r_a_work_queue_whose_messages_are_deleted(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(4)
    s.take(s.pull("2"), 2)
    s.delete_message(1)
    s.delete_message(3)
    s.info()
    s.state()
    s.ack(1)
    s.take(s.pull(NOW), 2)
