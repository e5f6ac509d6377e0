"""M: priority groups."""

from __future__ import annotations

from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

OVERFLOW = {"priority_policy": "overflow", "priority_groups": ["g"]}
PINNED = {
    "priority_policy": "pinned_client",
    "priority_groups": ["g"],
    "priority_timeout": 120 * SECOND,
}
PRIORITIZED = {"priority_policy": "prioritized", "priority_groups": ["g"]}
PIN = "Nats-Pin-Id"


def grouped(s: Scene, count: int, config: dict[str, object], **more: object) -> None:
    s.stream()
    s.create(**config, **more)
    if count:
        s.fill(count)


def m1_groups_that_are_missing_or_wrong(s: Scene) -> None:
    for name, config in (("O", OVERFLOW), ("P", PINNED), ("R", PRIORITIZED)):
        if name == "O":
            s.stream()
        s.create(name, **config)
        for body in (
            {"batch": 1},
            {"group": "h"},
            {"group": ""},
            {"group": "G"},
            {"group": "g", "id": "x"},
            {"group": "g", "min_pending": 1, "no_wait": True},
            {"group": "g", "priority": 10},
            {"group": "g", "priority": -1},
            {"group": "g", "min_ack_pending": 1, "no_wait": True},
        ):
            one = s.pull(body, consumer=name)
            s.settle(one)
            s.leave(one)


def m1_fields_of_groups_on_a_plain_consumer(s: Scene) -> None:
    s.stream()
    s.create()
    for body in (
        {"group": "g"},
        {"priority": 3},
        {"priority": 10},
        {"min_pending": 1},
        {"min_ack_pending": 1},
        {"id": "x"},
        {"min_pending": -1},
        {"id": ""},
    ):
        one = s.pull({**body, "no_wait": True})
        s.settle(one)
    s.info()


def m2_a_number_skips_the_group(s: Scene) -> None:
    grouped(s, 4, OVERFLOW)
    s.take(s.pull("1"))
    s.take(s.pull(""))
    s.take(s.pull("hello"))
    s.info()


def m2_a_number_skips_the_group_of_the_pinned(s: Scene) -> None:
    grouped(s, 3, PINNED)
    s.take(s.pull("1"))
    s.take(s.pull("1"))
    s.info()


def m3_overflow_by_pending(s: Scene) -> None:
    grouped(s, 4, OVERFLOW)
    name = s.pull({"group": "g", "batch": 10, "min_pending": 5, "expires": HOUR})
    s.quiet(name)
    s.info()
    s.publish("s.a", "fifth")
    s.take(name)
    s.quiet(name)
    s.info()


def m3_overflow_by_unacked(s: Scene) -> None:
    grouped(s, 5, OVERFLOW)
    name = s.pull({"group": "g", "batch": 10, "min_ack_pending": 2, "expires": HOUR})
    s.quiet(name)
    s.take(s.pull({"group": "g", "batch": 1}))
    s.quiet(name)
    s.take(s.pull({"group": "g", "batch": 1}))
    s.take(name, 3)
    s.info()


def m3_overflow_by_either(s: Scene) -> None:
    grouped(s, 3, OVERFLOW)
    body = {"group": "g", "batch": 10, "min_ack_pending": 1, "min_pending": 3, "expires": HOUR}
    s.take(s.pull(body), 3)
    s.info()


def m3_overflow_without_conditions(s: Scene) -> None:
    grouped(s, 3, OVERFLOW)
    s.take(s.pull({"group": "g", "batch": 1}))
    s.take(s.pull({"group": "g", "batch": 1, "min_pending": -5, "min_ack_pending": -1}))
    s.take(s.pull({"group": "g", "batch": 1, "min_pending": 0}))


def m3_no_wait_that_does_not_overflow(s: Scene) -> None:
    grouped(s, 3, OVERFLOW)
    name = s.pull({"group": "g", "batch": 5, "min_pending": 10, "no_wait": True})
    s.settle(name)
    s.info()


def m3_overflow_and_others_wait_together(s: Scene) -> None:
    grouped(s, 0, OVERFLOW)
    over = s.pull({"group": "g", "batch": 9, "min_pending": 3, "expires": HOUR})
    plain = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.fill(4)
    s.take(plain, 2)
    s.quiet(over)
    s.publish("s.a", "5")
    s.take(over)
    s.quiet(over)
    s.info()


def m3_overflow_expires(s: Scene) -> None:
    grouped(s, 1, OVERFLOW)
    s.take(s.pull({"group": "g", "batch": 9, "min_pending": 3, "expires": 600 * MS}))


def m4_the_first_message_pins(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.>", "told")
    grouped(s, 3, PINNED)
    s.take("told")
    s.info()
    first = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.take(first, 2)
    pin = s.header(first, PIN)
    s.take("told")
    s.info()
    silent = s.pull({"group": "g", "batch": 1, "expires": HOUR})
    s.quiet(silent)
    s.take(s.pull({"group": "g", "batch": 1, "expires": HOUR, "id": "wrong"}))
    s.take(s.pull({"group": "g", "batch": 1, "expires": HOUR, "id": pin}))
    s.info()
    s.quiet(silent)


def m4_a_long_pull_without_id_goes_on(s: Scene) -> None:
    grouped(s, 1, PINNED)
    first = s.pull({"group": "g", "batch": 5, "expires": HOUR})
    other = s.pull({"group": "g", "batch": 5, "expires": HOUR})
    s.take(first)
    s.publish("s.a", "2")
    s.publish("s.a", "3")
    s.take(first, 2)
    s.quiet(other)
    s.info()


def m4_no_wait_of_one_that_is_not_pinned(s: Scene) -> None:
    grouped(s, 3, PINNED)
    s.take(s.pull({"group": "g", "batch": 1}))
    name = s.pull({"group": "g", "batch": 1, "no_wait": True})
    s.settle(name)
    s.info()


def m5_the_pin_runs_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.PINNED.>", "pinned")
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 1, PINNED | {"priority_timeout": SECOND})
    first = s.pull({"group": "g", "batch": 5, "expires": HOUR})
    other = s.pull({"group": "g", "batch": 5, "expires": HOUR})
    s.take(first)
    s.take("pinned")
    s.take("unpinned")
    s.info()
    s.publish("s.a", "2")
    s.take(first)
    s.take(other)
    s.take("pinned")


def m5_pulls_with_the_id_keep_the_pin(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 9, PINNED | {"priority_timeout": 2 * SECOND})
    first = s.pull({"group": "g", "batch": 1})
    s.take(first)
    pin = s.header(first, PIN)
    other = s.pull({"group": "g", "batch": 9, "expires": HOUR})
    for _ in range(4):
        s.let_pass(0.8)
        s.take(s.pull({"group": "g", "batch": 1, "id": pin}))
    s.quiet(other, "unpinned")
    s.take("unpinned")
    s.take(other, 4)


def m6_an_id_while_nobody_is_pinned(s: Scene) -> None:
    grouped(s, 0, PINNED)
    name = s.pull({"group": "g", "batch": 2, "expires": HOUR, "id": "ABCDEFGHIJKLMNOPQRSTUV"})
    s.quiet(name)
    s.info()
    s.publish("s.a", "1")
    s.take(name)
    s.info()
    s.take(s.pull({"group": "g", "batch": 1}))


def m7_unpinned_by_request(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 3, PINNED)
    first = s.pull({"group": "g", "batch": 1})
    s.take(first)
    pin = s.header(first, PIN)
    other = s.pull({"group": "g", "batch": 1, "expires": HOUR})
    s.quiet(other)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.take("unpinned")
    s.take(other)
    s.take(s.pull({"group": "g", "batch": 1, "id": pin}))
    s.info()


def m7_unpin_requests_that_are_refused(s: Scene) -> None:
    grouped(s, 1, PINNED)
    s.create("PLAIN")
    s.create("O", **OVERFLOW)
    for target, body in (
        ("S.C", ""),
        ("S.C", "{}"),
        ("S.C", {"group": "h"}),
        ("S.C", "{bad"),
        ("S.C", {"group": "g"}),
        ("S.C", {"group": "g", "x": 1}),
        ("S.PLAIN", {"group": "g"}),
        ("S.O", {"group": "g"}),
        ("S.NONE", {"group": "g"}),
        ("NONE.C", {"group": "g"}),
        ("S.C", {"group": ""}),
    ):
        s.api(f"CONSUMER.UNPIN.{target}", body)


def m7_groups_in_the_info(s: Scene) -> None:
    s.stream()
    for name, config in (("O", OVERFLOW), ("P", PINNED), ("R", PRIORITIZED)):
        s.create(name, **config)
        s.info(name)


def m7_the_pinned_in_the_info(s: Scene) -> None:
    grouped(s, 1, PINNED)
    s.take(s.pull({"group": "g", "batch": 1}))
    info = s.info()
    s.say(f"= {sorted(info['priority_groups'][0])}")


def m8_the_most_urgent_first(s: Scene) -> None:
    grouped(s, 0, PRIORITIZED)
    late = s.pull({"group": "g", "batch": 2, "priority": 5, "expires": HOUR})
    middle = s.pull({"group": "g", "batch": 1, "priority": 3, "expires": HOUR})
    urgent = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.fill(5)
    s.take(urgent, 2)
    s.take(middle)
    s.take(late, 2)


def m8_equally_urgent_ones_take_turns(s: Scene) -> None:
    grouped(s, 0, PRIORITIZED)
    first = s.pull({"group": "g", "batch": 2, "priority": 1, "expires": HOUR})
    second = s.pull({"group": "g", "batch": 2, "priority": 1, "expires": HOUR})
    late = s.pull({"group": "g", "batch": 2, "priority": 9, "expires": HOUR})
    s.fill(5)
    s.take(first, 2)
    s.take(second, 2)
    s.take(late)


def m8_a_number_among_the_prioritized(s: Scene) -> None:
    grouped(s, 0, PRIORITIZED)
    late = s.pull({"group": "g", "batch": 1, "priority": 1, "expires": HOUR})
    plain = s.pull("1")
    s.fill(2)
    s.take(plain)
    s.take(late)


def m8_a_pull_that_comes_later_but_is_more_urgent(s: Scene) -> None:
    grouped(s, 0, PRIORITIZED)
    late = s.pull({"group": "g", "batch": 5, "priority": 2, "expires": HOUR})
    s.publish("s.a", "1")
    s.take(late)
    urgent = s.pull({"group": "g", "batch": 1, "priority": 0, "expires": HOUR})
    s.publish("s.a", "2")
    s.publish("s.a", "3")
    s.take(urgent)
    s.take(late)


def m_next_with_a_group(s: Scene) -> None:
    grouped(s, 5, PINNED)
    first = s.pull({"group": "g", "batch": 1})
    s.take(first)
    pin = s.header(first, PIN)
    s.take(s.next(1, f'+NXT {{"group":"g","batch":1,"id":"{pin}"}}'))
    s.take(s.next(2, "+NXT {}"))
    s.settle(s.next(2, "+NXT"))
    s.info()


def m_the_pinned_ones_inbox_left(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 1, PINNED | {"priority_timeout": 2 * SECOND})
    first = s.pull({"group": "g", "batch": 9, "expires": HOUR})
    s.take(first)
    s.leave(first)
    other = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.publish("s.a", "2")
    s.take("unpinned")
    s.take(other)


def m_a_redelivery_goes_to_the_pinned(s: Scene) -> None:
    grouped(s, 1, PINNED)
    first = s.pull({"group": "g", "batch": 9, "expires": HOUR})
    other = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.take(first)
    s.ack(1, "-NAK")
    s.take(first)
    s.quiet(other)


def m_pins_and_headers_of_the_message(s: Scene) -> None:
    grouped(s, 0, PINNED)
    s.publish("s.a", "with", Key="value")
    s.take(s.pull({"group": "g", "batch": 1}))
