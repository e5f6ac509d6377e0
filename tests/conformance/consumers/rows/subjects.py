"""U: subjects of acknowledgements and flow control with domain and account."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.consumers.playing import configured
from tests.conformance.consumers.scene import HOUR, SECOND, Scene

V2 = "feature_flags { js_ack_fc_v2: true }\n"
OFF = "feature_flags { js_ack_fc_v2: false }\n"
STORE = "jetstream { store_dir"
HUB = "jetstream { domain: hub, store_dir"


def reconfigure(before: str, after: str, s: Scene) -> None:
    """Another configuration, and a restart."""

    def change(store: Path) -> None:
        path = store.parent / "server.conf"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    s.say(f"> configure {after.strip()} instead of {before.strip()}")
    s.restart_after(change)


def _delivered(s: Scene) -> None:
    s.stream()
    s.create(ack_wait=HOUR)
    s.fill(5)
    s.take(s.pull("3"), 3)


@configured(V2)
def u_acks_with_an_account(s: Scene) -> None:
    _delivered(s)
    s.ack(1)
    s.ack(2, "-NAK")
    s.take(s.next(3, "+NXT 2"), 2)
    s.info()
    s.say(f"= {'.'.join(s.reply(2, delivery=2).split('.')[:6])}")


@configured(V2)
def u_flow_control_with_an_account(s: Scene) -> None:
    s.stream()
    s.listen("d.c", "d")
    s.create(deliver_subject="d.c", flow_control=True, idle_heartbeat=30 * SECOND)
    for _ in range(2):
        s.publish("s.a", "x" * 600_000)
    s.take("d", 3)
    s.answer("d")
    s.publish("s.a", "more")
    s.settle("d")
    s.info()


@configured(V2)
def u_other_forms_when_the_new_ones_are_sent(s: Scene) -> None:
    _delivered(s)
    reply = s.reply(1).split(".")
    s.ack_subject(".".join(["$JS", "ACK", *reply[4:]]))
    reply = s.reply(2).split(".")
    s.ack_subject(".".join([*reply, "random"]))
    reply = s.reply(3).split(".")
    s.ack_subject(".".join(["$JS", "ACK", "hub", *reply[3:]]), silent=True)
    s.info()


@configured(V2)
def r_old_replies_after_the_new_ones(s: Scene) -> None:
    _delivered(s)
    old = s.reply(1), s.reply(2)
    reconfigure(V2, OFF, s)
    for reply in old:
        s.ack_subject(reply)
    s.info()
    s.take(s.pull("1"))


@configured(OFF)
def r_new_replies_after_the_old_ones(s: Scene) -> None:
    _delivered(s)
    old = s.reply(1), s.reply(2)
    reconfigure(OFF, V2, s)
    for reply in old:
        s.ack_subject(reply)
    s.info()
    s.take(s.pull("1"))


@configured(V2)
def r_acks_with_a_domain(s: Scene) -> None:
    _delivered(s)
    old = s.reply(1)
    reconfigure(STORE, HUB, s)
    s.ack_subject(old, silent=True)
    name = s.pull("1")
    s.take(name)
    s.ack(4)
    s.info()
    s.listen("d.c", "d")
    s.create("P", deliver_subject="d.c", flow_control=True, idle_heartbeat=30 * SECOND)
    for _ in range(2):
        s.publish("s.a", "x" * 600_000)
    s.settle("d")
