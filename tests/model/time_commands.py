"""Commands that let a time run out: the wait for acks, the age of messages.

Times are long, so that nothing happens by itself. A command makes one short when everything that it
concerns is older, waits for what that brings about, and makes it long again. What comes again has a
long time: the short one is that of another number of deliveries.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.model import consumers as policy
from tests.model.consumer_commands import send_config
from tests.model.consumers import LONG_S, NANOSECONDS, Consumer, ConsumerConfig
from tests.model.playing import Play
from tests.model.pulls import Pull
from tests.model.reference_faults import forgets
from tests.model.session import Step, field_check
from tests.model.world import Served

WAIT_S = 0.3
WAIT_NS = int(WAIT_S * NANOSECONDS)
LONG_NS = LONG_S * NANOSECONDS
AGE_S = 0.1


def run_out(play: Play) -> None:
    """Nobody has acked for too long: what is out comes again, or is out of deliveries."""
    key = play.some_consumer(lambda served: bool(served.state.out) and may_run_out(play, served))
    if key is None:
        return
    served = play.served(key)
    state = served.state
    nobody = not served.waiting.pulls and not served.bound
    spent = [seq for seq in state.out if is_last(served.config, state, seq) and waits(state, seq)]
    if nobody and spent and play.chance(0.5):
        all_run_out(play, key)
        return
    counts = sorted({deliveries(state, seq) for seq in state.out if waits(state, seq)})
    counts = [count for count in counts if may_repeat(play, served, count)]
    if counts:
        repeat(play, key, play.rng.choice(counts))


def may_run_out(play: Play, served: Served) -> bool:
    """Whether it is certain what comes of it."""
    state = served.state
    if served.config.ack == policy.NO_ACK or served.paused or served.waiting.full:
        return False
    full_or_empty = state.blocked or not state.num_pending
    return not play.world.imitate or (
        full_or_empty and not served.waiting.pulls and not state.again
    )


def deliveries(state: Consumer, seq: int) -> int:
    """How often it was delivered."""
    return 1 + state.extra.get(seq, 0)


def waits(state: Consumer, seq: int) -> bool:
    """Whether its ack is waited for, and not for very long."""
    return seq not in state.again and seq not in state.late


def is_last(config: ConsumerConfig, state: Consumer, seq: int) -> bool:
    """Whether it is delivered no more."""
    return 0 < config.max_deliver <= deliveries(state, seq)


def all_run_out(play: Play, key: tuple[str, str]) -> None:
    """The time of all is over, while nobody wants to have them again."""
    served = play.served(key)
    long, short = served.config, replace(served.config, ack_wait_ns=WAIT_NS)
    play.session.let_rest(WAIT_S)
    step = play.step(f"all run out of {key}")
    send_config(play, step, key[0], short, "update", served)
    end_of_wait(play, key, list(served.state.out))
    play.look_around(step, key[0])
    play.play(step)
    wait_long(play, key, long)


def end_of_wait(play: Play, key: tuple[str, str], seqs: list[int]) -> None:
    served = play.served(key)
    blocked = served.state.blocked
    served.state.run_out(seqs)
    if served.state.again or (blocked and not served.state.blocked):
        play.world.serve(key[0], served)


def wait_long(play: Play, key: tuple[str, str], config: ConsumerConfig) -> None:
    """The former configuration."""
    step = play.step(f"wait long for {key} again")
    send_config(play, step, key[0], config, "update", play.served(key))
    play.play(step)


def may_repeat(play: Play, served: Served, count: int) -> bool:
    """Whether messages may run out that were delivered so often, and no others will have been."""
    config, state = served.config, served.state
    if 0 < config.max_deliver <= count + 1:
        return False  # as many waits must be fewer than deliveries
    if config.deliver_subject and not served.bound:
        return False
    if any(deliveries(state, seq) == count - 1 for seq in state.again):
        return False
    if count == 1:
        return state.blocked or not state.num_pending
    return not play.world.imitate  # the reference looks at the first wait alone


def repeat(play: Play, key: tuple[str, str], count: int) -> None:
    """What was delivered `count` times comes again, and then has a long time."""
    stream, name = key
    world, served = play.world, play.served(key)
    long = served.config
    waits_ns = [LONG_NS] * (count + 1)
    waits_ns[count - 1] = WAIT_NS
    short = replace(long, ack_wait_ns=waits_ns[0], backoff_ns=tuple(waits_ns))
    found = [seq for seq in served.state.out if deliveries(served.state, seq) == count]
    play.session.let_rest(WAIT_S)
    step = play.step(f"run out {stream} {name} after {count} deliveries")
    pulls = not long.deliver_subject
    if pulls and world.imitate:  # which does it a moment after its answer
        ask(play, key, step)
    send_config(play, step, stream, short, "update", served)
    end_of_wait(play, key, found)
    play.play(step)
    if pulls and not world.imitate:
        asking = play.step("and ask")
        ask(play, key, asking)
        asking.look_at.add(key)
        play.play(asking)
    wait_long(play, key, long)


def ask(play: Play, key: tuple[str, str], step: Step) -> None:
    """Somebody waits, who may have whatever comes."""
    served = play.served(key)
    play.pulls += 1
    inbox = f"_INBOX.pull.{play.pulls}"
    play.session.listen(inbox)
    count = max(1, len(served.state.again) or len(served.state.out))
    batch = play.rng.randint(1, min(count, served.config.max_batch or count))
    request = Pull(inbox, batch, expires=True)
    body: dict[str, Any] = {"batch": batch, "expires": LONG_NS}
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
