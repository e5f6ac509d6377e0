"""A, C, D: what a pull may say, its bytes, its heartbeats."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.consumers.rows.waiting import LATER, plain
from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

# -- A: reading a pull ----------------------------------------------------------------------------

ONE = ["", "0", "-1", "{}", '{"batch":0}', '{"batch":-5}', "+1", "01", "1 ", "null", '"1"']
ODD = ["hello", "[1]", "true", "1.5", "1e3", "0x2", "99999999999999999999", "1 2", "\x00", "{{"]
TRIMMED = ["  2  ", "\t2\n", ' {"batch":2} ', '{"batch":2}', "2"]
WRONG = [
    "{bad",
    "{",
    '{"batch":"x"}',
    '{"batch":1.5}',
    '{"batch":1}x',
    '{"expires":"1s"}',
    '{"no_wait":1}',
    '{"batch":1,}',
    '{"batch" 1}',
    '{"max_bytes":[]}',
    '{"batch":99999999999999999999}',
    '{"idle_heartbeat":true}',
    '{"group":1}',
    '{"min_pending":"x"}',
    '{"priority":-1}',
    '{"id":{}}',
    '{"batch":nul}',
    "{'batch':1}",
]


def _each_body(bodies: list[str], most: int) -> Callable[[Scene], None]:
    def row(s: Scene) -> None:
        plain(s, 0)
        for body in bodies:
            s.purge()
            s.fill(3)
            name = s.pull(body)
            s.take(name, most)
            s.quiet(name)
            s.leave(name)
            s.info()

    return row


def a1_nothing_zero_and_negative_batches_are_one_message(s: Scene) -> None:
    _each_body(ONE, 1)(s)


def a1_blanks_around_a_body_do_not_count(s: Scene) -> None:
    _each_body(TRIMMED, 2)(s)


def a2_a_body_that_is_no_number_and_no_object_is_one_message(s: Scene) -> None:
    _each_body(ODD[:-1], 1)(s)


def a2_such_a_pull_waits_without_end(s: Scene) -> None:
    plain(s, 0)
    name = s.pull("hello")
    s.quiet(name)
    s.info()
    s.publish("s.a", "late")
    s.take(name)
    s.info()


def a3_bad_json_is_a_bad_request(s: Scene) -> None:
    plain(s, 1)
    for body in WRONG:
        name = s.pull(body)
        s.take(name)
        s.leave(name)
    s.info()


def a4_unknown_fields_and_the_case_of_names_do_not_matter(s: Scene) -> None:
    plain(s, 2)
    s.take(s.pull('{"foo":1,"batch":2,"bar":{"x":[]}}'), 2)
    s.take(s.pull('{"BATCH":2,"No_Wait":true}'))
    s.fill(3)
    s.take_all(s.pull('{"batch":1,"Batch":2,"no_wait":true,"MAX_BYTES":10000,"batch":null}'))


def a5_a_pull_without_reply_subject_spends_nothing(s: Scene) -> None:
    plain(s, 2)
    s.say("> pull without a reply subject")
    s.client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", b"1")
    s.client.flush()
    s.info()
    s.take(s.pull("1"))


def a6_nobody_listens_for_a_missing_consumer(s: Scene) -> None:
    plain(s, 1)
    for stream, consumer in (("S", "NONE"), ("NONE", "C"), ("NONE", "NONE")):
        name = s.pull("1", stream=stream, consumer=consumer)
        s.take(name)
    s.api("CONSUMER.DELETE.S.C")
    s.take(s.pull("1"))


def a6_other_token_counts_are_nobodys(s: Scene) -> None:
    plain(s, 1)
    for rest in ("S", "S.C.x", "C"):
        answer = s.ask(f"$JS.API.CONSUMER.MSG.NEXT.{rest}", "1")
        s.say(f"> {rest}")
        s.say(f"= {answer.headers.decode()!r} {answer.payload!r}")


def a7_a_required_level_that_we_do_not_have(s: Scene) -> None:
    plain(s, 1)
    for level in ("99", "x", "-1", "5", "6", ""):
        name = s.pull("1", headers={"Nats-Required-Api-Level": level})
        s.take(name)
        s.api("CONSUMER.INFO.S.NONE", headers={"Nats-Required-Api-Level": level})
        s.publish()
    s.api(
        "CONSUMER.CREATE.S.D",
        {"stream_name": "S", "config": {"name": "D"}},
        {"Nats-Required-Api-Level": "99"},
    )


def a8_a_negative_expiry_is_over_at_once(s: Scene) -> None:
    plain(s, 0)
    s.take(s.pull({"batch": 2, "expires": -1}))
    s.take(s.pull({"batch": 2, "expires": -1, "no_wait": True}))
    s.info()
    s.fill(1)
    s.take(s.pull({"batch": 2, "expires": -1}))
    s.info()


# -- C: max_bytes ---------------------------------------------------------------------------------


def c1_what_counts_as_bytes(s: Scene) -> None:
    plain(s, 0)
    s.say("> publish 3 of 100 bytes")
    for _ in range(3):
        s.publish("s.a", "x" * 100)
    message = s.take(s.pull("1"))[0]
    size = len("s.a") + len(message.reply) + 100
    s.say("> a pull with as many bytes as two such messages have")
    name = s.pull_quietly({"batch": 2, "max_bytes": 2 * size, "expires": HOUR})
    s.take(name, 2)
    s.quiet(name)
    s.ack(2, "-NAK")
    s.ack(3, "-NAK")
    s.say("> a pull with one byte less")
    name = s.pull_quietly({"batch": 2, "max_bytes": 2 * size - 1, "expires": HOUR})
    s.take(name)
    status = s.take_quietly(name).headers.decode()
    s.say("= " + repr(status.replace(str(size - 1), "<a message less one>")))
    s.info()


def c1_headers_count_as_bytes(s: Scene) -> None:
    plain(s, 0)
    s.publish("s.a", "x", Key="value")
    message = s.take(s.pull("1"))[0]
    size = len("s.a") + len(message.reply) + len(message.headers) + 1
    s.ack(1, "-NAK")
    s.say("> pulls with as many bytes as it has, and one less")
    fits = s.pull_quietly({"batch": 2, "max_bytes": size, "no_wait": True})
    s.take(fits)
    s.quiet(fits)
    s.ack(1, "-NAK")
    short = s.pull_quietly({"batch": 2, "max_bytes": size - 1, "no_wait": True})
    s.say("= " + repr(s.take_quietly(short).headers.decode().replace(str(size - 1), "<size>")))


def c1_all_bytes_used_is_the_end_of_a_pull(s: Scene) -> None:
    plain(s, 2)
    message = s.take(s.pull("1"))[0]
    s.say("> a pull of 5 with as many bytes as one such message has")
    name = s.pull_quietly(
        {
            "batch": 5,
            "max_bytes": len("s.a") + len(message.reply) + 1,
            "expires": 2 * LATER,
        }
    )
    s.take(name)
    s.publish("s.a", "more")
    s.quiet(name)
    s.info()


def c2_a_message_too_large_for_a_pull_is_never_passed(s: Scene) -> None:
    plain(s, 0)
    s.publish("s.a", "x" * 1000)
    s.publish("s.a", "small")
    for _ in range(3):
        s.take(s.pull({"batch": 8, "max_bytes": 96, "expires": HOUR}))
        s.info()
    s.take(s.pull({"batch": 8, "max_bytes": 96, "no_wait": True}))
    s.take(s.pull("1"))
    s.info()


def c2_a_message_too_large_for_one_pull_goes_to_the_next(s: Scene) -> None:
    plain(s, 0)
    small = s.pull({"batch": 2, "max_bytes": 50, "expires": HOUR})
    large = s.pull("1")
    s.publish("s.a", "x" * 1000)
    s.take(small)
    s.take(large)
    s.info()


def c3_a_batch_filled_with_bytes_to_spare(s: Scene) -> None:
    plain(s, 3)
    s.take(s.pull({"batch": 2, "max_bytes": 10000, "expires": HOUR}), 2)
    name = "p1"
    status = s.take_quietly(name).headers.decode().split("\r\n")
    s.say(f"= {status[:2]} {[line.split(':')[0] for line in status[2:]]}")
    name = s.pull({"batch": 1, "max_bytes": 10000, "no_wait": True})
    s.take(name)
    s.say("= " + s.take_quietly(name).headers.decode().split("\r\n")[0])
    s.info()


# -- D: heartbeats --------------------------------------------------------------------------------


def d1_heartbeats_of_a_pull(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 2, "expires": HOUR, "idle_heartbeat": 1500 * MS})
    s.take(name, 2)
    s.publish("s.a", "one")
    s.take(name, 3)
    s.leave(name)


def d1_heartbeats_after_deliveries(s: Scene) -> None:
    plain(s, 3)
    s.take(s.pull("2"), 2)
    s.ack(1)
    name = s.pull({"batch": 5, "expires": HOUR, "idle_heartbeat": 500 * MS})
    s.take(name, 3)
    s.leave(name)


def d1_each_pull_has_heartbeats_of_its_own(s: Scene) -> None:
    plain(s, 0)
    quick = s.pull({"batch": 2, "expires": HOUR, "idle_heartbeat": 300 * MS})
    slow = s.pull({"batch": 2, "expires": HOUR, "idle_heartbeat": 400 * MS})
    none = s.pull({"batch": 2, "expires": HOUR})
    s.take(quick, 2)
    s.take(slow, 2)
    s.quiet(none)
    s.leave(quick)
    s.leave(slow)


def d2_heartbeats_too_large(s: Scene) -> None:
    plain(s, 1)
    for body in (
        {"expires": SECOND, "idle_heartbeat": 501 * MS},
        {"idle_heartbeat": SECOND},
        {"expires": SECOND, "idle_heartbeat": SECOND},
        {"no_wait": True, "idle_heartbeat": 1},
        {"expires": 3, "idle_heartbeat": 2},
    ):
        s.take(s.pull(body))
    s.info()


def d2_a_heartbeat_of_exactly_half(s: Scene) -> None:
    plain(s, 0)
    s.take(s.pull({"batch": 3, "expires": 2 * LATER, "idle_heartbeat": LATER}), 2)


def d2_a_negative_heartbeat(s: Scene) -> None:
    plain(s, 0)
    name = s.pull({"batch": 3, "expires": LATER, "idle_heartbeat": -1})
    s.take(name)


def d3_heartbeats_while_paused_and_while_full(s: Scene) -> None:
    plain(s, 3, max_ack_pending=1)
    s.take(s.pull("1"))
    name = s.pull({"batch": 1, "expires": HOUR, "idle_heartbeat": 300 * MS})
    s.take(name, 2)
    s.leave(name)
    s.say("> pause")
    s.call("CONSUMER.PAUSE.S.C", {"pause_until": "2100-01-01T00:00:00Z"})
    s.ack(1)
    name = s.pull({"batch": 1, "expires": HOUR, "idle_heartbeat": 300 * MS})
    s.take(name, 2)
    s.leave(name)


def d4_push_heartbeats_need_a_listener(s: Scene) -> None:
    plain(s, 0, deliver_subject="d.c", idle_heartbeat=1200 * MS)
    s.let_pass(2.6)
    d = s.listen("d.c", "d")
    s.take(d, 2)
    s.publish("s.a", "one")
    s.take(d, 3)
    s.leave(d)
    s.listen("d.c", "d")
    s.take("d", 1)
    s.leave("d")
