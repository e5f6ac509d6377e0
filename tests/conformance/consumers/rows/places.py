"""O, P, Q: where a consumer starts, what a changed filter does, going back and forth."""

from __future__ import annotations

from functools import partial

from tests.conformance.consumers.playing import Row
from tests.conformance.consumers.rows.acks import delivered
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

ALL = {"batch": 50, "no_wait": True}


def eight(s: Scene) -> None:
    """1 to 8 on s.a, s.b, s.c in turn."""
    s.stream()
    s.fill(8, "s.a", "s.b", "s.c")


STARTS: dict[str, dict[str, object]] = {
    "all": {},
    "all_of_a_filter": {"filter_subject": "s.b"},
    "all_of_some": {"filter_subjects": ["s.a", "s.c"]},
    "all_of_nothing": {"filter_subject": "s.none"},
    "last": {"deliver_policy": "last"},
    "last_of_a_filter": {"deliver_policy": "last", "filter_subject": "s.a"},
    "last_of_nothing": {"deliver_policy": "last", "filter_subject": "s.none"},
    "last_of_some": {"deliver_policy": "last", "filter_subjects": ["s.a", "s.c"]},
    "new": {"deliver_policy": "new"},
    "new_of_a_filter": {"deliver_policy": "new", "filter_subject": "s.b"},
    "sequence_3": {"deliver_policy": "by_start_sequence", "opt_start_seq": 3},
    "sequence_1": {"deliver_policy": "by_start_sequence", "opt_start_seq": 1},
    "sequence_9": {"deliver_policy": "by_start_sequence", "opt_start_seq": 9},
    "sequence_100": {"deliver_policy": "by_start_sequence", "opt_start_seq": 100},
    "sequence_of_a_filter": {
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": 3,
        "filter_subject": "s.b",
    },
    "last_per_subject": {"deliver_policy": "last_per_subject", "filter_subject": "s.>"},
    "last_per_subject_of_one": {"deliver_policy": "last_per_subject", "filter_subject": "s.b"},
    "last_per_subject_of_some": {
        "deliver_policy": "last_per_subject",
        "filter_subjects": ["s.a", "s.c"],
    },
    "last_per_subject_of_nothing": {
        "deliver_policy": "last_per_subject",
        "filter_subject": "s.none",
    },
    "time_long_ago": {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T00:00:00Z"},
    "time_to_come": {"deliver_policy": "by_start_time", "opt_start_time": "2100-01-01T00:00:00Z"},
}


def _start(config: dict[str, object], s: Scene) -> None:
    eight(s)
    s.create(**config)
    s.take_all(s.pull(ALL))
    s.info()
    s.say("# one more of each")
    for subject in ("s.a", "s.b", "s.c", "s.none"):
        s.publish(subject, f"new {subject}")
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def _start_push(config: dict[str, object], s: Scene) -> None:
    eight(s)
    s.listen("d.c", "d")
    s.create(deliver_subject="d.c", ack_policy="none", **config)
    s.settle("d")
    s.publish("s.b", "new")
    s.settle("d")
    s.info()


def _start_empty(config: dict[str, object], s: Scene) -> None:
    s.stream()
    s.create(**config)
    s.fill(4, "s.a", "s.b", "s.none")
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


TABLE: dict[str, Row] = {
    **{f"o_start_{name}": partial(_start, config) for name, config in STARTS.items()},
    **{
        f"o_push_start_{name}": partial(_start_push, STARTS[name])
        for name in ("all_of_some", "last", "last_per_subject", "new", "sequence_3")
    },
    **{
        f"o_empty_start_{name}": partial(_start_empty, STARTS[name])
        for name in (
            "last",
            "last_of_a_filter",
            "new",
            "sequence_3",
            "last_per_subject",
            "time_long_ago",
        )
    },
}


def o1_last_when_the_last_was_deleted(s: Scene) -> None:
    eight(s)
    s.delete_message(8)
    s.create(deliver_policy="last")
    s.take(s.pull(ALL))
    s.info()
    s.publish("s.a", "new")
    s.take_all(s.pull(ALL))


def o1_last_of_a_filter_when_the_last_was_deleted(s: Scene) -> None:
    eight(s)
    s.delete_message(8)
    s.create(deliver_policy="last", filter_subject="s.b")
    s.take_all(s.pull(ALL))
    s.info()


def o3_a_newer_message_does_not_replace_one_of_the_snapshot(s: Scene) -> None:
    eight(s)
    s.create(deliver_policy="last_per_subject", filter_subject="s.>")
    s.publish("s.a", "newer")
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def o3_a_message_of_the_snapshot_is_deleted(s: Scene) -> None:
    eight(s)
    s.create(deliver_policy="last_per_subject", filter_subject="s.>")
    s.delete_message(7)
    s.info()
    s.take_all(s.pull(ALL))
    s.info()


def o4_a_start_that_was_deleted(s: Scene) -> None:
    eight(s)
    s.delete_message(4)
    s.create(deliver_policy="by_start_sequence", opt_start_seq=4)
    s.take_all(s.pull(ALL))


def o4_a_start_before_the_first(s: Scene) -> None:
    eight(s)
    s.purge(seq=5)
    s.create(deliver_policy="by_start_sequence", opt_start_seq=2)
    s.take_all(s.pull(ALL))
    s.info()


def o4_a_start_far_beyond_the_end_is_waited_for(s: Scene) -> None:
    eight(s)
    s.create(deliver_policy="by_start_sequence", opt_start_seq=11)
    name = s.pull("3")
    for number in range(9, 13):
        s.publish("s.a", str(number))
    s.take(name, 2)
    s.info()


def o_start_between_two_times(s: Scene) -> None:
    s.stream()
    s.fill(2)
    s.let_pass(0.05)
    time = s.call("STREAM.MSG.GET.S", {"seq": 2})["message"]["time"]
    s.fill(2)
    s.create(deliver_policy="by_start_time", opt_start_time=time)
    s.take_all(s.pull(ALL))


def o_after_a_purge(s: Scene) -> None:
    eight(s)
    s.purge()
    s.create()
    s.info()
    s.publish("s.a", "new")
    s.take_all(s.pull(ALL))


# -- P: filters that change -----------------------------------------------------------------------


def p1_another_filter_goes_on_from_there(s: Scene) -> None:
    eight(s)
    s.create(filter_subject="s.a")
    s.take(s.pull("2"), 2)
    s.create(filter_subject="s.b")
    s.take_all(s.pull(ALL))
    s.info()
    s.ack(1)
    s.info()


def p1_a_wider_filter(s: Scene) -> None:
    eight(s)
    s.create(filter_subject="s.a")
    s.take(s.pull("1"))
    s.create(filter_subjects=["s.a", "s.b"])
    s.info()
    s.take_all(s.pull(ALL))
    s.create()
    s.info()


def p1_a_narrower_filter(s: Scene) -> None:
    eight(s)
    s.create()
    s.take(s.pull("3"), 3)
    s.create(filter_subject="s.b")
    s.info()
    s.ack(1, "-NAK")
    s.take_all(s.pull(ALL))
    s.info()


def p1_after_filtered_ones_were_passed(s: Scene) -> None:
    eight(s)
    s.create(filter_subject="s.a")
    s.take_all(s.pull(ALL))
    s.info()
    s.create()
    s.info()
    s.take_all(s.pull(ALL))


def n7_what_was_passed_counts_as_delivered(s: Scene) -> None:
    s.stream()
    s.create(filter_subject="s.a")
    name = s.pull("1")
    s.fill(5, "s.b")
    s.quiet(name)
    s.info()
    s.publish("s.a", "match")
    s.take(name)
    s.info()
    s.fill(3, "s.b")
    s.take(s.pull({"batch": 1, "no_wait": True}))
    s.info()
    s.ack(6)
    s.info()


def n7_a_pull_that_waits_passes_what_was_there(s: Scene) -> None:
    s.stream()
    s.fill(5, "s.b")
    s.create(filter_subject="s.a")
    name = s.pull({"batch": 1, "expires": 800 * MS})
    s.take(name)
    s.info()
    s.fill(2, "s.b")
    s.info()
    s.take(s.pull({"batch": 1, "expires": 200 * MS}))
    s.info()


def n7_a_push_consumer_passes_what_does_not_match(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.fill(5, "s.b")
    s.create(filter_subject="s.a", deliver_subject="d.c")
    s.quiet("d")
    s.info()
    s.publish("s.a", "match")
    s.take("d")
    s.fill(3, "s.b")
    s.quiet("d")
    s.info()
    s.ack(6)
    s.info()


def n7_several_filters_pass_what_does_not_match(s: Scene) -> None:
    s.stream()
    s.fill(5, "s.b")
    s.create(filter_subjects=["s.a", "s.c"])
    s.take(s.pull({"batch": 1, "expires": 300 * MS}))
    s.info()


def n7_nothing_is_passed_without_a_pull(s: Scene) -> None:
    s.stream()
    s.create(filter_subject="s.a")
    s.fill(5, "s.b")
    s.info()
    s.take(s.pull({"batch": 1, "no_wait": True}))
    s.info()


# -- Q: resets ------------------------------------------------------------------------------------


def q1_a_reset_without_a_sequence(s: Scene) -> None:
    delivered(s, 4, 6)
    s.ack(1)
    s.ack(2)
    for body in ("", "{}", {"seq": 0}):
        s.reset(body)
        s.take(s.pull("2"), 2)
        s.info()


def q1_a_reset_forgets_deliveries(s: Scene) -> None:
    delivered(s, 2, 3, ack_wait=2500 * MS)
    s.take(s.pull({"batch": 3, "expires": HOUR}), 3)
    s.info()
    s.reset({"seq": 1})
    s.take(s.pull("3"), 3)
    s.info()


def q2_a_reset_to_anywhere(s: Scene) -> None:
    delivered(s, 4, 6)
    for seq in (3, 6, 7, 100):
        s.reset({"seq": seq})
        s.info()
    s.take(s.pull(ALL))
    s.reset({"seq": 2})
    s.take_all(s.pull(ALL))


def q2_resets_that_are_refused(s: Scene) -> None:
    eight(s)
    for name in (
        "last",
        "new",
        "last_per_subject",
        "sequence_3",
        "time_long_ago",
        "all_of_a_filter",
    ):
        s.create(name, **STARTS[name])
        s.take_all(s.pull({"batch": 2, "no_wait": True, "max_bytes": 5000}, consumer=name))
        for seq in (0, 2, 4):
            s.reset({"seq": seq}, name)


def q2_reset_requests_that_are_wrong(s: Scene) -> None:
    delivered(s, 2, 3)
    for target, body in (
        ("S.C", "{bad"),
        ("S.C", {"seq": -1}),
        ("S.C", {"seq": "x"}),
        ("S.C", "5"),
        ("S.C", {"seq": 1.5}),
        ("S.C", "null"),
        ("S.C", "[]"),
    ):
        s.api(f"CONSUMER.RESET.{target}", body)
    s.info()
    s.api("CONSUMER.RESET.S.C", {"other": 1})


def q2_a_reset_of_what_is_not_there(s: Scene) -> None:
    s.stream()
    for target in ("S.NONE", "NONE.C"):
        s.say(f"> reset {target}")
        s.ack_subject(f"$JS.API.CONSUMER.RESET.{target}", silent=True)


def q3_waiting_pulls_are_served_from_there(s: Scene) -> None:
    delivered(s, 3, 3)
    name = s.pull("5")
    s.quiet(name)
    s.reset({"seq": 2})
    s.take(name, 2)
    s.quiet(name)
    s.info()


def q3_a_reset_of_a_push_consumer(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.fill(3)
    s.take("d", 3)
    s.reset({"seq": 2})
    s.take("d", 2)
    s.info()


def q_acks_from_before_a_reset(s: Scene) -> None:
    delivered(s, 4, 6)
    s.reset({"seq": 2})
    s.ack(3, silent=True)
    s.info()
    s.take(s.pull("1"))
    s.ack(2, delivery=1)
    s.info()


def q_a_reset_of_a_consumer_without_acks(s: Scene) -> None:
    delivered(s, 3, 4, ack_policy="none")
    s.reset({"seq": 2})
    s.take(s.pull("2"), 2)
    s.info()
    s.reset()
    s.info()


def q_a_reset_with_delayed_naks(s: Scene) -> None:
    delivered(s, 2, 3)
    s.ack(1, "-NAK 2s")
    s.reset({"seq": 3})
    name = s.pull({"batch": 5, "expires": 4 * SECOND})
    s.take_all(name)
    s.info()


def n4_a_purge_after_an_ack_by_an_earlier_delivery(s: Scene) -> None:
    s.stream()
    s.create(ack_policy="all")
    s.fill(1)
    s.take(s.pull("1"))
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.ack(1, delivery=1)
    s.info()
    s.purge()
    s.info()
