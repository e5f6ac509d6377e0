"""Commands that make, change and end consumers."""

from __future__ import annotations

import json
from dataclasses import replace

from pynats_common.go.times import format_time_ns

from tests.model import consumers as policy
from tests.model.consumers import ConsumerConfig, Place
from tests.model.playing import Play
from tests.model.reference_faults import beyond, leaves_spent
from tests.model.session import Step, field_check
from tests.model.streams import INTEREST, WORKQUEUE
from tests.model.subjects import overlap
from tests.model.world import Served, World
from tests.support.client import Message as Reply

CONSUMERS = ("c", "d", "e", "f")


def draw_filters(play: Play, stream: str) -> tuple[str, ...]:
    if play.chance(0.4):
        return ()
    found: list[str] = []
    for _ in range(play.rng.choice((1, 1, 1, 2, 3))):
        pattern = play.pattern(stream)
        if not any(overlap(pattern, other) for other in found):
            found.append(pattern)
    return tuple(found)


def create_consumer(play: Play) -> None:
    stream = play.some_stream()
    free = [name for name in CONSUMERS if name not in play.world.consumers.get(stream, {})]
    if not stream or not free:
        return
    rng, world = play.rng, play.world
    retention = world.streams[stream].config.retention
    config = ConsumerConfig(
        rng.choice(free),
        durable=play.chance(0.7),
        ack=rng.choices((policy.EXPLICIT, policy.ACK_ALL, policy.NO_ACK), (6, 2, 1))[0],
        deliver=rng.choices(
            (
                policy.ALL,
                policy.NEW,
                policy.LAST,
                policy.BY_SEQ,
                policy.LAST_PER_SUBJECT,
                policy.BY_TIME,
            ),
            (6, 1, 1, 1, 1, 1),
        )[0],
        filters=draw_filters(play, stream),
        max_deliver=rng.choice((-1, -1, -1, 1, 2, 3)),
        max_ack_pending=rng.choice((1000, 1000, -1, 1, 3, 8)),
        max_waiting=rng.choice((512, 512, 2)),
        max_batch=rng.choice((0, 0, 0, 5)),
        headers_only=play.chance(0.1),
    )
    kept = world.streams[stream].config
    limited = (kept.max_msgs, kept.max_bytes, kept.max_msgs_per_subject) != (-1, -1, -1)
    if config.deliver == policy.LAST_PER_SUBJECT and world.imitate and limited:
        config.deliver = policy.ALL  # see `fragile`
    if config.deliver == policy.LAST_PER_SUBJECT and not config.filters:
        config.filters = (f"{stream.lower()}.>",)
    if config.deliver == policy.BY_SEQ:
        config.start_seq = rng.randint(1, world.streams[stream].last_seq + beyond(world, stream, 5))
    if config.deliver == policy.BY_TIME:
        draw_start_time(play, stream, config)
    if world.imitate and retention == INTEREST and config.ack == policy.ACK_ALL:
        config.max_deliver = -1  # see `leaves_spent`
    if retention == WORKQUEUE:
        config.ack, config.deliver = policy.EXPLICIT, policy.ALL
        config.start_seq, config.start_time = 0, ""
        if overlaps_another(world, stream, config):
            return
    if play.chance(0.2):
        config.priority = rng.choice(("overflow", "prioritized", policy.PINNED))
    elif play.chance(0.25):
        config.deliver_subject = f"push.{stream}.{config.name}"
        config.deliver_group = "g" if play.chance(0.3) else ""
        config.max_waiting, config.max_batch = 512, 0
    step = play.step(f"create consumer {stream} {config}")
    served = world.create_consumer(stream, config)
    send_config(play, step, stream, config, "create", served)
    play.play(step)


def draw_start_time(play: Play, stream: str, config: ConsumerConfig) -> None:
    """The time of some message that is known, and of none before it."""
    times = play.world.times[stream]
    found = [seq for seq in times if times.get(seq - 1, times[seq]) < times[seq]]
    if not found:
        config.deliver = policy.ALL
        return
    config.start_seq = play.rng.choice(found)
    config.start_time = format_time_ns(int(times[config.start_seq]))


def overlaps_another(world: World, stream: str, config: ConsumerConfig) -> bool:
    """Whether a work queue has a consumer already that takes some of the same messages."""
    mine = config.filters or (">",)
    return any(
        overlap(one, other)
        for served in world.consumers[stream].values()
        if served.config.name != config.name
        for one in mine
        for other in served.config.filters or (">",)
    )


def send_config(
    play: Play, step: Step, stream: str, config: ConsumerConfig, action: str, served: Served
) -> None:
    body = {"stream_name": stream, "config": config.request(), "action": action}
    subject = f"CONSUMER.CREATE.{stream}.{config.name}"
    play.session.api(step, subject, body, field_check(subject, name=config.name))
    step.look_at.add((stream, config.name))
    step.streams.add(stream)


def update_consumer(play: Play) -> None:
    key = play.some_consumer()
    if key is None:
        return
    rng, world = play.rng, play.world
    stream, name = key
    config = replace(play.served(key).config)
    match rng.randrange(4):
        case 0:
            if leaves_spent(world, stream, name):
                return
            config.filters = draw_filters(play, stream)
            if play.world.imitate and (not config.filters or play.served(key).state.out):
                return  # it would not hear of new messages, or of removals of what is out
            if not all(config.takes(subject) for subject in subjects_out(play, key)):
                return  # it does not hear of their removal
            if config.deliver == policy.LAST_PER_SUBJECT:
                return  # its first messages were chosen by the other filters
        case 1:
            config.max_ack_pending = rng.choice((1000, -1, 1, 3, 8))
        case 2 if not (world.imitate and config.ack == policy.ACK_ALL):
            config.max_deliver = rng.choice((-1, 1, 2, 3))
        case _:
            config.headers_only = not config.headers_only
    retention = world.streams[stream].config.retention
    if retention == WORKQUEUE and overlaps_another(world, stream, config):
        return
    if config.filters != play.served(key).config.filters and not is_placed(play, key, config):
        return
    step = play.step(f"update consumer {stream} {config}")
    world.update_consumer(stream, name, config)
    send_config(play, step, stream, config, "update", play.served(key))
    play.play(step)


def is_placed(play: Play, key: tuple[str, str], config: ConsumerConfig) -> bool:
    """Whether it is certain what other filters find: how far a consumer has looked beyond what it
    has delivered makes no difference before, and is not told by all servers."""
    state = play.served(key).state
    if play.world.imitate:
        return True
    between = range(state.reached + 1, state.seen_to + 1)
    messages = state.stream.messages
    return not any(seq in messages and config.takes(messages[seq].subject) for seq in between)


def subjects_out(play: Play, key: tuple[str, str]) -> set[str]:
    """Of the messages that a consumer has out."""
    messages = play.world.streams[key[0]].messages
    return {messages[seq].subject for seq in play.served(key).state.out}


def delete_consumer(play: Play) -> None:
    key = play.some_consumer()
    if key is None:
        return
    stream, name = key
    if leaves_spent(play.world, stream, name):
        return
    subject = play.served(key).config.deliver_subject
    if subject in play.session.targets:
        play.session.unlisten(subject)
    step = play.step(f"delete consumer {stream} {name}")
    play.world.delete_consumer(stream, name)
    check = field_check(name, success=True)
    play.session.api(step, f"CONSUMER.DELETE.{stream}.{name}", None, check)
    play.look_around(step, stream)
    play.play(step)


def reset(play: Play) -> None:
    key = play.some_consumer(lambda served: served.config.deliver != policy.LAST_PER_SUBJECT)
    if key is None:
        return
    stream, name = key
    if leaves_spent(play.world, stream, name):
        return
    served = play.served(key)
    seq = 0
    if served.config.deliver == policy.ALL and play.chance(0.6):
        seq = play.rng.randint(
            1, play.world.streams[stream].last_seq + beyond(play.world, stream, 3)
        )
    step = play.step(f"reset {stream} {name} {seq}")
    if play.world.imitate and (seq or served.state.floor.stream + 1) == 1:
        return  # the reference tells, now and then, what was before
    least, most = served.state.floor.stream + 1, served.state.settled_to.stream + 1
    if not seq and any(least <= known < most for known in served.state.matching()):
        return  # it is not told where the floor is
    play.world.reset_consumer(stream, name, seq or most)
    body = {"seq": seq} if seq else None

    def check(message: Reply) -> str:
        reached = json.loads(message.payload).get("reset_seq", 0)
        right = reached == seq if seq else least <= reached <= most
        if not seq:
            served.state.floor = Place(0, min(served.state.floor.stream, reached - 1))
            served.state.reached = min(served.state.reached, reached - 1)
            if not served.state.deliveries:
                served.state.position = reached
        return "" if right else f"reset to {least} .. {most}: {message}"

    play.session.api(step, f"CONSUMER.RESET.{stream}.{name}", body, check)
    step.look_at.add(key)
    play.look_around(step, stream)
    play.play(step)


def unpin(play: Play) -> None:
    """Another client may have the messages of a group."""
    key = play.some_consumer(lambda served: bool(served.pin))
    if key is None:
        return
    stream, name = key
    step = play.step(f"unpin {stream} {name}")
    play.world.unpin(stream, play.served(key))
    check = field_check(name)
    play.session.api(step, f"CONSUMER.UNPIN.{stream}.{name}", {"group": "g"}, check)
    step.look_at.add(key)
    play.play(step)


def pause(play: Play) -> None:
    # When a pause ends those who do not want to wait, and wait for the acks of others, is not told.
    key = play.some_consumer(
        lambda served: not any(known.no_wait for known in served.waiting.pulls)
    )
    if key is None:
        return
    stream, name = key
    served = play.served(key)
    served.paused = not served.paused if play.chance(0.9) else served.paused
    step = play.step(f"{'pause' if served.paused else 'resume'} {stream} {name}")
    if not served.paused and not play.world.imitate:  # the reference waits for another reason
        play.world.serve(stream, served)
    body = {"pause_until": "2100-01-01T00:00:00Z"} if served.paused else {}
    check = field_check(name, paused=served.paused)
    play.session.api(step, f"CONSUMER.PAUSE.{stream}.{name}", body, check)
    step.look_at.add(key)
    play.play(step)
