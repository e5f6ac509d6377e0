"""E, U: acks and what they answer, and what others are told of them."""

from __future__ import annotations

from functools import partial

from tests.conformance.consumers.playing import Row
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

ADVISORIES = "$JS.EVENT.ADVISORY.CONSUMER.>"
METRICS = "$JS.EVENT.METRIC.CONSUMER.>"


def delivered(s: Scene, count: int = 3, published: int = 5, **config: object) -> None:
    """C has `count` of the published messages out."""
    s.stream()
    s.create(**config)
    s.fill(published)
    s.take(s.pull(str(count)), count)


VERBS = {
    "empty": "",
    "ack": "+ACK",
    "ok": "+OK",
    "nak": "-NAK",
    "progress": "+WPI",
    "term": "+TERM",
    "term-reason": "+TERM because",
    "nak-delay": '-NAK {"delay": 3600000000000}',
    "unknown": "hello",
    "next-nobody": "+NXT",
}


def _verb(policy: str, body: str, s: Scene) -> None:
    """A verb for the second of three messages, its advisories, what comes next, the verb again."""
    s.listen(ADVISORIES, "told")
    s.listen(METRICS, "sample")
    s.stream()
    s.create(ack_policy=policy, sample_freq="100")
    s.fill(5)
    s.take(s.pull("3"), 3)
    if body == "+NXT":
        s.take(s.next(2, body))
    else:
        s.ack(2, body)
    s.info()
    s.take_all(s.pull({"batch": 9, "no_wait": True}))
    s.info()
    s.ack(2, body if body != "+NXT" else "")
    s.ack(2, "+ACK", delivery=1)
    s.info()
    s.settle("told", "sample")


TABLE: dict[str, Row] = {
    f"e1_{policy}_{name.replace('-', '_')}": partial(_verb, policy, body)
    for policy in ("explicit", "all")
    for name, body in VERBS.items()
}


def _then(first: str, second: str, s: Scene) -> None:
    delivered(s, 2)
    s.ack(1, first)
    s.ack(1, second)
    s.info()
    s.take_all(s.pull({"batch": 9, "no_wait": True}))
    s.info()


TABLE |= {
    f"e1_{a.replace('-', '_')}_then_{b.replace('-', '_')}": partial(_then, VERBS[a], VERBS[b])
    for a in ("ack", "nak", "term", "nak-delay", "progress")
    for b in ("ack", "nak", "term", "progress", "nak-delay")
}


def e2_bodies_that_do_not_ack(s: Scene) -> None:
    delivered(s, 3)
    for body in (
        "hello",
        "+ack",
        "+ACK ",
        " +ACK",
        "+ok",
        "+OK\n",
        "-nak",
        "+wpi",
        "+term",
        "+nxt",
        "-ACK",
        "+",
        "-",
        "{}",
        "+WPI 1",
        "-WPI",
        "\x00",
        "ACK",
    ):
        s.ack(1, body)
    s.info()
    s.ack(1, "+OK")
    s.ack(2, "+ACK")
    s.ack(3, "")
    s.info()


def e2_headers_of_an_ack_do_not_matter(s: Scene) -> None:
    delivered(s, 2)
    s.ack(1, "+ACK", headers={"Nats-Msg-Id": "x"})
    s.ack(2, "-NAK", headers={"Status": "100"})
    s.info()


def e3_an_ack_of_what_was_not_delivered(s: Scene) -> None:
    delivered(s, 2)
    real = s.reply(2)
    for seq, cseq in ((3, 3), (5, 5), (6, 6), (1000, 1000), (3, 1), (0, 0), (1, 9), (2, 1)):
        tokens = real.split(".")
        tokens[5:7] = [str(seq), str(cseq)]
        s.say(f"> ack with stream sequence {seq}, consumer sequence {cseq}")
        s.ack_subject(".".join(tokens), silent=seq > 2)
        s.info()


def e3_a_nak_of_what_was_not_delivered(s: Scene) -> None:
    delivered(s, 2)
    tokens = s.reply(2).split(".")
    tokens[5:7] = ["3", "3"]
    for body in ("-NAK", "+TERM", "+WPI", "hello"):
        s.say(f"> {body} of sequence 3")
        s.ack_subject(".".join(tokens), body, silent=body == "+TERM")
    s.info()
    s.take(s.pull("1"))


def e4_acks_nobody_listens_for(s: Scene) -> None:
    delivered(s, 2)
    real = s.reply(1)
    for what, subject in (
        ("one token more", real + ".x"),
        ("one token less", real.rsplit(".", 1)[0]),
        ("another consumer", real.replace(".C.", ".D.")),
        ("another stream", real.replace(".S.", ".T.")),
        ("no numbers", "$JS.ACK.S.C"),
    ):
        s.say(f"> ack with {what}")
        s.ack_subject(subject)
    s.info()


def e4_acks_whose_tokens_are_no_numbers(s: Scene) -> None:
    delivered(s, 2)
    tokens = s.reply(1).split(".")
    for at, name in (
        (4, "deliveries"),
        (5, "stream sequence"),
        (6, "consumer sequence"),
        (7, "time"),
        (8, "left"),
    ):
        for bad in ("x", "-1", "0", "99999999999999999999"):
            odd = [*tokens]
            odd[at] = bad
            s.say(f"> ack whose {name} is {bad}")
            s.ack_subject(".".join(odd), "hello", silent=(at, bad) == (5, "0"))
    s.info()


def e4_an_ack_counts_by_its_stream_sequence(s: Scene) -> None:
    delivered(s, 3)
    tokens = s.reply(2).split(".")
    tokens[4], tokens[7], tokens[8] = "7", "1", "99"
    s.say("> ack of 2 with other deliveries, time and left")
    s.ack_subject(".".join(tokens))
    s.info()


def e5_nobody_listens_for_acks_of_a_consumer_without_acks(s: Scene) -> None:
    delivered(s, 2, ack_policy="none")
    s.ack(1)
    s.ack(1, "-NAK")
    s.ack(1, "+NXT")
    s.info()


def e6_next_is_an_ack_and_a_pull(s: Scene) -> None:
    delivered(s, 2, 12)
    s.take(s.next(1, "+NXT"))
    s.info()
    s.take(s.next(2, "+NXT 3"), 3)
    s.take(s.next(3, "+NXT2"), 2)
    name = s.next(4, '+NXT {"batch":2,"no_wait":true}')
    s.take(name, 2)
    s.quiet(name)
    s.info()
    s.take_all(s.next(5, '+NXT{"batch":9,"no_wait":true}'))
    s.info()


def e6_next_with_odd_bodies(s: Scene) -> None:
    delivered(s, 5, 12)
    for seq, body in enumerate(
        ("+NXT {bad", "+NXTx", "+NXT -1", "+NXT  1 ", '+NXT {"expires":-1}'), 1
    ):
        name = s.next(seq, body)
        s.take(name)
    s.info()


def e6_next_of_what_was_acked_pulls_nevertheless(s: Scene) -> None:
    delivered(s, 2)
    s.ack(1)
    s.take(s.next(1))
    s.take(s.next(1))
    s.info()


def e6_next_without_reply_only_acks(s: Scene) -> None:
    delivered(s, 2)
    s.tell(1, "+NXT")
    s.tell(2, "+NXT 2")
    s.until(num_ack_pending=0)
    s.info()


def e6_next_waits_for_a_message(s: Scene) -> None:
    delivered(s, 1, 1)
    name = s.next(1)
    s.quiet(name)
    s.info()
    s.publish("s.a", "late")
    s.take(name)


def e6_next_of_ack_all(s: Scene) -> None:
    delivered(s, 3, ack_policy="all")
    s.take(s.next(2, "+NXT 2"), 2)
    s.info()


def e7_next_on_a_push_consumer(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c")
    s.fill(2)
    s.take("d", 2)
    s.take(s.next(1, "+NXT"))
    s.take(s.next(2, "+NXT 2"))
    s.info()


def e8_terms_and_their_reasons(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>", "told")
    delivered(s, 5)
    for seq, body in enumerate(
        ("+TERM  some reason ", "+TERM", "+TERMfoo", "+TERM ", '+TERM {"a":"b"}'), 1
    ):
        s.ack(seq, body)
        s.take("told")
    s.ack(1, "+TERM")
    s.settle("told")
    s.ack(2, "+TERM again")
    s.settle("told")
    s.info()


def e8_a_reason_with_odd_characters(s: Scene) -> None:
    s.listen("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>", "told")
    delivered(s, 3)
    for seq, body in enumerate(
        (b'+TERM "quoted" \\ back', "+TERM söße <&>".encode(), b"+TERM \xff\xfe\t\x01x"), 1
    ):
        s.ack(seq, body)
        s.take("told")


def e9_acks_out_of_order(s: Scene) -> None:
    delivered(s, 5)
    for seq in (3, 5, 1, 2, 4):
        s.ack(seq)
        s.info()


def e9_terms_out_of_order(s: Scene) -> None:
    delivered(s, 5)
    for seq in (3, 5, 1, 2, 4):
        s.ack(seq, "+TERM")
        s.info()


def e9_acks_out_of_order_with_gaps_in_the_stream(s: Scene) -> None:
    s.stream()
    s.create(filter_subject="s.b")
    s.fill(9, "s.a", "s.b", "s.c")
    s.take(s.pull("3"), 3)
    for seq in (5, 2, 8):
        s.ack(seq)
        s.info()


def e10_ack_all_again_and_lower(s: Scene) -> None:
    delivered(s, 5, ack_policy="all")
    for seq in (3, 2, 3, 5):
        s.ack(seq)
        s.info()


def e10_ack_all_of_a_redelivered_message(s: Scene) -> None:
    delivered(s, 6, 6, ack_policy="all")
    s.ack(4)
    s.ack(5, "-NAK")
    s.take(s.pull("1"))
    s.ack(5)
    s.info()
    s.ack(6)
    s.info()


def e10_ack_all_with_a_filter(s: Scene) -> None:
    s.stream()
    s.create(ack_policy="all", filter_subject="s.b")
    s.fill(9, "s.a", "s.b", "s.c")
    s.take(s.pull("3"), 3)
    s.ack(5)
    s.info()
    s.ack(8)
    s.info()


def e10_ack_all_terms_one(s: Scene) -> None:
    delivered(s, 4, ack_policy="all")
    s.ack(2, "+TERM")
    s.info()
    s.ack(3, "-NAK")
    s.take(s.pull("1"))
    s.ack(4)
    s.info()


def e11_a_late_ack_of_an_earlier_delivery(s: Scene) -> None:
    delivered(s, 1, 2)
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.ack(1, delivery=1)
    s.info()
    s.ack(1, delivery=2)
    s.info()


def e11_a_late_ack_of_what_waits_for_redelivery(s: Scene) -> None:
    delivered(s, 2, 3)
    s.ack(1, "-NAK")
    s.ack(1, "+ACK")
    s.info()
    s.take(s.pull("1"))
    s.info()


def e_progress_starts_the_wait_again(s: Scene) -> None:
    delivered(s, 2, 2, ack_wait=3 * SECOND)
    again = s.pull({"batch": 2, "expires": HOUR})
    for _ in range(2):
        s.let_pass(1.8)
        s.ack(2, "+WPI")
    s.take(again)
    s.take(again)
    s.info()


def e_acks_after_the_consumer_is_gone(s: Scene) -> None:
    delivered(s, 2)
    s.api("CONSUMER.DELETE.S.C")
    s.ack(1)


def e_acks_of_an_earlier_consumer_of_that_name(s: Scene) -> None:
    delivered(s, 3)
    s.api("CONSUMER.DELETE.S.C")
    s.create()
    s.ack(1, silent=True)
    s.info()
    s.take(s.pull("2"), 2)
    s.ack(1, delivery=1)
    s.ack(3, delivery=1, silent=True)
    s.info()


def e_acks_while_at_the_limit_of_unacked(s: Scene) -> None:
    delivered(s, 2, 5, max_ack_pending=2)
    more = s.pull({"batch": 5, "expires": HOUR})
    s.quiet(more)
    s.ack(1, "+TERM")
    s.take(more)
    s.ack(2, "+OK")
    s.take(more)
    s.quiet(more)
    s.info()


def e_max_ack_pending_of_ack_all(s: Scene) -> None:
    delivered(s, 2, 6, max_ack_pending=2, ack_policy="all")
    more = s.pull({"batch": 5, "expires": HOUR})
    s.quiet(more)
    s.ack(2)
    s.take(more, 2)
    s.quiet(more)
    s.info()


# -- U: advisories and samples --------------------------------------------------------------------


def u1_made_and_deleted(s: Scene) -> None:
    s.listen(ADVISORIES, "told")
    s.stream()
    s.create()
    s.take("told")
    s.create(description="changed")
    s.create(action="create", description="other")
    s.quiet("told")
    s.api("CONSUMER.DELETE.S.C")
    s.take("told")
    s.create()
    s.take("told")
    s.api("STREAM.DELETE.S")
    s.settle("told")


def u1_a_nak(s: Scene) -> None:
    s.listen(ADVISORIES, "told")
    delivered(s, 2)
    s.take("told")
    s.ack(2, "-NAK")
    s.take("told")
    s.take(s.pull("1"))
    s.ack(2, '-NAK {"delay": 1}', delivery=1)
    s.take("told")
    s.ack(2, "-NAK", delivery=2)
    s.settle("told")


def u2_samples(s: Scene) -> None:
    s.listen(METRICS, "sample")
    delivered(s, 4, 4, sample_freq="100%")
    s.ack(2)
    s.take("sample")
    s.ack(2)
    s.quiet("sample")
    s.ack(1, "-NAK")
    s.take(s.pull("1"))
    s.ack(1)
    s.take("sample")
    s.ack(3, "+TERM")
    s.take(s.next(4, '+NXT {"no_wait":true}'))
    s.take("sample")
    s.quiet("sample")


def u2_samples_of_ack_all(s: Scene) -> None:
    s.listen(METRICS, "sample")
    delivered(s, 4, 4, sample_freq="100", ack_policy="all")
    s.ack(3)
    s.settle("sample")
    s.ack(4)
    s.settle("sample")


def u2_no_samples_at_zero(s: Scene) -> None:
    s.listen(METRICS, "sample")
    delivered(s, 2, 2, sample_freq="0")
    s.ack(1)
    s.quiet("sample")


def u_max_deliveries(s: Scene) -> None:
    s.listen(ADVISORIES, "told")
    delivered(s, 2, 3, max_deliver=1, ack_wait=600 * MS)
    s.take("told")
    s.take_sorted("told", 2)
    s.create(ack_wait=HOUR, max_deliver=1)
    s.ack(1)
    s.take(s.pull("1"))
    s.info()


def u_a_nak_of_the_last_delivery(s: Scene) -> None:
    s.listen(ADVISORIES, "told")
    delivered(s, 2, 3, max_deliver=1)
    s.take("told")
    s.ack(1, "-NAK")
    s.settle("told")
    s.info()
    s.take_all(s.pull({"batch": 5, "no_wait": True}))
    s.settle("told")
    s.info()
