"""What can happen next: each command draws what it needs, changes the model, says it to the server
and compares."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.model import consumers as policy
from tests.model.consumers import LONG_S, NANOSECONDS, ConsumerConfig, Place
from tests.model.pulls import Pull
from tests.model.session import (
    Session,
    Step,
    consumer_check,
    empty_check,
    field_check,
)
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
from tests.model.subjects import covers, overlap
from tests.model.world import Known, Served, World
from tests.support.client import Message as Reply
from tests.support.client import header_block

STREAMS = ("S", "T")
CONSUMERS = ("c", "d", "e", "f")
TOKENS = ("a", "b", "c")
KEPT_DELIVERIES = 100
MAX_INBOXES = 40


@dataclass(slots=True)
class Play:
    """One run: the model, the server, and what was done."""

    world: World
    session: Session
    rng: Random
    log: list[str] = field(default_factory=list)
    retentions: tuple[int, int, int] = (5, 2, 2)  # weights of limits, interest, work queues
    run: str = ""
    pulls: int = 0
    created: int = 0

    def step(self, text: str) -> Step:
        self.log.append(text)
        return Step(text)

    def play(self, step: Step) -> None:
        self.session.play(step)
        del self.world.deliveries[:-KEPT_DELIVERIES]

    # Draws.

    def some_stream(self) -> str:
        return self.rng.choice(sorted(self.world.streams)) if self.world.streams else ""

    def some_consumer(
        self, wanted: Callable[[Served], bool] = lambda _: True
    ) -> tuple[str, str] | None:
        found = [
            (stream, name)
            for stream, group in sorted(self.world.consumers.items())
            for name, served in sorted(group.items())
            if wanted(served)
        ]
        return self.rng.choice(found) if found else None

    def served(self, key: tuple[str, str]) -> Served:
        return self.world.consumers[key[0]][key[1]]

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    def subject(self, stream: str) -> str:
        return f"{stream.lower()}.{self.rng.choice(TOKENS)}.{self.rng.choice('xyz')}"

    def pattern(self, stream: str) -> str:
        root = stream.lower()
        first, second = self.rng.choice((*TOKENS, "*")), self.rng.choice("xyz*>")
        return f"{root}.>" if self.chance(0.1) else f"{root}.{first}.{second}"

    def look_around(self, step: Step, stream: str) -> None:
        """What a change of a stream may have changed: its counts, and those of some consumers."""
        step.streams.add(stream)
        names = sorted(self.world.consumers.get(stream, {}))
        count = len(names) if self.chance(0.3) else 1
        step.look_at.update(
            (stream, name) for name in self.rng.sample(names, min(count, len(names)))
        )


# Streams.


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
        retention=rng.choices((LIMITS, INTEREST, WORKQUEUE), play.retentions)[0],
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


def fragile(world: World, name: str) -> bool:
    """Whether the reference would count wrongly after a message goes: for consumers of the last
    ones per subject it does not tell which of them they have to come."""
    return world.imitate and any(
        served.config.deliver == policy.LAST_PER_SUBJECT
        for served in world.consumers[name].values()
    )


def unsteady(world: World, name: str) -> bool:
    """Whether the reference would deliver amid a removal of several messages, or after it."""
    return world.imitate and any(
        served.state.blocked and (served.waiting.pulls or served.bound)
        for served in world.consumers[name].values()
    )


def harms_others(world: World, name: str, subject: str) -> bool:
    """Whether the reference, after a purge of the subject, would skip messages of other filters,
    lose the floor below what is out, or count wrongly."""
    return world.imitate and any(
        served.state.out
        or fragile(world, name)
        or (
            any(covers(subject, known) for known in served.config.filters)
            and not all(covers(subject, known) for known in served.config.filters)
        )
        for served in world.consumers[name].values()
    )


def miscounts(world: World, name: str, subject: str, below: int, keep: int) -> bool:
    """Whether the reference would forget to count a single message that a pattern purges, or
    would count for a consumer of last ones per subject only these from now on."""
    pattern = subject or (">" if below or keep else "")
    found = world.streams[name].purged(subject, below, keep)
    if world.imitate and below and below > max(world.streams[name].messages, default=0):
        return True  # it forgets to move the first sequence where the last ones are deleted
    one = len(found) == 1 and ("*" in pattern or ">" in pattern)
    return world.imitate and (one or fragile(world, name))


# Consumers.


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
            (policy.ALL, policy.NEW, policy.LAST, policy.BY_SEQ, policy.LAST_PER_SUBJECT),
            (6, 1, 1, 1, 1),
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
        config.start_seq = rng.randint(1, world.streams[stream].last_seq + beyond(world, 5))
    if retention == INTEREST and not world.imitate:
        config.max_deliver = -1  # whether it keeps what is out of deliveries is not settled
    if retention == WORKQUEUE:
        config.ack, config.deliver, config.start_seq = policy.EXPLICIT, policy.ALL, 0
        if overlaps_another(world, stream, config):
            return
    step = play.step(f"create consumer {stream} {config}")
    served = world.create_consumer(stream, config)
    send_config(play, step, stream, config, "create", served)
    play.play(step)


def beyond(world: World, count: int) -> int:
    """How far behind the last message a consumer may start: the reference counts the messages
    before its start as pending when they come later."""
    return 1 if world.imitate else count


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
            config.filters = draw_filters(play, stream)
            if play.world.imitate and (not config.filters or play.served(key).state.out):
                return  # it would not hear of new messages, or of removals of what is out
            if not all(config.takes(subject) for subject in subjects_out(play, key)):
                return  # it does not hear of their removal
            if config.deliver == policy.LAST_PER_SUBJECT:
                return  # its first messages were chosen by the other filters
        case 1:
            config.max_ack_pending = rng.choice((1000, -1, 1, 3, 8))
        case 2 if world.imitate or world.streams[stream].config.retention != INTEREST:
            config.max_deliver = rng.choice((-1, 1, 2, 3))
        case _:
            config.headers_only = not config.headers_only
    retention = world.streams[stream].config.retention
    if retention == WORKQUEUE and overlaps_another(world, stream, config):
        return
    step = play.step(f"update consumer {stream} {config}")
    world.update_consumer(stream, name, config)
    send_config(play, step, stream, config, "update", play.served(key))
    play.play(step)


def subjects_out(play: Play, key: tuple[str, str]) -> set[str]:
    """Of the messages that a consumer has out."""
    messages = play.world.streams[key[0]].messages
    return {messages[seq].subject for seq in play.served(key).state.out}


def delete_consumer(play: Play) -> None:
    key = play.some_consumer()
    if key is None:
        return
    stream, name = key
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
    served = play.served(key)
    seq = 0
    if served.config.deliver == policy.ALL and play.chance(0.6):
        seq = play.rng.randint(1, play.world.streams[stream].last_seq + beyond(play.world, 3))
    step = play.step(f"reset {stream} {name} {seq}")
    if play.world.imitate and (seq or served.state.floor.stream + 1) == 1:
        return  # the reference tells, now and then, what was before
    least, most = served.state.floor.stream + 1, served.state.settled_to.stream + 1
    play.world.reset_consumer(stream, name, seq or most)
    body = {"seq": seq} if seq else None

    def check(message: Reply) -> str:
        reached = json.loads(message.payload).get("reset_seq", 0)
        right = reached == seq if seq else least <= reached <= most
        if not seq:
            served.state.floor = Place(0, min(served.state.floor.stream, reached - 1))
            served.state.reached = min(served.state.reached, reached - 1)
        return "" if right else f"reset to {least} .. {most}: {message}"

    play.session.api(step, f"CONSUMER.RESET.{stream}.{name}", body, check)
    step.look_at.add(key)
    play.look_around(step, stream)
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


# Pulls.


def pull(play: Play) -> None:
    key = play.some_consumer(lambda served: not served.config.deliver_subject)
    if key is None:
        return
    request, body = draw_pull(play)
    step = play.step(f"pull {key[0]} {key[1]} {body!r} to {request.inbox}")
    play.world.pull(*key, request)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{key[0]}.{key[1]}"
    play.session.publish(step, subject, body, b"", request.inbox)
    step.look_at.add(key)
    play.look_around(step, key[0])
    play.play(step)
    forget_finished(play)


def draw_pull(play: Play, served: Served | None = None) -> tuple[Pull, bytes]:
    rng = play.rng
    play.pulls += 1
    inbox = f"_INBOX.pull.{play.pulls}"
    play.session.listen(inbox)
    batch = rng.choice((1, 1, 2, 3, 10))
    if play.chance(0.1):
        return Pull(inbox, batch, bare=True), b"%d" % batch
    found = Pull(
        inbox,
        batch,
        no_wait=play.chance(0.3),
        expires=play.chance(0.5),
        max_bytes=rng.choice((80, 150, 400, 2000)) if play.chance(0.15) else 0,
    )
    body: dict[str, Any] = {"batch": batch}
    if found.no_wait:
        body["no_wait"] = True
    if found.expires:
        body["expires"] = LONG_S * NANOSECONDS
    if found.max_bytes:
        body["max_bytes"] = found.max_bytes
    return found, json.dumps(body).encode()


def forget_finished(play: Play) -> None:
    """Ends the subscriptions of inboxes that no pull has any more."""
    targets = play.session.targets
    if len(targets) <= MAX_INBOXES:
        return
    waiting = {
        known.inbox
        for group in play.world.consumers.values()
        for served in group.values()
        for known in served.waiting.pulls
    }
    for target in [target for target in targets if target.startswith("_INBOX.")]:
        if target not in waiting:
            play.session.unlisten(target)


def leave(play: Play) -> None:
    """Somebody who waits goes away."""
    key = play.some_consumer(lambda served: bool(served.waiting.pulls))
    if key is None:
        return
    inbox = play.rng.choice(play.served(key).waiting.pulls).inbox
    step = play.step(f"leave {inbox} of {key[0]} {key[1]}")
    play.world.forget_inbox(inbox)
    play.session.unlisten(inbox)
    step.look_at.add(key)
    play.play(step)


# Acks.


def draw_known(play: Play, arrived: list[Known]) -> Known:
    """A delivery to ack: mostly one that is out."""
    rng = play.rng
    if play.chance(0.85):
        out = [known for known in arrived if is_out(play.world, known)]
        if out:
            return rng.choice(out[:4]) if play.chance(0.5) else rng.choice(out)
    return rng.choice(arrived)


def is_out(world: World, known: Known) -> bool:
    served = world.consumers.get(known.stream, {}).get(known.consumer)
    return served is not None and known.seq in served.state.out


def is_behind(world: World, known: Known) -> bool:
    """Whether it was delivered in the present life of its consumer."""
    served = world.consumers.get(known.stream, {}).get(known.consumer)
    return served is None or known.life == served.life


def ack(play: Play) -> None:
    arrived = list(play.world.deliveries)
    if not arrived:
        return
    step = play.step("")
    count = play.rng.choice((1, 1, 1, 3))
    play.world.held = []
    for _ in range(count):
        known = draw_known(play, arrived)
        verb = play.rng.choices(
            (b"", b"+ACK", b"+OK", b"-NAK", b"+WPI", b"+TERM", b"hello"), (6, 6, 1, 6, 1, 2, 1)
        )[0]
        if count > 1 and (verb == b"-NAK" or not is_behind(play.world, known)):
            continue  # it could be delivered before the next ack is read, or after
        one_ack(play, step, known, verb)
    play.log[-1] = step.text
    play.world.go_on()
    play.play(step)


def one_ack(play: Play, step: Step, known: Known, verb: bytes) -> None:
    world = play.world
    time = world.times.get(known.stream, {}).get(known.seq, "1" * 19)
    subject = known.subject.replace("#", time)
    served = world.consumers.get(known.stream, {}).get(known.consumer)
    step.text += f"ack {known.subject} {verb!r} "
    if served is None or served.config.ack == policy.NO_ACK:
        play.session.ask(step, subject, verb, nobody_check(subject))
        return
    if known.life != served.life and (served.config.ack == policy.ACK_ALL or verb == b"-NAK"):
        return  # its consumer sequence means nothing now
    answered = world.ack(known, verb)
    sure = answered and (verb[:1] == b"-" or play.chance(0.8))
    if sure:
        play.session.ask(step, subject, verb, empty_check(subject))
    else:
        play.session.publish(step, subject, verb, b"", "")
    step.look_at.add((known.stream, known.consumer))
    play.look_around(step, known.stream)


def nobody_check(subject: str) -> Callable[[Reply], str]:
    def check(message: Reply) -> str:
        return "" if message.status == 503 else f"{subject}: {message}"

    return check


COMMANDS: list[tuple[int, Callable[[Play], None]]] = [
    (3, create_stream),
    (1, delete_stream),
    (2, update_stream),
    (30, publish),
    (5, delete_message),
    (3, purge),
    (8, create_consumer),
    (4, update_consumer),
    (2, delete_consumer),
    (2, reset),
    (2, pause),
    (40, pull),
    (3, leave),
    (60, ack),
]
