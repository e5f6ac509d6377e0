"""Commands that change streams and their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.model.playing import Play
from tests.model.reference_faults import fragile, harms_others, miscounts, unsteady
from tests.model.session import field_check
from tests.model.streams import (
    FILE,
    INTEREST,
    LIMITS,
    MEMORY,
    NEW,
    OLD,
    STREAM_FULL,
    WORKQUEUE,
    Message,
    StreamConfig,
)
from tests.support.client import header_block

STREAMS = ("S", "T")


def create_stream(play: Play) -> None:
    rng, world = play.rng, play.world
    free = [name for name in STREAMS if not any(known[0] == name for known in world.streams)]
    if not free:
        return
    name = rng.choice(free)
    if world.imitate:  # it may find files of a namesake that it has not removed yet
        play.created += 1
        name += f"{play.run}x{play.created}"
    config = StreamConfig(
        name,
        [f"{name.lower()}.>"],
        retention=rng.choices((LIMITS, INTEREST, WORKQUEUE), (5, 2, 2))[0],
        storage=rng.choice((FILE, FILE, MEMORY)),
        discard=rng.choice((OLD, OLD, OLD, NEW)),
    )
    draw_limits(play, config)
    step = play.step(f"create stream {config}")
    world.create_stream(config)
    play.session.api(step, f"STREAM.CREATE.{name}", config.request(), field_check(name))
    step.streams.add(name)
    play.play(step)


def draw_limits(play: Play, config: StreamConfig) -> None:
    draw_max_msgs(play, config)
    draw_max_bytes(play, config)
    draw_max_per_subject(play, config)
    steady(config)


def steady(config: StreamConfig) -> None:
    """Leaves out what differs by storage: whether the bytes of an older message of the subject
    make place for a new one."""
    if config.discard == NEW and config.max_bytes > 0:
        config.max_msgs_per_subject = -1


def draw_max_msgs(play: Play, config: StreamConfig) -> None:
    config.max_msgs = play.rng.choice((-1, 10, 40)) if play.chance(0.4) else 60


def draw_max_bytes(play: Play, config: StreamConfig) -> None:
    config.max_bytes = play.rng.choice((600, 3000)) if play.chance(0.2) else -1


def draw_max_per_subject(play: Play, config: StreamConfig) -> None:
    config.max_msgs_per_subject = play.rng.choice((1, 2, 5)) if play.chance(0.3) else -1


def update_stream(play: Play) -> None:
    name = play.some_stream()
    if not name:
        return
    config = replace(play.world.streams[name].config)
    if fragile(play.world, name) or unsteady(play.world, name):
        return
    one_limit = play.rng.choice((draw_max_msgs, draw_max_bytes, draw_max_per_subject))
    one_limit(play, config)  # with two, what is left depends on which is applied first
    steady(config)
    kept = play.world.streams[name].messages
    if config.discard == NEW and 0 <= config.max_msgs < len(kept):
        return  # whether it takes a message in place of another one of its subject then differs
    step = play.step(f"update stream {config}")
    play.world.update_stream(name, config)
    play.session.api(step, f"STREAM.UPDATE.{name}", config.request(), field_check(name))
    play.look_around(step, name)
    play.play(step)


def delete_stream(play: Play) -> None:
    name = play.some_stream()
    if not name:
        return
    if play.world.imitate:  # it tells some who wait of the end, and some not
        for served in play.world.consumers[name].values():
            for inbox in [known.inbox for known in served.waiting.pulls]:
                play.session.unlisten(inbox)
                play.world.forget_inbox(inbox)
    for served in play.world.consumers[name].values():
        if served.config.deliver_subject in play.session.targets:
            play.session.unlisten(served.config.deliver_subject)
    step = play.step(f"delete stream {name}")
    play.world.delete_stream(name)
    play.session.api(step, f"STREAM.DELETE.{name}", None, field_check(name, success=True))
    play.play(step)


def publish(play: Play) -> None:
    name = play.some_stream()
    if not name:
        return
    rng = play.rng
    count = rng.choice((1, 1, 2, 5, 12))
    if count > 1 and not may_burst(play, name, count):
        for _ in range(count):
            publish_some(play, name, 1)
    else:
        publish_some(play, name, count)


def may_burst(play: Play, name: str, count: int) -> bool:
    """Whether it makes no difference how many of several messages are there when the first is
    delivered, but for the counts of pending ones."""
    group = play.world.consumers[name].values()
    if not any(served.waiting.pulls or served.bound for served in group):
        return True
    stream = play.world.streams[name]
    config = stream.config
    unlimited = config.max_msgs_per_subject < 0 and config.max_bytes < 0
    return (
        unlimited
        and (config.max_msgs < 0 or len(stream.messages) + count <= config.max_msgs)
        and not any(
            known.max_bytes or known.no_wait for served in group for known in served.waiting.pulls
        )
        and not any(served.config.priority == "overflow" for served in group)
        and play.chance(0.5)
    )


def publish_some(play: Play, name: str, count: int) -> None:
    rng, world = play.rng, play.world
    step = play.step(f"publish {count} to {name}:")
    rollups = count == 1 and play.chance(0.1)
    for index in range(count):
        headers: dict[str, str] = {"Kind": "x" * rng.randrange(9)} if play.chance(0.2) else {}
        rollup = rng.choice(("sub", "sub", "all")) if rollups else ""
        subject = play.subject(name)
        if rollup == "sub" and harms_others(world, name, subject):
            rollup = "all"
        if rollup == "all" and world.imitate and world.consumers[name]:
            rollup = ""  # it may be one that `miscounts`
        if rollup:
            headers["Nats-Rollup"] = rollup
        block = header_block(headers) if headers else b""
        message = Message(subject, block, b"p" * rng.choice((0, 1, 7, 40, 200)))
        world.burst = count - index - 1
        seq = world.publish(name, message, rollup)
        step.text += f" {message.subject}={seq or 'refused'}{'(' + rollup + ')' if rollup else ''}"
        wanted: dict[str, Any] = {"seq": seq} if seq else {"error": STREAM_FULL}
        check = field_check(f"publish {message.subject}", **wanted)
        play.session.ask(step, message.subject, message.payload, check, block)
    play.log[-1] = step.text
    play.look_around(step, name)
    play.play(step)


def delete_message(play: Play) -> None:
    name = play.some_stream()
    if not name or not play.world.streams[name].messages or fragile(play.world, name):
        return
    seq = play.rng.choice(list(play.world.streams[name].messages))
    step = play.step(f"delete message {name} {seq}")
    play.world.remove(name, [seq])
    body = {"seq": seq, "no_erase": play.chance(0.5)}
    play.session.api(step, f"STREAM.MSG.DELETE.{name}", body, field_check(name, success=True))
    play.look_around(step, name)
    play.play(step)


def purge(play: Play) -> None:
    name = play.some_stream()
    if not name:
        return
    rng, world = play.rng, play.world
    stream = world.streams[name]
    subject = rng.choice((play.pattern(name), play.subject(name), "", ""))
    below = keep = 0
    if play.chance(0.4):
        below = rng.randint(max(stream.first_seq, 1), stream.last_seq + 1)
    elif play.chance(0.4):
        keep = rng.randint(1, 10)
    if subject and harms_others(world, name, subject):
        subject = ""
    if miscounts(world, name, subject, below, keep):
        return
    step = play.step(f"purge {name} {subject} below={below} keep={keep}")
    found = world.purge(name, subject, below, keep)
    body: dict[str, Any] = {}
    if subject:
        body["filter"] = subject
    if below:
        body["seq"] = below
    if keep:
        body["keep"] = keep
    check = field_check(f"purge {name}", success=True, purged=found)
    play.session.api(step, f"STREAM.PURGE.{name}", body or None, check)
    play.look_around(step, name)
    play.play(step)
