"""Commands that let a time run out: the wait for acks, the age of messages.

Times are long, so that nothing happens by itself. A command makes one short when everything that it
concerns is older, waits for what that brings about, and makes it long again before it is over once
more. Where that took too long, the consumer begins anew.
"""

from __future__ import annotations

import json
from dataclasses import replace
from time import monotonic
from typing import Any

from tests.model import consumers as policy
from tests.model.consumer_commands import send_config
from tests.model.consumers import LONG_S, NANOSECONDS
from tests.model.playing import Play
from tests.model.pulls import Pull
from tests.model.reference_faults import forgets
from tests.model.restart_commands import begin_anew
from tests.model.session import Step, field_check
from tests.model.world import Served

WAIT_S = 0.3
AGE_S = 0.1


def run_out(play: Play) -> None:
    """Nobody has acked for too long: what is out comes again, or is out of deliveries."""
    key = play.some_consumer(lambda served: may_run_out(play, served))
    if key is None:
        return
    stream, name = key
    world, session, served = play.world, play.session, play.served(key)
    state = served.state
    long, short = served.config, replace(served.config, ack_wait_ns=int(WAIT_S * NANOSECONDS))
    # The wait for a second delivery may be another one.
    first_only = play.chance(0.4) and not 0 < long.max_deliver <= 2
    if first_only:
        short.backoff_ns = (short.ack_wait_ns, LONG_S * NANOSECONDS)
    session.let_rest(WAIT_S)
    step = play.step(f"run out {stream} {name}{' of first deliveries' if first_only else ''}")
    began_s = monotonic()
    if not served.config.deliver_subject and world.imitate:
        ask(play, key, step)
    send_config(play, step, stream, short, "update", served)
    deliveries = state.deliveries
    state.run_out([seq for seq in state.out if not (first_only and state.extra.get(seq))])
    world.serve(stream, served)
    play.play(step)
    if not served.config.deliver_subject and not world.imitate:
        asking = play.step("and ask")
        ask(play, key, asking)
        asking.look_at.add(key)
        play.play(asking)
    back = play.step(f"wait long for {stream} {name} again")
    send_config(play, back, stream, long, "update", served)
    play.play(back)
    late = monotonic() - began_s >= WAIT_S
    if late and (state.deliveries > deliveries or state.out):
        send_away(play, served)
        begin_anew(play, stream, name)


def send_away(play: Play, served: Served) -> None:
    """Nobody waits for messages of a consumer any more."""
    for inbox in {known.inbox for known in served.waiting.pulls}:
        play.session.unlisten(inbox)
        play.world.forget_inbox(inbox)
    if served.bound:
        play.session.unlisten(served.config.deliver_subject)
        served.bound = False


def may_run_out(play: Play, served: Served) -> bool:
    """Whether it is certain what comes of it."""
    state, config = served.state, served.config
    if not state.out or config.ack == policy.NO_ACK or served.paused:
        return False
    if config.deliver == policy.LAST_PER_SUBJECT:
        return False  # it could not begin anew
    if config.deliver_subject:
        return served.bound
    if served.waiting.full:
        return False
    if not play.world.imitate:
        return True
    return not served.waiting.pulls and not state.again and (state.blocked or not state.num_pending)


def ask(play: Play, key: tuple[str, str], step: Step) -> None:
    """Somebody waits, who may have whatever comes."""
    served = play.served(key)
    play.pulls += 1
    inbox = f"_INBOX.pull.{play.pulls}"
    play.session.listen(inbox)
    count = max(1, len(served.state.out))
    batch = play.rng.randint(1, min(count, served.config.max_batch or count))
    request = Pull(inbox, batch, expires=True)
    body: dict[str, Any] = {"batch": batch, "expires": LONG_S * NANOSECONDS}
    if served.config.priority:
        body["group"] = request.group = "g"
    if served.config.priority == policy.PINNED and served.pin:
        request.pin = served.pin
        body["id"] = play.session.pin(served.pin)
    play.world.pull(*key, request)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{key[0]}.{key[1]}"
    play.session.publish(step, subject, json.dumps(body).encode(), b"", inbox)


def age(play: Play) -> None:
    """The messages of a stream have become too old."""
    name = play.some_stream()
    if not name or forgets(play.world, name):
        return
    world, session = play.world, play.session
    config = world.streams[name].config
    session.let_rest(AGE_S)
    step = play.step(f"age {name}")
    seconds = int(AGE_S * NANOSECONDS)
    short = config.request(max_age=seconds, duplicate_window=seconds)
    world.remove(name, list(world.streams[name].messages))
    session.api(step, f"STREAM.UPDATE.{name}", short, field_check(name))
    play.look_around(step, name)
    play.play(step)
    back = play.step(f"do not age {name} again")
    session.api(back, f"STREAM.UPDATE.{name}", config.request(), field_check(name))
    play.look_around(back, name)
    play.play(back)
