"""M: priority groups together with everything else: updates, limits, pauses, restarts."""

from __future__ import annotations

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.rows.groups import OVERFLOW, PIN, PINNED, PRIORITIZED, grouped
from tests.conformance.consumers.rows.lifetime import FAR
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

LONG = {"group": "g", "batch": 9, "expires": HOUR}
ONE = {"group": "g", "batch": 1}


def pinned(s: Scene, count: int = 3, **more: object) -> str:
    """Somebody is pinned and has got the first message; the id."""
    grouped(s, count, PINNED, **more)
    name = s.pull(ONE)
    s.take(name)
    return s.header(name, PIN)


# -- the request to unpin --------------------------------------------------------------------------


def m7_unpin_while_nobody_is_pinned(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "told")
    grouped(s, 0, PINNED)
    s.create("O", **OVERFLOW)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.settle("told")
    s.api("CONSUMER.UNPIN.S.O", {"group": "g"})
    s.settle("told")


def m7_unpin_while_a_long_pull_waits(s: Scene) -> None:
    grouped(s, 1, PINNED)
    first = s.pull(LONG)
    s.take(first)
    other = s.pull(LONG)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.quiet(first, other)
    s.info()
    s.publish("s.a", "2")
    s.take(first)
    s.take(other)
    s.info()


def m7_unpin_with_messages_and_nobody_else(s: Scene) -> None:
    pin = pinned(s)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.info()
    name = s.pull(LONG | {"id": pin})
    s.take(name)
    s.info()
    s.take(s.pull(ONE))
    s.info()


def m7_unpin_another_group(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.*.S.C", "told")
    s.stream()
    s.create(**PINNED | {"priority_groups": ["g", "h"]})
    s.take("told")
    s.fill(3)
    s.take(s.pull({"group": "h", "batch": 1}))
    s.take("told")
    s.info()
    other = s.pull({"group": "g", "batch": 1, "expires": HOUR})
    s.quiet(other)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.settle("told", other)
    s.info()


# -- who waits with a pin --------------------------------------------------------------------------


def m4_a_bare_pull_while_somebody_is_pinned(s: Scene) -> None:
    pinned(s, 4)
    bare = s.pull("2")
    s.quiet(bare)
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.settle(bare)
    s.info()


def m4_several_pulls_of_the_pinned_take_turns(s: Scene) -> None:
    pin = pinned(s, 1)
    first = s.pull({"group": "g", "batch": 2, "expires": HOUR, "id": pin})
    other = s.pull(LONG)
    second = s.pull({"group": "g", "batch": 2, "expires": HOUR, "id": pin})
    for number in "2345":
        s.publish("s.a", number)
    s.take(first, 2)
    s.take(second, 2)
    s.quiet(other)


def m4_silent_ones_expire_and_beat(s: Scene) -> None:
    pinned(s, 3)
    beating = s.pull(LONG | {"idle_heartbeat": 300 * MS})
    s.take(beating)
    ending = s.pull(LONG | {"expires": 300 * MS})
    s.take(ending)
    s.leave(beating)


def m4_no_wait_with_time_of_one_that_is_not_pinned(s: Scene) -> None:
    pinned(s, 3)
    name = s.pull({"group": "g", "batch": 1, "no_wait": True, "expires": 400 * MS})
    s.take(name)
    s.info()


def m4_no_wait_of_the_pinned(s: Scene) -> None:
    pin = pinned(s, 3)
    name = s.pull({"group": "g", "batch": 5, "no_wait": True, "id": pin})
    s.take_all(name)
    s.take(s.pull({"group": "g", "batch": 5, "no_wait": True, "id": pin}))


def m4_no_wait_of_the_pinned_behind_silent_ones(s: Scene) -> None:
    pin = pinned(s, 3)
    other = s.pull(LONG)
    s.take_all(s.pull({"group": "g", "batch": 5, "no_wait": True, "id": pin}))
    s.quiet(other)


def m4_bytes_of_the_pinned_and_others(s: Scene) -> None:
    pin = pinned(s, 1)
    other = s.pull(LONG | {"max_bytes": 10})
    small = s.pull(LONG | {"id": pin, "max_bytes": 10})
    s.publish("s.a", "x" * 100)
    s.take(small)
    s.quiet(other)
    s.take(s.pull(ONE | {"id": pin}))


def m4_pins_with_headers_only(s: Scene) -> None:
    grouped(s, 0, PINNED, headers_only=True)
    s.publish("s.a", "with", Key="value")
    s.publish("s.a", "without")
    s.take(s.pull({"group": "g", "batch": 2}), 2)


def m4_too_many_wait(s: Scene) -> None:
    pin = pinned(s, 1, max_waiting=2)
    one, two = s.pull(LONG), s.pull(LONG)
    s.take(s.pull(LONG | {"id": pin}))
    s.quiet(one, two)


def m4_as_many_unacknowledged_as_may_be(s: Scene) -> None:
    pin = pinned(s, 3, max_ack_pending=1)
    mine, other = s.pull(LONG | {"id": pin}), s.pull(LONG)
    s.quiet(mine, other)
    s.ack(1)
    s.take(mine)
    s.quiet(other)


def m4_redeliveries_of_a_pin_that_ran_out(s: Scene) -> None:
    grouped(s, 1, PINNED, ack_wait=700 * MS)
    s.take(s.pull(ONE))
    s.api("CONSUMER.UNPIN.S.C", {"group": "g"})
    s.take(s.pull(LONG))


def m4_a_wrong_id_with_a_wrong_group(s: Scene) -> None:
    pinned(s, 3)
    for body in (
        {"group": "h", "id": "x"},
        {"id": "x"},
        {"group": "g", "id": "x", "priority": 10},
        {"group": "g", "id": "x", "min_pending": 1},
        {"group": "g", "id": "x", "no_wait": True},
        {"group": "g", "id": "x", "expires": -1},
        {"group": "g", "id": "x", "idle_heartbeat": HOUR},
        {"group": "h", "min_pending": 1, "priority": 77},
        {"min_pending": 1, "priority": 77},
    ):
        s.settle(s.pull(body))


def m4_limits_and_groups_that_are_wrong(s: Scene) -> None:
    grouped(s, 1, OVERFLOW, max_batch=2, max_expires=SECOND, max_bytes=5)
    for body in ({"batch": 3}, {"group": "h", "expires": HOUR}, {"group": "g", "max_bytes": 6}):
        s.settle(s.pull({**body, "priority": 12}))
        s.settle(s.pull(body))
    s.settle(s.pull(ONE | {"id": "x", "priority": 12}))
    s.settle(s.pull({"group": "h", "id": "x"}))
    s.settle(s.pull({"group": "g", "batch": 1, "expires": -1}))
    s.settle(s.pull({"group": "h", "batch": 1, "expires": -1}))


# -- the end of a pin ------------------------------------------------------------------------------


def m5_acknowledgements_do_not_keep_the_pin(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 1, PINNED | {"priority_timeout": 3 * SECOND})
    first = s.pull(LONG)
    s.take(first)
    for body in ("+WPI", "+WPI", "+ACK"):
        s.let_pass(0.45)
        s.ack(1, body)
    s.quiet("unpinned")
    s.take("unpinned")


def m5_a_paused_consumer_loses_its_pin(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 3, PINNED | {"priority_timeout": SECOND})
    s.take(s.pull(ONE))
    s.pause({"pause_until": FAR})
    s.take("unpinned")
    s.pause("")
    s.info()
    waits = s.pull(LONG)
    s.take(waits, 2)
    s.info()


def m5_another_timeout_for_who_is_pinned(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 3, PINNED)
    name = s.pull(ONE)
    s.take(name)
    pin = s.header(name, PIN)
    s.create(action="update", **PINNED | {"priority_timeout": SECOND})
    s.settle("unpinned")
    s.take(s.pull(ONE | {"id": pin}))
    s.take("unpinned")


def m5_refused_pulls_with_the_id_and_the_timeout(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 1, PINNED | {"priority_timeout": 1200 * MS})
    name = s.pull(ONE)
    s.take(name)
    pin = s.header(name, PIN)
    for _ in range(3):
        s.let_pass(0.5)
        s.take(s.pull({"group": "g", "batch": 1, "no_wait": True, "id": pin}))
    s.quiet("unpinned")


def m6_an_id_among_others_while_nobody_is_pinned(s: Scene) -> None:
    grouped(s, 0, PINNED)
    before = s.pull(LONG | {"id": "before"})
    one = s.pull(LONG)
    after = s.pull(LONG | {"id": "after"})
    s.publish("s.a", "1")
    s.take(before)
    s.take(one)
    s.publish("s.a", "2")
    s.take(after)
    s.take(one)
    s.info()


def m6_an_id_without_anything_to_wait_for(s: Scene) -> None:
    grouped(s, 0, PINNED)
    s.take(s.pull({"group": "g", "batch": 1, "no_wait": True, "id": "x"}))
    s.fill(1)
    s.take(s.pull({"group": "g", "batch": 1, "no_wait": True, "id": "x"}))
    s.info()


# -- updates ---------------------------------------------------------------------------------------


def m_a_plain_consumer_becomes_pinned(s: Scene) -> None:
    grouped(s, 0, {})
    bare, plain, member = s.pull("9"), s.pull({"batch": 9, "expires": HOUR}), s.pull(LONG)
    s.create(action="update", **PINNED)
    s.publish("s.a", "1")
    s.publish("s.a", "2")
    s.publish("s.a", "3")
    s.publish("s.a", "4")
    s.settle(bare, plain, member)
    s.info()


def m_a_pinned_consumer_becomes_plain(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.>", "unpinned")
    grouped(s, 1, PINNED)
    first, other = s.pull(LONG), s.pull(LONG)
    s.take(first)
    s.create(action="update")
    s.settle("unpinned")
    s.info()
    for number in "234":
        s.publish("s.a", number)
    s.settle(first, other)
    s.create(action="update", **PINNED)
    s.info()
    s.publish("s.a", "5")
    s.settle(first, other)


def m_a_pinned_consumer_becomes_overflow(s: Scene) -> None:
    grouped(s, 1, PINNED)
    first, other = s.pull(LONG), s.pull(LONG)
    s.take(first)
    s.create(action="update", **OVERFLOW)
    s.info()
    for number in "234":
        s.publish("s.a", number)
    s.settle(first, other)


def m_an_overflow_consumer_becomes_plain(s: Scene) -> None:
    grouped(s, 1, OVERFLOW)
    over = s.pull(LONG | {"min_pending": 9})
    s.quiet(over)
    s.create(action="update")
    s.publish("s.a", "2")
    s.settle(over)


def m_an_overflow_consumer_becomes_prioritized(s: Scene) -> None:
    grouped(s, 0, OVERFLOW)
    late = s.pull(LONG | {"priority": 5})
    urgent = s.pull({"group": "g", "batch": 2, "expires": HOUR})
    s.create(action="update", **PRIORITIZED)
    for number in "123":
        s.publish("s.a", number)
    s.settle(late, urgent)


def m_the_groups_change_while_requests_wait(s: Scene) -> None:
    grouped(s, 1, PINNED)
    first = s.pull(LONG)
    s.take(first)
    s.create(action="update", **PINNED | {"priority_groups": ["h"]})
    s.info()
    s.publish("s.a", "2")
    s.settle(first)
    s.take(s.pull(ONE))
    s.api("CONSUMER.UNPIN.S.C", {"group": "h"})
    s.publish("s.a", "3")
    s.settle(first)


# -- others ----------------------------------------------------------------------------------------


def m3_no_wait_that_overflows_for_a_while(s: Scene) -> None:
    grouped(s, 4, OVERFLOW)
    s.take_all(s.pull({"group": "g", "batch": 5, "min_pending": 3, "no_wait": True}))
    s.info()


def m3_overflow_of_redeliveries(s: Scene) -> None:
    grouped(s, 3, OVERFLOW)
    s.take(s.pull(ONE))
    s.take(s.pull(ONE))
    over = s.pull(LONG | {"min_pending": 2})
    s.ack(1, "-NAK")
    s.quiet(over)
    s.publish("s.a", "4")
    s.take(over)
    s.settle(over)
    s.info()


def m3_overflow_with_bytes(s: Scene) -> None:
    grouped(s, 2, OVERFLOW)
    over = s.pull(LONG | {"min_pending": 4, "max_bytes": 100})
    s.quiet(over)
    s.publish("s.a", "x" * 200)
    s.quiet(over)
    s.publish("s.a", "4")
    s.settle(over)
    s.info()


def m3_overflow_ends_when_acks_come(s: Scene) -> None:
    grouped(s, 4, OVERFLOW)
    s.take(s.pull(ONE))
    s.take(s.pull(ONE))
    s.ack(1)
    over = s.pull(LONG | {"min_ack_pending": 2})
    s.quiet(over)
    s.take(s.pull(ONE))
    s.take(over)
    s.info()


def m8_prioritized_and_no_wait(s: Scene) -> None:
    grouped(s, 2, PRIORITIZED)
    s.take_all(s.pull({"group": "g", "batch": 5, "no_wait": True, "priority": 4}))
    waits = s.pull(LONG | {"priority": 1})
    s.take(s.pull({"group": "g", "batch": 5, "no_wait": True}))
    s.fill(1)
    s.take(waits)


def m8_prioritized_with_bytes(s: Scene) -> None:
    grouped(s, 0, PRIORITIZED)
    late = s.pull(LONG | {"priority": 5})
    small = s.pull(LONG | {"priority": 1, "max_bytes": 20})
    s.publish("s.a", "x" * 100)
    s.take(small)
    s.take(late)


def m_a_pinned_consumer_is_reset(s: Scene) -> None:
    pin = pinned(s)
    s.reset({"seq": 1})
    s.info()
    s.take(s.pull(ONE | {"id": pin}))


@own_server
def r_a_restart_forgets_the_pin(s: Scene) -> None:
    pin = pinned(s)
    s.restart()
    s.info()
    s.take(s.pull(ONE | {"id": pin}))
    s.take(s.pull(ONE))
    s.info()


# -- overflow, while the consumer has as many out as it may ----------------------------------------


def full(s: Scene, count: int) -> None:
    """One message is out, and no other may be."""
    grouped(s, count, OVERFLOW, max_ack_pending=1)
    s.take(s.pull(ONE))


def m3_turns_stay_while_the_consumer_is_full(s: Scene) -> None:
    full(s, 3)
    third = s.pull(LONG | {"min_pending": 3, "batch": 1})
    second = s.pull(LONG | {"min_pending": 2, "batch": 1})
    s.quiet(third, second)
    s.publish("s.a", "4")
    s.ack(1)
    s.settle(third, second)
    s.info()


def m3_turns_stay_while_there_is_nothing(s: Scene) -> None:
    grouped(s, 1, OVERFLOW)
    s.take(s.pull(ONE))
    pending = s.pull(LONG | {"min_pending": 1, "batch": 1})
    unacked = s.pull(LONG | {"min_ack_pending": 1, "batch": 1})
    s.quiet(pending, unacked)
    s.publish("s.a", "2")
    s.settle(pending, unacked)


def m3_no_wait_while_the_consumer_is_full(s: Scene) -> None:
    full(s, 3)
    hasty = s.pull(ONE | {"min_pending": 9, "no_wait": True})
    s.quiet(hasty)
    s.ack(1)
    s.settle(hasty)
    s.info()


def m3_no_wait_that_has_been_fed_waits_for_acks(s: Scene) -> None:
    grouped(s, 3, OVERFLOW, max_ack_pending=1)
    hasty = s.pull(LONG | {"min_pending": 3, "no_wait": True})
    s.take(hasty)
    s.quiet(hasty)
    s.ack(1)
    s.settle(hasty)
    s.info()


def m3_a_full_consumer_repeats_to_who_overflows(s: Scene) -> None:
    full(s, 3)
    ninth = s.pull(LONG | {"min_pending": 9, "batch": 1})
    third = s.pull(LONG | {"min_pending": 3, "batch": 1})
    s.quiet(ninth, third)
    s.ack(1, "-NAK")
    s.settle(ninth, third)
    s.info()


def m4_the_pin_does_not_count_in_bytes(s: Scene) -> None:
    grouped(s, 2, PINNED)
    name = s.pull({"group": "g", "batch": 1, "max_bytes": 300, "expires": HOUR})
    s.take(name, 2)


def m4_no_wait_while_the_pinned_consumer_is_full(s: Scene) -> None:
    grouped(s, 3, PINNED, max_ack_pending=1)
    s.take(s.pull(ONE))
    hasty = s.pull(ONE | {"no_wait": True})
    s.quiet(hasty)
    s.ack(1)
    s.settle(hasty)
    s.info()
