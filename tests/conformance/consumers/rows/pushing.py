"""I, J: push consumers, deliver groups, flow control, headers only, pace."""

from __future__ import annotations

from tests.conformance.consumers.scene import HOUR, MS, SECOND, Scene

KB = 1024


def pushing(s: Scene, **config: object) -> None:
    s.stream()
    s.create(deliver_subject="d.c", **config)


def i1_nothing_is_delivered_without_a_listener(s: Scene) -> None:
    pushing(s)
    s.fill(2)
    s.info()
    s.listen("d.other", "other")
    s.info()
    s.listen("d.c", "d")
    s.take("d", 2)
    s.info()
    s.leave("d")
    s.until(push_bound=None)
    s.publish("s.a", "later")
    s.info()
    s.listen("d.>", "wild")
    s.quiet("wild")
    s.info()


def i1_a_listener_that_was_there_before(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s)
    s.fill(2)
    s.take("d", 2)
    s.info()


def i1_a_listener_with_a_wildcard_is_none(s: Scene) -> None:
    s.listen("d.*", "star")
    pushing(s)
    s.fill(1)
    s.quiet("star")
    s.info()
    s.listen("d.c", "d")
    s.take("d")
    s.take("star")


def i1_the_last_listener_disconnects(s: Scene) -> None:
    s.listen("d.c", "d", own=True)
    pushing(s)
    s.fill(1)
    s.take("d")
    s.leave("d")
    s.until(push_bound=None)
    s.info()
    s.publish("s.a", "2")
    s.info()


def i2_a_deliver_group(s: Scene) -> None:
    pushing(s, deliver_group="G")
    s.fill(2)
    s.listen("d.c", "plain")
    s.info()
    s.listen("d.c", "other", "H")
    s.info()
    s.quiet("plain", "other")
    s.listen("d.c", "group", "G")
    s.take("group", 2)
    s.info()
    s.quiet("plain", "other")
    s.leave("group")
    s.until(push_bound=None)
    s.publish("s.a", "3")
    s.info()


def i2_a_deliver_group_shares_its_messages(s: Scene) -> None:
    s.listen("d.c", "one", "G")
    s.listen("d.c", "two", "G")
    pushing(s, deliver_group="G")
    s.fill(20)
    s.until(num_pending=0, num_ack_pending=20)
    s.info()
    s.lines, before = [], s.lines
    s.settle("one", "two")
    told, s.lines = s.lines, before
    s.say(f"= {len([line for line in told if '#' in line])} messages to both")


def i2_a_queue_listener_without_a_deliver_group(s: Scene) -> None:
    pushing(s)
    s.fill(1)
    s.listen("d.c", "queue", "Q")
    s.info()
    s.quiet("queue")
    s.listen("d.c", "plain")
    s.take("plain")
    s.settle("queue")
    s.info()


def i2_a_plain_listener_beside_a_group(s: Scene) -> None:
    s.listen("d.c", "group", "G")
    s.listen("d.c", "plain")
    pushing(s, deliver_group="G")
    s.fill(2)
    s.take("group", 2)
    s.settle("plain")


def i3_two_plain_listeners_both_get_everything(s: Scene) -> None:
    s.listen("d.c", "one")
    s.listen("d.c", "two")
    pushing(s)
    s.fill(2)
    s.take("one", 2)
    s.take("two", 2)
    s.info()


def i_acks_of_a_push_consumer(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s, max_ack_pending=2)
    s.fill(4)
    s.take("d", 2)
    s.quiet("d")
    s.info()
    s.ack(1, "-NAK")
    s.take("d")
    s.ack(1)
    s.take("d")
    s.ack(2, "+TERM")
    s.take("d")
    s.info()


def i_policies_of_a_push_consumer(s: Scene) -> None:
    s.stream()
    s.fill(3)
    for policy in ("none", "all", "explicit"):
        s.listen(f"d.{policy}", policy)
        s.create(policy, deliver_subject=f"d.{policy}", ack_policy=policy)
        s.take(policy, 3)
        s.info(policy)


def i_a_new_deliver_subject_without_a_listener(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s)
    s.fill(2)
    s.take("d", 2)
    s.create(deliver_subject="d.e")
    s.leave("d")
    s.until(push_bound=None)
    s.listen("d.e", "e")
    s.create(deliver_subject="d.e")
    s.take("e", 2)
    s.info()


def i_subscribing_again_redelivers_nothing(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s)
    s.fill(2)
    s.take("d", 2)
    s.leave("d")
    s.until(push_bound=None)
    s.listen("d.c", "d")
    s.quiet("d")
    s.info()


def i_a_deleted_push_consumer_goes_silent(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s, idle_heartbeat=1200 * MS)
    s.take("d")
    s.api("CONSUMER.DELETE.S.C")
    s.let_pass(2)
    s.settle("d")


def i_a_deliver_subject_in_the_stream(s: Scene) -> None:
    s.stream()
    s.create(deliver_subject="s.loop")
    s.create(deliver_subject="$JS.x")
    s.create(deliver_subject="d.*")


def _large(s: Scene, count: int, kilobytes: int = 64) -> None:
    s.say(f"> publish {count} of {kilobytes} KB")
    for _ in range(count):
        s.publish("s.a", "x" * (kilobytes * KB))


def i4_flow_control_asks_at_half_of_the_window(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(
        deliver_subject="d.c", flow_control=True, idle_heartbeat=60 * SECOND, ack_policy="none"
    )
    _large(s, 60)
    s.say("# what comes up to the first request and then until it stalls")
    first = _until_stalled(s)
    s.answer("d")
    second = _until_stalled(s)
    s.say(f"= {first}, {second}")
    s.info()


def _until_stalled(s: Scene) -> str:
    """How many messages came before a request, and how many after it."""
    counts = [0]
    while (message := s.next_within("d", 1.0)) is not None:
        if message.status == 100:
            counts.append(0)
            s.kept["d"] = message.reply
        else:
            counts[-1] += 1
    return " then ".join(map(str, counts))


def i4_small_messages_need_no_answer(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(
        deliver_subject="d.c", flow_control=True, idle_heartbeat=60 * SECOND, ack_policy="none"
    )
    s.fill(5)
    s.take("d", 5)
    s.quiet("d")


def i4_a_wrong_answer_is_ignored(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(
        deliver_subject="d.c", flow_control=True, idle_heartbeat=60 * SECOND, ack_policy="none"
    )
    _large(s, 60)
    _until_stalled(s)
    request = s.kept["d"]
    s.kept["d"] = request[:-4] + "0000"
    s.say("> answer another id")
    s.client.publish(s.kept["d"])
    s.client.flush()
    s.quiet("d")
    s.kept["d"] = request
    s.answer("d")
    s.say(f"= more: {_until_stalled(s) != '0'}")


def i5_a_stalled_consumer_says_so_in_heartbeats(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(deliver_subject="d.c", flow_control=True, idle_heartbeat=500 * MS, ack_policy="none")
    s.take("d")
    _large(s, 60)
    s.say("# until a heartbeat names the request")

    def stalled() -> bool:
        message = s.take_quietly("d")
        s.headers["d"] = message.headers.decode()
        return "Consumer-Stalled" in s.headers["d"]

    s.wait_for("a heartbeat names it", stalled)
    s.kept["d"] = s.header("d", "Nats-Consumer-Stalled")
    s.say("= " + s.headers["d"].split(": ")[0].replace("\r\n", "; "))
    s.answer("d")
    s.wait_for("a message comes", lambda: s.take_quietly("d").status is None)
    s.leave("d")


def i6_acks_by_flow_control(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.create(
        deliver_subject="d.c", flow_control=True, idle_heartbeat=SECOND, ack_policy="flow_control"
    )
    s.fill(3)
    s.take("d", 3)
    s.info()
    s.say("> until the server asks")
    while (message := s.take_quietly("d")).headers.find(b"FlowControl") < 0:
        pass
    s.kept["d"] = message.reply
    s.answer("d")
    s.info()
    s.say("> until the server asks again")
    while (message := s.take_quietly("d")).headers.find(b"FlowControl") < 0:
        pass
    s.kept["d"] = message.reply
    s.answer("d", {"Nats-Last-Consumer": "2", "Nats-Last-Stream": "2"})
    s.until(num_ack_pending=1)
    s.info()
    s.leave("d")


def j1_headers_only(s: Scene) -> None:
    s.stream()
    s.create(headers_only=True)
    s.publish("s.a", "twelve bytes")
    s.publish("s.a", "")
    s.publish("s.a", "x" * 1000, Key="value", Other="more")
    s.take(s.pull("3"), 3)


def j1_headers_only_counts_fewer_bytes(s: Scene) -> None:
    s.stream()
    s.create(headers_only=True)
    s.publish("s.a", "x" * 5000)
    name = s.pull_quietly({"batch": 1, "max_bytes": 300, "no_wait": True})
    s.take(name)
    s.say("= " + s.take_quietly(name).headers.decode().split("\r\n")[0])


def j1_headers_only_of_a_push_consumer(s: Scene) -> None:
    s.listen("d.c", "d")
    pushing(s, headers_only=True)
    s.publish("s.a", "four", Key="value")
    s.take("d")


def j2_the_original_pace_of_a_pull(s: Scene) -> None:
    _with_a_gap(s)
    s.create(replay_policy="original")
    name = s.pull({"batch": 3, "expires": HOUR})
    s.take(name, 2)
    s.quiet(name)
    s.take(name)
    s.info()


def _with_a_gap(s: Scene) -> None:
    s.stream()
    s.publish("s.a", "1")
    s.publish("s.a", "2")
    s.let_pass(3)
    s.publish("s.a", "3")


def j2_what_came_after_the_consumer_is_not_paced(s: Scene) -> None:
    s.stream()
    s.create(replay_policy="original")
    s.publish("s.a", "1")
    s.let_pass(1.2)
    s.publish("s.a", "2")
    s.take(s.pull({"batch": 2, "no_wait": True}), 2)


def j2_the_original_pace_of_a_push_consumer(s: Scene) -> None:
    _with_a_gap(s)
    s.create(deliver_subject="d.c", replay_policy="original")
    s.listen("d.c", "d")
    s.take("d", 2)
    s.quiet("d")
    s.take("d")


def j2_the_original_pace_of_no_wait(s: Scene) -> None:
    _with_a_gap(s)
    s.create(replay_policy="original")
    name = s.pull({"batch": 3, "no_wait": True})
    s.take(name, 2)
    s.quiet(name)
    s.take(name)
    s.info()


def j3_a_rate_limit_allows_a_first_burst(s: Scene) -> None:
    s.listen("d.c", "d")
    s.stream()
    s.say("> publish 5 of 500 bytes")
    for _ in range(5):
        s.publish("s.a", "x" * 500)
    s.create(deliver_subject="d.c", rate_limit_bps=8000, ack_policy="none")
    s.take("d", 5)


def j3_a_rate_limit_paces(s: Scene) -> None:
    s.stream(max_msg_size=1000)
    s.say("> publish 4 of 500 bytes")
    for _ in range(4):
        s.publish("s.a", "x" * 500)
    s.create(deliver_subject="d.c", rate_limit_bps=2000, ack_policy="none")
    s.listen("d.c", "d")
    s.take("d", 2)
    s.quiet("d")
    s.take("d", 2)
