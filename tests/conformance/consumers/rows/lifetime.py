"""K, L: consumers that end by themselves, and that pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

DELETED = "$JS.EVENT.ADVISORY.CONSUMER.DELETED.>"
PAUSES = "$JS.EVENT.ADVISORY.CONSUMER.PAUSE.>"
SOON = 700 * MS
FAR = "2100-01-01T00:00:00Z"


def ephemeral(s: Scene, **config: object) -> None:
    """C is a consumer without a durable name."""
    s.stream()
    s.create(durable_name=None, **config)


def in_a_while(seconds: float) -> str:
    """A time so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def k1_an_ephemeral_ends_by_itself(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.stream()
    s.say("> consumer without a threshold of its own")
    answer = s.create(durable_name=None)
    s.say(f"= inactive_threshold {answer['config'].get('inactive_threshold')}")
    s.take("told")
    s.info()


def k2_info_is_no_activity(s: Scene) -> None:
    ephemeral(s, inactive_threshold=SOON)
    s.until(gone=True)


def k2_pulls_are_activity(s: Scene) -> None:
    ephemeral(s, inactive_threshold=3 * SECOND)
    for _ in range(3):
        s.let_pass(1.2)
        s.take(s.pull({"batch": 1, "no_wait": True}))
    s.info()
    s.until(gone=True)


def k2_acks_are_activity(s: Scene) -> None:
    ephemeral(s, inactive_threshold=3 * SECOND)
    s.fill(4)
    s.take(s.pull("4"), 4)
    for seq, body in enumerate(("+WPI", "+ACK", "-NAK 1h", "+TERM"), 1):
        s.let_pass(1.2)
        s.ack(seq, body)
    s.info()
    s.ack(1)
    s.ack(3)


def k3_a_waiting_pull_keeps_it(s: Scene) -> None:
    s.listen(DELETED, "told")
    ephemeral(s, inactive_threshold=1500 * MS)
    name = s.pull({"batch": 1, "expires": 3500 * MS})
    s.take(name)
    s.quiet("told")
    s.take("told")


def k3_a_dead_pull_does_not_keep_it(s: Scene) -> None:
    s.listen(DELETED, "told")
    ephemeral(s, inactive_threshold=1500 * MS)
    s.leave(s.pull({"batch": 1, "expires": HOUR}))
    s.take("told")


def k4_unacked_messages_keep_it_for_a_while(s: Scene) -> None:
    s.listen(DELETED, "told")
    ephemeral(s, inactive_threshold=1500 * MS, ack_wait=6 * SECOND)
    s.fill(1)
    s.take(s.pull("1"))
    s.let_pass(2.5)
    s.info()
    s.take("told")
    s.state()


def k4_after_the_ack_it_ends(s: Scene) -> None:
    s.listen(DELETED, "told")
    ephemeral(s, inactive_threshold=1500 * MS, ack_wait=HOUR)
    s.fill(1)
    s.take(s.pull("1"))
    s.let_pass(2.5)
    s.ack(1)
    s.take("told")


def k5_a_push_ephemeral_ends_when_its_listener_leaves(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.listen("d.c", "d")
    ephemeral(s, deliver_subject="d.c", inactive_threshold=SOON, ack_policy="none")
    s.let_pass(1.5)
    s.info()
    s.leave("d")
    s.take("told")


def k5_a_push_ephemeral_that_was_never_bound(s: Scene) -> None:
    s.listen(DELETED, "told")
    ephemeral(s, deliver_subject="d.c", inactive_threshold=SOON, ack_policy="none")
    s.take("told")


def k5_a_push_ephemeral_whose_listener_comes_back(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.listen("d.c", "d")
    ephemeral(s, deliver_subject="d.c", inactive_threshold=2 * SECOND, ack_policy="none")
    s.leave("d")
    s.let_pass(0.3)
    s.listen("d.c", "d")
    s.let_pass(3)
    s.quiet("told")
    s.info()


def k6_a_durable_with_a_threshold(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.stream()
    s.create(inactive_threshold=SOON)
    s.take("told")


def k6_a_threshold_taken_off(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.stream()
    s.create(inactive_threshold=2 * SECOND)
    s.create()
    s.let_pass(4)
    s.quiet("told")
    s.info()


def k6_a_threshold_put_on(s: Scene) -> None:
    s.listen(DELETED, "told")
    s.stream()
    s.create()
    s.create(inactive_threshold=2 * SECOND)
    s.take("told")


def k_an_ephemeral_without_a_name(s: Scene) -> None:
    s.stream()
    answer = s.call(
        "CONSUMER.CREATE.S",
        {"stream_name": "S", "config": {"ack_policy": "explicit", "inactive_threshold": HOUR}},
    )
    name = answer["name"]
    s.say(f"= a name of {len(name)} letters and digits: {name.isalnum()}")
    s.say(f"= durable_name {answer['config'].get('durable_name')}")
    s.fill(1)
    said = len(s.lines)
    s.take(s.pull("1", consumer=name))
    s.lines[said:] = [line.replace(name, "<name>") for line in s.lines[said:]]


# -- L: pause -------------------------------------------------------------------------------------


def l1_a_pause_that_ends(s: Scene) -> None:
    s.listen(PAUSES, "told")
    s.stream()
    s.create()
    s.pause({"pause_until": in_a_while(4)})
    s.take("told")
    s.fill(2)
    name = s.pull({"batch": 2, "expires": HOUR})
    s.quiet(name)
    info = s.info()
    s.say(f"= {[key for key in info if 'pause' in key]}")
    s.take("told")
    s.take(name, 2)
    info = s.info()
    s.say(f"= {[key for key in info if 'pause' in key]}")


def l2_requests_that_resume(s: Scene) -> None:
    s.listen(PAUSES, "told")
    s.stream()
    s.create()
    for body in (
        "",
        "{}",
        {"pause_until": "0001-01-01T00:00:00Z"},
        {"pause_until": "2020-01-01T00:00:00Z"},
    ):
        s.pause({"pause_until": FAR})
        s.take("told")
        s.pause(body)
        s.take("told")
        info = s.info()
        s.say(f"= pause_until {info['config'].get('pause_until')}")


def l2_resumed_without_a_pause(s: Scene) -> None:
    s.listen(PAUSES, "told")
    s.stream()
    s.create()
    s.pause("")
    s.settle("told")
    s.pause({"pause_until": FAR})
    s.pause({"pause_until": "2100-01-01T01:00:00+01:00"})
    s.settle("told")


def l2_pause_requests_that_are_refused(s: Scene) -> None:
    s.stream()
    s.create()
    for target, body in (
        ("S.C", "{bad"),
        ("S.C", {"pause_until": "tomorrow"}),
        ("S.C", {"pause_until": 5}),
        ("S.NONE", ""),
        ("NONE.C", ""),
        ("S.C", {"other": 1}),
        ("S.C", "5"),
    ):
        s.api(f"CONSUMER.PAUSE.{target}", body)


def l3_pulls_of_a_paused_consumer(s: Scene) -> None:
    delivered(s, 2, 4)
    s.pause({"pause_until": FAR})
    s.take(s.pull({"batch": 2, "no_wait": True}))
    s.take(s.pull({"batch": 2, "expires": SOON}))
    waiting = s.pull({"batch": 3, "expires": HOUR})
    s.ack(1, "-NAK")
    s.ack(2)
    s.quiet(waiting)
    s.info()
    s.pause("")
    s.settle(waiting)
    s.info()


def l3_a_paused_consumer_redelivers_later(s: Scene) -> None:
    delivered(s, 1, 1, ack_wait=2 * SECOND)
    s.pause({"pause_until": FAR})
    name = s.pull({"batch": 1, "expires": HOUR})
    s.let_pass(3)
    s.quiet(name)
    s.info()
    s.pause("")
    s.settle(name)
    s.info()


def l3_a_pull_after_the_pause(s: Scene) -> None:
    delivered(s, 2, 4)
    s.pause({"pause_until": FAR})
    s.ack(1, "-NAK")
    s.ack(2)
    s.take(s.pull({"batch": 2, "no_wait": True}))
    s.pause("")
    s.take_all(s.pull({"batch": 9, "no_wait": True}))
    s.info()


def l3_a_paused_push_consumer(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.pause({"pause_until": FAR})
    s.fill(2)
    s.quiet("d")
    s.info()
    s.pause("")
    s.settle("d")
    s.publish("s.a", "3")
    s.settle("d")


def l3_a_paused_push_consumer_goes_on_by_itself(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.pause({"pause_until": in_a_while(8)})
    s.fill(2)
    s.quiet("d")
    s.take("d", 2)


def l4_paused_from_the_start(s: Scene) -> None:
    s.listen(PAUSES, "told")
    s.stream()
    s.create(pause_until=FAR)
    s.settle("told")
    s.fill(1)
    s.take(s.pull({"batch": 1, "no_wait": True}))
    info = s.info()
    s.say(f"= pause_until {info['config'].get('pause_until')}")


def l4_an_update_does_not_change_a_pause(s: Scene) -> None:
    s.stream()
    s.create(pause_until=FAR)
    s.create(description="changed")
    info = s.info()
    s.say(f"= pause_until {info['config'].get('pause_until')}")
    s.pause("")
    s.create(pause_until=FAR, description="again")
    info = s.info()
    s.say(f"= pause_until {info['config'].get('pause_until')}")
