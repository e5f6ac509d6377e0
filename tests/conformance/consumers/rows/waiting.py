"""B: waiting pulls, who is served, and how they end."""

from __future__ import annotations

from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

LATER = 1500 * MS


def plain(s: Scene, count: int = 5, **config: object) -> None:
    """Stream S with some messages, consumer C."""
    s.stream()
    s.create(**config)
    if count:
        s.fill(count)


def b1_no_wait_with_nothing_pending(s: Scene) -> None:
    plain(s, 0)
    s.take(s.pull({"batch": 2, "no_wait": True}))
    s.take(s.pull({"no_wait": True, "max_bytes": 100}))
    s.info()


def b2_no_wait_takes_what_there_is(s: Scene) -> None:
    plain(s, 3)
    s.take(s.pull({"batch": 5, "no_wait": True}), 4)
    s.info()


def b2_no_wait_takes_a_full_batch_and_says_nothing(s: Scene) -> None:
    plain(s, 3)
    name = s.pull({"batch": 3, "no_wait": True})
    s.take(name, 3)
    s.quiet(name)
    s.info()


def b3_no_wait_with_an_expiry_waits(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 2, "no_wait": True, "expires": LATER})
    s.info()
    s.take(name)
    s.info()


def b3_no_wait_with_an_expiry_is_served_by_what_comes(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 2, "no_wait": True, "expires": HOUR})
    s.info()
    s.publish("s.a", "one")
    s.take(name)
    s.take(name)
    s.info()


def b3_no_wait_with_an_expiry_takes_what_there_is(s: Scene) -> None:
    plain(s, 2)
    s.take(s.pull({"batch": 5, "no_wait": True, "expires": LATER}), 3)
    s.info()


def b4_an_expired_pull_says_what_was_left(s: Scene) -> None:
    plain(s, 2)
    s.take(s.pull({"batch": 5, "expires": LATER}), 3)
    s.take(s.pull({"batch": 5, "expires": LATER, "max_bytes": 1000}), 1)
    s.info()


def b4_a_pull_without_a_batch_says_what_was_left(s: Scene) -> None:
    plain(s, 0)
    s.take(s.pull({"expires": LATER}))
    s.take(s.pull({"batch": 0, "expires": LATER}))
    s.take(s.pull({"batch": -3, "expires": LATER}))


def b4_an_expiry_of_a_nanosecond(s: Scene) -> None:
    plain(s, 0)
    s.take(s.pull({"batch": 5, "expires": 1}))
    s.info()


def b5_a_filled_batch_ends_silently(s: Scene) -> None:
    plain(s, 5)
    name = s.pull({"batch": 3, "expires": LATER})
    s.take(name, 3)
    s.quiet(name)
    s.info()


def b6_waiting_pulls_are_served_in_turn(s: Scene) -> None:
    plain(s, 0)
    first, second = s.pull("3"), s.pull("3")
    s.fill(6)
    s.take(first, 3)
    s.take(second, 3)
    s.info()


def b6_three_pulls_of_other_sizes_are_served_in_turn(s: Scene) -> None:
    plain(s, 0)
    names = [s.pull("1"), s.pull("3"), s.pull("2")]
    s.fill(6)
    for name, count in zip(names, (1, 3, 2), strict=True):
        s.take(name, count)


def b7_too_many_waiting_pulls(s: Scene) -> None:
    plain(s, 0, max_waiting=2)
    first, second = s.pull("1"), s.pull("1")
    s.info()
    s.take(s.pull("1"))
    s.take(s.pull({"batch": 1, "no_wait": True, "expires": HOUR}))
    s.take(s.pull({"batch": 1, "no_wait": True}))
    beating = s.pull({"batch": 1, "expires": HOUR, "idle_heartbeat": SECOND * 60})
    s.quiet(beating)
    s.info()
    s.fill(3)
    s.take(first)
    s.take(second)
    s.quiet(beating)


def b8_dead_pulls_are_swept_by_info(s: Scene) -> None:
    plain(s, 0, max_waiting=2)
    for name in (s.pull("1"), s.pull("1")):
        s.leave(name)
    s.until(num_waiting=0)
    s.info()
    alive = s.pull("1")
    s.fill(1)
    s.take(alive)


def b8_a_full_queue_of_dead_pulls_is_swept_in_the_end(s: Scene) -> None:
    plain(s, 0, max_waiting=2)
    for name in (s.pull("1"), s.pull("1")):
        s.leave(name)

    def accepted() -> bool:
        name = s.pull_quietly({"batch": 1, "expires": 20 * MS}, to="again")
        return b"408" in s.take_quietly(name).headers

    s.wait_for("a pull is accepted", accepted)


def b9_a_pull_whose_inbox_left_is_dropped(s: Scene) -> None:
    plain(s, 0)
    gone, alive = s.pull("2"), s.pull("2")
    s.leave(gone)
    s.fill(2, alone=True)
    s.take(alive, 2)
    s.info()


def b9_a_pull_whose_connection_closed_is_dropped(s: Scene) -> None:
    plain(s, 0)
    gone, alive = s.pull("2", own=True), s.pull("2")
    s.leave(gone)
    s.until(num_waiting=1)
    s.fill(2, alone=True)
    s.take(alive, 2)
    s.info()


def b9_only_a_dead_pull_keeps_the_message(s: Scene) -> None:
    plain(s, 0)
    s.leave(s.pull("2"))
    s.fill(1, alone=True)
    s.until(num_waiting=0)
    s.info()
    s.take(s.pull("1"))


def b10_limits_of_a_pull(s: Scene) -> None:
    plain(s, 0, max_batch=10, max_expires=SECOND, max_bytes=1000)
    for body in (
        "11",
        {"batch": 11},
        {"batch": 1, "expires": 1001 * MS},
        {"batch": 1, "expires": HOUR},
        {"max_bytes": 1001, "no_wait": True},
        {"batch": 11, "expires": HOUR, "max_bytes": 2000},
    ):
        s.take(s.pull(body))
    for body in ("10", {"batch": 10}, {"max_bytes": 1000}, {}):
        s.quiet(s.pull(body))
    s.info()


def b10_expiries_in_words(s: Scene) -> None:
    s.stream()
    for number, limit in enumerate(
        (60_500_000, 1500 * MS, 60 * SECOND, 90 * SECOND, HOUR, 36 * HOUR + 5 * SECOND)
    ):
        name = f"C{number}"
        s.create(name, max_expires=limit)
        s.take(s.pull({"expires": 2 * limit}, consumer=name))


def b11_a_pull_of_a_push_consumer(s: Scene) -> None:
    plain(s, 1, deliver_subject="d.c")
    for body in ("", "1", {"batch": 1, "no_wait": True}, "{bad", {"batch": -1, "expires": -1}):
        s.take(s.pull(body))
    s.info()


def b12_a_deleted_consumer_says_so_to_a_waiting_pull(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 5, "expires": HOUR, "max_bytes": 100})
    s.api("CONSUMER.DELETE.S.C")
    s.take(name)


def b13_a_pull_waits_while_too_many_are_unacked(s: Scene) -> None:
    plain(s, 5, max_ack_pending=2)
    first = s.pull("5")
    s.take(first, 2)
    second = s.pull({"batch": 1, "no_wait": True})
    s.quiet(first, second)
    s.info()
    s.ack(1)
    s.take(first)
    s.ack(2)
    s.take(second)
    s.info()


def b13_no_wait_is_served_when_an_ack_makes_room(s: Scene) -> None:
    plain(s, 3, max_ack_pending=1)
    s.take(s.pull("1"))
    waiting = s.pull({"batch": 2, "no_wait": True})
    s.quiet(waiting)
    s.info()
    s.ack(1)
    s.take(waiting)
    s.info()
    s.ack(2)
    s.take(waiting)
    s.quiet(waiting)
    s.info()


def b13_no_wait_with_expiry_while_too_many_are_unacked(s: Scene) -> None:
    plain(s, 3, max_ack_pending=1)
    s.take(s.pull("1"))
    s.take(s.pull({"batch": 2, "no_wait": True, "expires": LATER}))
    s.info()


def b14_two_pulls_to_one_inbox_both_count(s: Scene) -> None:
    plain(s, 0)
    s.pull("2", to="both")
    s.pull("2", to="both")
    s.info()
    s.fill(5)
    s.take("both", 4)
    s.quiet("both")
    s.info()


def b14_two_pulls_to_one_inbox_expire_apart(s: Scene) -> None:
    plain(s, 0)
    s.pull({"batch": 2, "expires": 2 * SECOND}, to="both")
    s.pull({"batch": 3, "expires": 5 * SECOND}, to="both")
    s.fill(2)
    s.take("both", 4)


def b_pulls_on_wildcards_and_queues_are_interest(s: Scene) -> None:
    plain(s, 0)
    s.listen("in.*", "star")
    s.listen("in.q", "queue", "workers")
    for inbox in ("in.w", "in.q"):
        s.say(f"> pull to {inbox}")
        s.client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1", b"", inbox)
        s.client.flush()
    s.fill(2)
    s.take("star", 2)
    s.take("queue", 1)


def b_ack_policies_and_what_they_count(s: Scene) -> None:
    s.stream()
    s.fill(3)
    for policy in ("none", "all", "explicit"):
        s.create(policy, ack_policy=policy)
        s.take(s.pull("2", consumer=policy), 2)
        s.info(policy)


def b_a_full_info(s: Scene) -> None:
    plain(s, 2)
    s.take(s.pull("1"))
    s.api("CONSUMER.INFO.S.C")


def b_filters_decide_what_is_delivered(s: Scene) -> None:
    s.stream()
    s.create(filter_subjects=["s.a", "s.b.*"])
    s.fill(6, "s.a", "s.b", "s.b.x", "s.b.x.y", "s.c")
    s.info()
    s.take(s.pull({"batch": 9, "no_wait": True}), 4)
    s.info()


def b_a_pull_before_there_is_anything(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 100, "expires": HOUR})
    s.fill(3)
    s.take(name, 3)
    s.info()
    s.publish("s.a", "4")
    s.take(name)


def b_a_larger_batch_than_there_is_with_bytes(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 100, "max_bytes": 1_000_000, "expires": HOUR})
    s.fill(2)
    s.take(name, 2)
    s.quiet(name)
    s.info()


def b_messages_with_headers_and_without_payload(s: Scene) -> None:
    plain(s, 0)
    s.publish("s.a", "", Key="value")
    s.publish("s.a", "")
    s.publish("s.a.long.subject.of.many.tokens", "x", A="1", B="2")
    s.take(s.pull("3"), 3)


def b_a_pull_waits_with_its_max_bytes(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 3, "max_bytes": 400, "expires": 2 * SECOND})
    s.publish("s.a", "x" * 100)
    s.take(name)
    status = s.take_quietly(name)
    s.say(f"= {status.headers.decode().partition(': ')[0]!r}")


def b_two_consumers_do_not_meet(s: Scene) -> None:
    plain(s, 3)
    s.create("D")
    s.take(s.pull("2"), 2)
    s.take(s.pull("3", consumer="D"), 3)
    s.ack(1)
    s.ack(3, "-NAK", consumer="D")
    s.info()
    s.info("D")
    s.take(s.pull("1"))
    s.take(s.pull("1", consumer="D"))


def b_a_consumer_made_again_starts_again(s: Scene) -> None:
    plain(s, 3)
    s.take(s.pull("2"), 2)
    s.api("CONSUMER.DELETE.S.C")
    s.create(deliver_policy="new")
    s.info()
    s.publish("s.a", "new")
    s.take(s.pull("1"))


def b12_a_consumer_deleted_while_its_pull_beats(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 1, "expires": HOUR, "idle_heartbeat": 1200 * MS})
    s.take(name)
    s.api("CONSUMER.DELETE.S.C")
    s.take(name)
    s.let_pass(2)
    s.quiet(name)


def b12_a_consumer_made_anew_has_no_old_pulls(s: Scene) -> None:
    plain(s, 0)
    name = s.pull("1")
    s.api("CONSUMER.DELETE.S.C")
    s.take(name)
    s.create()
    s.publish("s.a", "x")
    s.info()
    s.quiet(name)


def b_num_waiting_counts_what_waits(s: Scene) -> None:
    plain(s, 0)
    names = [
        s.pull("2"),
        s.pull({"batch": 1, "expires": HOUR}),
        s.pull({"batch": 1, "expires": 2 * SECOND}),
    ]
    s.info()
    s.take(names[2])
    s.info()
    s.leave(names[1])
    s.until(num_waiting=1)
    s.fill(2)
    s.take(names[0], 2)
    s.info()
