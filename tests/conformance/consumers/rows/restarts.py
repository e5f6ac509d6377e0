"""L5, T: consumers that outlive their server."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.rows.lifetime import FAR, SOON, ephemeral, in_a_while
from tests.conformance.consumers.scene import HOUR, SECOND, Scene


@own_server
def l5_a_pause_outlives_a_restart(s: Scene) -> None:
    s.stream()
    s.create()
    s.fill(1)
    s.pause({"pause_until": FAR})
    for kill in (False, True):
        s.restart(kill)
        s.take(s.pull({"batch": 1, "no_wait": True}))
        s.info()
    s.pause("")
    s.restart()
    s.take(s.pull("1"))
    s.info()


@own_server
def l5_a_pause_that_ended_meanwhile(s: Scene) -> None:
    s.stream()
    s.create()
    s.fill(1)
    s.pause({"pause_until": in_a_while(2)})
    s.restart()
    s.take(s.pull({"batch": 1, "expires": HOUR}))
    s.info()


@own_server
def t1_named_ephemerals_outlive_a_restart(s: Scene) -> None:
    ephemeral(s, inactive_threshold=HOUR)
    s.create("E2", durable_name=None, inactive_threshold=8 * SECOND)
    s.fill(2)
    s.take(s.pull("1"))
    for kill in (False, True):
        s.restart(kill)
        s.info()
        s.info("E2")
    s.until("E2", gone=True)


@own_server
def t2_consumers_in_memory_of_a_stream_of_files(s: Scene) -> None:
    s.stream()
    s.create(mem_storage=True)
    s.create("E", durable_name=None, inactive_threshold=HOUR, mem_storage=True)
    s.create("FILE")
    s.fill(1)
    s.restart()
    for name in ("C", "E", "FILE"):
        s.info(name)
    s.take(s.pull("1"))


@own_server
def t2_streams_in_memory_and_their_consumers(s: Scene) -> None:
    s.stream(storage="memory")
    s.create()
    s.restart()
    s.info()
    s.say(f"= {s.call('STREAM.INFO.S')['error']}")


@own_server
def t3_where_it_stood_before_a_restart(s: Scene) -> None:
    delivered(s, 5, 8)
    s.ack(1)
    s.ack(3)
    s.ack(2, "-NAK")
    s.take(s.pull("1"))
    s.info()
    s.restart()
    s.info()
    s.ack(2)
    s.ack(4)
    s.info()
    s.take_all(s.pull({"batch": 9, "no_wait": True}))
    s.info()


@own_server
def t3_unacked_ones_come_first_after_a_restart(s: Scene) -> None:
    delivered(s, 4, 4, ack_wait=2 * SECOND)  # at once, so that they run out together
    s.take(s.pull({"batch": 4, "expires": HOUR}), 4)
    s.info()
    s.restart()
    s.let_pass(2.5)
    s.take(s.pull({"batch": 9, "expires": HOUR}), 4)
    s.info()


@own_server
def t3_acks_of_all_policies_outlive_a_restart(s: Scene) -> None:
    s.stream()
    s.fill(6)
    for policy in ("none", "all", "explicit"):
        s.create(policy, ack_policy=policy)
        s.take(s.pull("4", consumer=policy), 4)
        if policy != "none":
            s.ack(2, consumer=policy)
        s.info(policy)
    s.restart()
    for policy in ("none", "all", "explicit"):
        s.info(policy)
    for policy in ("none", "all", "explicit"):
        s.take(s.pull("1", consumer=policy))


@own_server
def t3_a_push_consumer_goes_on_after_a_restart(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.fill(2)
    s.take("d", 2)
    s.ack(1)
    s.restart()
    s.publish("s.a", "3")
    s.info()
    s.listen("d.c", "d")
    s.take("d")
    s.info()


@own_server
def t3_a_filter_and_its_counts_after_a_restart(s: Scene) -> None:
    s.stream()
    s.create(filter_subjects=["s.a", "s.b"])
    s.create("L", deliver_policy="last_per_subject", filter_subject="s.>")
    s.fill(9, "s.a", "s.b", "s.c")
    s.take(s.pull("2"), 2)
    s.restart()
    s.info()
    s.info("L")
    s.take_all(s.pull({"batch": 9, "no_wait": True}))


@own_server
def t4_a_state_that_is_missing(s: Scene) -> None:
    delivered(s, 3, 5)
    s.ack(1)
    s.restart_after(lambda folder: _state_of(folder).unlink())
    s.info()
    s.take(s.pull("1"))


def _state_of(store: Path) -> Path:
    return next(store.glob("**/obs/C/o.dat"))


@own_server
def t5_what_was_answered_outlives_a_kill(s: Scene) -> None:
    s.stream()
    s.create()
    s.create("D")
    s.create("U")
    s.create("U", description="changed")
    s.api("CONSUMER.DELETE.S.D")
    s.pause({"pause_until": FAR})
    s.restart(kill=True)
    s.info()
    s.info("D")
    answer = s.info("U")
    s.say(f"= {answer['config'].get('description')}")


@own_server
def t6_what_ran_out_does_not_come_after_a_restart(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    delivered(s, 2, 3, ack_wait=SOON, max_deliver=1)
    s.take_sorted("told", 2)
    s.info()
    s.restart()
    s.take_all(s.pull({"batch": 5, "no_wait": True}))


@own_server
def t7_a_delay_goes_on_after_a_restart(s: Scene) -> None:
    delivered(s, 2, 2)
    s.ack(1, "-NAK 1h")
    s.ack(2, "-NAK 4s")
    s.restart()
    s.info()
    name = s.pull({"batch": 2, "expires": HOUR})
    s.take(name)
    s.quiet(name)
    s.info()


@own_server
def t_a_work_queue_after_a_restart(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(4)
    s.take(s.pull("3"), 3)
    s.ack(2)
    s.restart()
    s.state()
    s.info()
    s.ack(1)
    s.ack(3)
    s.state()
    s.take_all(s.pull({"batch": 5, "no_wait": True}))


@own_server
def t_an_interest_stream_after_a_restart(s: Scene) -> None:
    s.stream(retention="interest")
    s.create()
    s.create("D")
    s.fill(4)
    s.take(s.pull("4"), 4)
    for seq in (1, 2, 3):
        s.ack(seq)
    s.restart()
    s.state()
    s.take(s.pull("2", consumer="D"), 2)
    s.ack(1, consumer="D")
    s.ack(2, consumer="D")
    s.until_stream(messages=2)
    s.state()


@own_server
def t_a_pin_after_a_restart(s: Scene) -> None:
    s.stream()
    s.create(priority_policy="pinned_client", priority_groups=["g"], priority_timeout=120 * SECOND)
    s.fill(2)
    first = s.pull({"group": "g", "batch": 1})
    s.take(first)
    pin = s.header(first, "Nats-Pin-Id")
    s.restart()
    s.info()
    s.settle(s.pull({"group": "g", "batch": 1, "id": pin, "expires": HOUR}))
    s.info()


def _with_last_ones(s: Scene) -> None:
    """The newest of their subjects are 3, 6 and 8."""
    s.stream()
    for number, letter in enumerate("abcabbaa", 1):
        s.publish(f"s.{letter}", str(number))
    s.create(deliver_policy="last_per_subject", filter_subject="s.>")


@own_server
def t_last_ones_before_the_first_delivery(s: Scene) -> None:
    _with_last_ones(s)
    s.restart()
    s.info()
    s.publish("s.b", "9")
    s.take_all(s.pull({"batch": 20, "no_wait": True}))
    s.info()


@own_server
def t_last_ones_of_which_some_are_delivered(s: Scene) -> None:
    _with_last_ones(s)
    s.take(s.pull("1"))
    s.publish("s.b", "9")
    s.restart()
    s.info()
    s.take_all(s.pull({"batch": 20, "no_wait": True}))
    s.info()


@own_server
def t_last_ones_that_are_all_delivered(s: Scene) -> None:
    _with_last_ones(s)
    s.take(s.pull("3"), 3)
    s.restart()
    s.info()
    s.publish("s.b", "9")
    s.take_all(s.pull({"batch": 20, "no_wait": True}))
    s.info()
