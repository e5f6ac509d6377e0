"""N, R, S: messages that go, streams that keep what is wanted, and copies."""

from __future__ import annotations

from functools import partial

from tests.conformance.consumers.playing import Row
from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.scene import HOUR, SECOND, Scene

TERMINATED = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"
ALL = {"batch": 50, "no_wait": True}


# -- N: removals ----------------------------------------------------------------------------------


def n1_deleting_what_was_not_delivered(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream()
    s.create()
    s.create("B", filter_subject="s.b")
    s.fill(6, "s.a", "s.b")
    s.delete_message(3)
    s.info()
    s.info("B")
    s.delete_message(2)
    s.info()
    s.info("B")
    s.quiet("told")
    s.take_all(s.pull(ALL))


def n1_deleting_what_is_out(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    delivered(s, 4, 6)
    s.delete_message(2)
    s.take("told")
    s.info()
    s.delete_message(1)
    s.take("told")
    s.info()
    s.ack(1)
    s.ack(2, "-NAK")
    s.ack(3)
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n1_deleting_what_waits_for_redelivery(s: Scene) -> None:
    delivered(s, 2, 3)
    s.ack(1, "-NAK")
    s.ack(2, "-NAK 1h")
    s.delete_message(1)
    s.delete_message(2)
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n1_deleting_the_last_that_is_out_frees_a_slot(s: Scene) -> None:
    delivered(s, 1, 3, max_ack_pending=1)
    name = s.pull({"batch": 2, "expires": HOUR})
    s.quiet(name)
    s.delete_message(1)
    s.settle(name)
    s.info()


def n1_deleting_what_was_redelivered(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    delivered(s, 2, 2)
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.delete_message(1)
    s.take("told")
    s.info()


def n1_deleting_what_ack_all_has_out(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    delivered(s, 4, 5, ack_policy="all")
    s.delete_message(2)
    s.settle("told")
    s.info()
    s.ack(3)
    s.info()


def n2_limits_remove_like_deletes(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream(max_msgs=4)
    s.create()
    s.fill(4)
    s.take(s.pull("2"), 2)
    s.publish("s.a", "5")
    s.take("told")
    s.info()
    s.publish("s.a", "6")
    s.publish("s.a", "7")
    s.take("told")
    s.info()
    s.ack(1)
    s.ack(2)
    s.take_all(s.pull(ALL))
    s.info()


def n2_limits_of_a_subject(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream(max_msgs_per_subject=1)
    s.create()
    s.fill(2, "s.a", "s.b")
    s.take(s.pull("1"))
    s.publish("s.a", "again")
    s.take("told")
    s.info()
    s.publish("s.b", "again")
    s.quiet("told")
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n2_age(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream(max_age=3 * SECOND, duplicate_window=SECOND)
    s.create()
    s.fill(3)
    s.take(s.pull("2"), 2)
    s.until_stream(messages=0)
    s.take_sorted("told", 2)
    s.info()
    s.ack(1)
    s.publish("s.a", "new")
    s.take(s.pull("1"))
    s.info()


def n3_purges_of_all(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    delivered(s, 3, 8)
    s.purge()
    s.info()
    s.quiet("told")
    s.ack(2)
    s.publish("s.a", "new")
    s.take(s.pull("1"))
    s.info()


def n3_a_purge_that_keeps_some(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    delivered(s, 3, 8)
    s.purge(keep=2)
    s.info()
    s.quiet("told")
    s.take_all(s.pull(ALL))
    s.info()


def n3_a_purge_to_what_is_out(s: Scene) -> None:
    delivered(s, 5, 8)
    s.ack(2)
    s.purge(seq=4)
    s.info()
    s.ack(4)
    s.ack(5)
    s.info()
    s.ack(3, "-NAK")
    s.take_all(s.pull(ALL))


def n3_a_purge_with_naks_waiting(s: Scene) -> None:
    delivered(s, 3, 5)
    s.ack(1, "-NAK")
    s.ack(2, "-NAK 1h")
    s.purge(seq=3)
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n4_a_purge_with_a_filter(s: Scene) -> None:
    s.stream()
    s.create()
    s.create("A", filter_subject="s.a")
    s.create("B", filter_subject="s.b")
    s.fill(8, "s.a", "s.b")
    s.take(s.pull("4"), 4)
    s.take(s.pull("2", consumer="A"), 2)
    s.take(s.pull("2", consumer="B"), 2)
    s.purge(filter="s.b")
    for name in ("C", "A", "B"):
        s.info(name)
    s.take_all(s.pull(ALL))
    s.take_all(s.pull(ALL, consumer="A"))
    s.take_all(s.pull(ALL, consumer="B"))
    s.ack(2, consumer="B")
    s.info("B")


def n5_a_purge_beyond_what_is_out(s: Scene) -> None:
    delivered(s, 4, 10)
    s.purge(seq=8)
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n6_rollups(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream(allow_rollup_hdrs=True)
    s.create()
    s.fill(3, "s.a")
    s.publish("s.b", "b")
    s.take(s.pull("1"))
    s.publish("s.a", "roll", Nats_Rollup="sub")
    s.settle("told")
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def n6_a_rollup_of_all(s: Scene) -> None:
    s.listen(TERMINATED, "told")
    s.stream(allow_rollup_hdrs=True)
    s.create()
    s.fill(4, "s.a", "s.b")
    s.take(s.pull("1"))
    s.publish("s.a", "roll", Nats_Rollup="all")
    s.settle("told")
    s.info()
    s.take_all(s.pull(ALL))


def n_a_message_removed_under_a_waiting_pull(s: Scene) -> None:
    s.stream()
    s.create(max_ack_pending=1)
    s.fill(3)
    s.take(s.pull("1"))
    name = s.pull({"batch": 1, "expires": HOUR})
    s.delete_message(2)
    s.ack(1)
    s.take(name)
    s.info()


# -- R: work queues and interest ------------------------------------------------------------------


def r1_consumers_of_a_work_queue_that_are_refused(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create("N", ack_policy="none")
    s.create("A", ack_policy="all")
    s.create("P", ack_policy="none", deliver_subject="d")
    for policy in ("new", "last", "last_per_subject"):
        s.create(
            "D", deliver_policy=policy, **({"filter_subject": "s.>"} if "per" in policy else {})
        )
    s.create(filter_subject="s.a")
    for name, filters in (
        ("F", ["s.a"]),
        ("F", ["s.*"]),
        ("F", ["s.b", "s.>"]),
        ("U", None),
        ("G", ["s.b"]),
    ):
        s.create(name, **({"filter_subjects": filters} if filters else {}))
    s.create("G", filter_subjects=["s.b", "s.a"])
    s.create("G", filter_subjects=["s.b", "s.c"])


def _out_of_queue(body: str, s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(5)
    s.take(s.pull("4"), 4)
    s.ack(3, body)
    s.state()
    s.ack(1, body)
    s.state()
    s.info()
    s.ack(3, body)
    s.state()


TABLE: dict[str, Row] = {
    f"r2_{name}_of_a_work_queue": partial(_out_of_queue, body)
    for name, body in (("ack", "+ACK"), ("term", "+TERM"), ("nak", "-NAK"), ("progress", "+WPI"))
}


def r2_next_of_a_work_queue(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(3)
    s.take(s.pull("1"))
    s.take(s.next(1))
    s.state()


def r2_deleting_the_consumer_of_a_work_queue_keeps_all(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create()
    s.fill(3)
    s.take(s.pull("2"), 2)
    s.ack(1)
    s.api("CONSUMER.DELETE.S.C")
    s.state()
    s.create("D")
    s.take_all(s.pull(ALL, consumer="D"))


def r2_two_filters_of_a_work_queue(s: Scene) -> None:
    s.stream(retention="workqueue")
    s.create("A", filter_subject="s.a")
    s.create("B", filter_subject="s.b")
    s.fill(6, "s.a", "s.b", "s.c")
    s.state()
    s.take(s.pull("2", consumer="A"), 2)
    s.ack(4, consumer="A")
    s.take(s.pull("1", consumer="B"))
    s.ack(2, consumer="B")
    s.state()
    s.info("A")
    s.info("B")


def r3_a_work_queue_keeps_what_ran_out(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "told")
    s.stream(retention="workqueue")
    s.create(max_deliver=1, ack_wait=SECOND // 2)
    s.fill(2)
    s.take(s.pull("1"))
    s.take("told")
    s.state()
    s.info()
    s.ack(1)
    s.state()
    s.info()


def r4_nobody_is_interested(s: Scene) -> None:
    s.stream(retention="interest")
    s.publish("s.a", "1", tell=True)
    s.state()
    s.create(filter_subject="s.b")
    s.publish("s.a", "2", tell=True)
    s.publish("s.b", "3", tell=True)
    s.state()
    s.info()


def r4_a_push_consumer_without_a_listener_is_interest(s: Scene) -> None:
    s.stream(retention="interest")
    s.create(deliver_subject="d.c")
    s.publish("s.a", "1", tell=True)
    s.state()
    s.listen("d.c", "d")
    s.take("d")
    s.ack(1)
    s.until_stream(messages=0)
    s.state()


def r4_a_consumer_without_acks_is_served_and_done(s: Scene) -> None:
    s.stream(retention="interest")
    s.create(ack_policy="none")
    s.fill(3)
    s.state()
    s.take(s.pull("2"), 2)
    s.until_stream(messages=1)
    s.state()
    s.info()


def r5_deleting_a_consumer_removes_what_only_it_wanted(s: Scene) -> None:
    s.stream(retention="interest")
    s.create()
    s.create("B", filter_subject="s.b")
    s.fill(4, "s.a", "s.b")
    s.state()
    s.api("CONSUMER.DELETE.S.C")
    s.until_stream(messages=2)
    s.state()
    s.info("B")
    s.api("CONSUMER.DELETE.S.B")
    s.until_stream(messages=0)
    s.state()


def r5_changing_a_filter_removes_what_nobody_wants(s: Scene) -> None:
    s.stream(retention="interest")
    s.create()
    s.fill(4, "s.a", "s.b")
    s.create(filter_subject="s.b")
    s.until_stream(messages=2)
    s.state()
    s.info()


def r6_ack_all_removes_only_what_it_had(s: Scene) -> None:
    s.stream(retention="interest")
    s.create(ack_policy="all", filter_subject="s.a")
    s.create("B", filter_subject="s.b")
    s.fill(4, "s.a", "s.b")
    s.take(s.pull("2"), 2)
    s.ack(3)
    s.until_stream(messages=2)
    s.state()
    s.info()
    s.info("B")


def r6_all_have_to_ack(s: Scene) -> None:
    s.stream(retention="interest")
    for name in ("C", "D"):
        s.create(name)
    s.fill(3)
    for name in ("C", "D"):
        s.take(s.pull("3", consumer=name), 3)
    s.ack(2)
    s.state()
    s.ack(2, consumer="D")
    s.until_stream(messages=2)
    s.state()
    s.ack(1, "+TERM")
    s.ack(1, "+TERM", consumer="D")
    s.until_stream(messages=1)
    s.state()


def r6_a_consumer_that_starts_later_does_not_want_earlier_ones(s: Scene) -> None:
    s.stream(retention="interest")
    s.create()
    s.fill(2)
    s.create("N", deliver_policy="new")
    s.publish("s.a", "3")
    s.take(s.pull("3"), 3)
    for seq in (1, 2, 3):
        s.ack(seq)
    s.until_stream(messages=1)
    s.state()
    s.info("N")


def r7_limits_become_interest(s: Scene) -> None:
    delivered(s, 2, 3)
    s.ack(1)
    s.update_stream(retention="interest")
    s.until_stream(messages=2)
    s.state()
    s.update_stream(retention="workqueue")
    s.update_stream(retention="limits")
    s.ack(2)
    s.state()


def r_a_full_work_queue_that_discards_new(s: Scene) -> None:
    s.stream(retention="workqueue", discard="new", max_msgs=2)
    s.create()
    s.fill(2)
    s.publish("s.a", "3", tell=True)
    s.take(s.pull("1"))
    s.ack(1)
    s.until_stream(messages=1)
    s.publish("s.a", "4", tell=True)
    s.state()


# -- S: copies ------------------------------------------------------------------------------------


def s1_consumers_of_a_mirror(s: Scene) -> None:
    s.stream("O", "o.>")
    s.fill(3, "o.a", "o.b")
    s.stream("S", "", mirror={"name": "O"})
    s.until_stream("S", last_seq=3)
    s.create(filter_subject="o.b")
    s.create("D")
    s.take(s.pull("1"))
    s.take(s.pull("3", consumer="D"), 3)
    s.ack(2)
    s.info()
    s.say(f"= consumers of the origin: {s.call('STREAM.INFO.O')['state']['consumer_count']}")


def s1_consumers_of_a_mirror_that_changes_subjects(s: Scene) -> None:
    s.stream("O", "o.>")
    s.fill(3, "o.a", "o.b")
    transforms = [{"src": "o.*", "dest": "n.{{wildcard(1)}}"}]
    s.stream("S", "", mirror={"name": "O", "subject_transforms": transforms})
    s.until_stream("S", last_seq=3)
    s.create(filter_subject="n.a")
    s.create("OLD", filter_subject="o.a")
    s.info("OLD")
    s.take_all(s.pull(ALL))


def s1_consumers_of_a_stream_with_sources(s: Scene) -> None:
    s.stream("O", "o.>")
    s.stream("S", "s.>", sources=[{"name": "O"}])
    s.create()
    name = s.pull("2")
    s.publish("o.a", "from there")
    s.take(name)
    s.publish("s.a", "from here")
    s.take(name)
    s.info()


def s2_a_mirror_of_a_work_queue_is_a_consumer_of_it(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.stream("S", "", mirror={"name": "O"})
    s.wait_for(
        "the origin has a consumer", lambda: s.call("STREAM.INFO.O")["state"]["consumer_count"] == 1
    )
    names = s.call("CONSUMER.NAMES.O").get("consumers") or []
    s.say(f"= {[name[:-8] + '<8>' for name in names]}")
    config = s.call(f"CONSUMER.INFO.O.{names[0]}")["config"]
    for key in (
        "ack_policy",
        "max_ack_pending",
        "idle_heartbeat",
        "flow_control",
        "sourcing",
        "deliver_policy",
    ):
        s.say(f"= {key}: {config.get(key)}")
    s.say(f"= {config['deliver_subject'][:-8]}<8>, {sorted(config['metadata'])}")
    s.fill(2, "o.a")
    s.until_stream("S", messages=2)
    s.until_stream("O", messages=0)


def s2_a_mirror_of_limits_shows_no_consumer(s: Scene) -> None:
    s.stream("O", "o.>")
    s.stream("S", "", mirror={"name": "O"})
    s.fill(1, "o.a")
    s.until_stream("S", messages=1)
    s.say(f"= {s.call('CONSUMER.NAMES.O').get('consumers')}")


def s3_a_user_beside_the_mirror_of_a_work_queue(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.stream("S", "", mirror={"name": "O"})
    s.wait_for(
        "the origin has a consumer", lambda: s.call("STREAM.INFO.O")["state"]["consumer_count"] == 1
    )
    s.create("C", stream="O")
    s.fill(1, "o.a")
    s.until_stream("S", messages=1)
    s.let_pass(3)
    s.state("O")
    s.take(s.pull("1", stream="O"))
    s.ack(1)
    s.until_stream("O", messages=0)
