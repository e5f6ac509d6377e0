"""Commands of those who receive: pulls and acks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.model import consumers as policy
from tests.model.consumers import LONG_S, NANOSECONDS
from tests.model.playing import Play
from tests.model.pulls import Pull
from tests.model.session import Divergence, Step, empty_check
from tests.model.world import Known, Served, World
from tests.support.client import Message as Reply

MAX_INBOXES = 40
SOON_NS = 20_000_000
BEATS = 4  # heartbeats before it is over, at most
LATER = b'-NAK {"delay": %d}' % (2 * LONG_S * NANOSECONDS)

# Pulls.


def pull(play: Play) -> None:
    key = play.some_consumer(lambda served: not served.config.deliver_subject)
    if key is None:
        return
    served = play.served(key)
    request, body = draw_pull(play, served)
    step = play.step(f"pull {key[0]} {key[1]} {body!r} to {request.inbox}")
    play.world.pull(*key, request)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{key[0]}.{key[1]}"
    play.session.publish(step, subject, body, b"", request.inbox)
    step.look_at.add(key)
    play.look_around(step, key[0])
    play.play(step)
    forget_finished(play)


def draw_pull(play: Play, served: Served) -> tuple[Pull, bytes]:
    rng = play.rng
    play.pulls += 1
    inbox = f"_INBOX.pull.{play.pulls}"
    play.session.listen(inbox)
    batch = rng.choice((1, 1, 2, 3, 10))
    config = served.config
    if play.chance(0.1):
        return Pull(inbox, batch, bare=True), b"%d" % batch
    found = Pull(
        inbox,
        batch,
        no_wait=play.chance(0.3),
        expires=play.chance(0.5),
        max_bytes=rng.choice((80, 150, 400, 2000)) if play.chance(0.15) else 0,
    )
    grouped = group_of(play, served)
    say_of_group(found, grouped)
    body: dict[str, Any] = {"batch": batch, **grouped}
    if config.priority == policy.PINNED and found.group and play.chance(0.6):
        found.pin = draw_pin(play, served)
        body["id"] = play.session.pin(found.pin)
    if found.no_wait:
        body["no_wait"] = True
    if found.expires:
        body["expires"] = LONG_S * NANOSECONDS
        if play.chance(0.3):
            found.beats = True
            body["idle_heartbeat"] = LONG_S * NANOSECONDS // 2
    if found.max_bytes:
        body["max_bytes"] = found.max_bytes
    return found, json.dumps(body).encode()


def say_of_group(request: Pull, grouped: dict[str, Any]) -> None:
    """Takes what `group_of` says."""
    request.group = grouped.get("group", "")
    request.priority = grouped.get("priority", 0)
    request.min_pending = grouped.get("min_pending", 0)
    request.min_ack_pending = grouped.get("min_ack_pending", 0)


def draw_pin(play: Play, served: Served) -> str:
    """What stands for the id of who is pinned, as a rule."""
    if served.pin and play.chance(0.8):
        return served.pin
    return play.rng.choice(sorted(play.session.pins.values()) or ["#"])


def group_of(play: Play, served: Served) -> dict[str, Any]:
    """What a pull of a consumer with priority groups says of them."""
    if not served.config.priority or play.chance(0.05):
        return {}
    if served.config.priority == "prioritized":
        return {"group": "g", "priority": play.rng.choice((0, 0, 1, 5))}
    if served.config.priority == policy.PINNED:
        return {"group": "g"}
    return {
        "group": "g",
        **({"min_pending": play.rng.choice((2, 5))} if play.chance(0.5) else {}),
        **({"min_ack_pending": play.rng.choice((1, 3))} if play.chance(0.3) else {}),
    }


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


def pull_and_expire(play: Play) -> None:
    """A pull that is over while nothing else happens."""
    key = play.some_consumer(lambda served: not served.config.deliver_subject)
    if key is None or (play.session.world.imitate and play.served(key).state.blocked):
        return
    play.pulls += 1
    inbox = f"_INBOX.pull.{play.pulls}"
    play.session.listen(inbox)
    batch = play.rng.choice((1, 3, 10))
    asked = {"batch": batch, "expires": SOON_NS, **group_of(play, play.served(key))}
    beats = BEATS if play.chance(0.4) else 0
    if beats:
        asked["idle_heartbeat"] = SOON_NS // beats
    step = play.step(f"pull {key[0]} {key[1]} {asked} to {inbox}, and expire")
    request = Pull(inbox, batch, expires=True, beats=beats > 0)
    say_of_group(request, asked)
    play.world.pull(*key, request)
    play.world.expire(inbox)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{key[0]}.{key[1]}"
    play.session.publish(step, subject, json.dumps(asked).encode(), b"", inbox)
    step.look_at.add(key)
    play.play(step)
    if play.session.beats.get(inbox, 0) > beats:
        raise Divergence(f"{play.session.beats[inbox]} heartbeats came to {inbox}")


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


def listen(play: Play) -> None:
    """Somebody listens to a push consumer, or does not any more."""
    key = play.some_consumer(lambda served: bool(served.config.deliver_subject))
    if key is None:
        return
    served = play.served(key)
    served.bound = not served.bound
    step = play.step(f"{'listen' if served.bound else 'do not listen'} to {key[0]} {key[1]}")
    if served.bound:
        play.session.listen(served.config.deliver_subject, served.config.deliver_group)
        play.world.serve(key[0], served)
    else:
        play.session.unlisten(served.config.deliver_subject)
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
            (b"", b"+ACK", b"+OK", b"-NAK", b"+WPI", b"+TERM", b"hello", LATER, b"+NXT"),
            (6, 6, 1, 6, 1, 2, 1, 1, 4),
        )[0]
        if count > 1 and (verb[:4] in (b"-NAK", b"+NXT") or not is_behind(play.world, known)):
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
    if known.life != served.life and (served.config.ack == policy.ACK_ALL or verb[:4] == b"-NAK"):
        return  # its consumer sequence means nothing now
    if verb == b"+NXT":
        next_one(play, step, known, served, subject)
        return
    answered = world.ack(known, verb)
    sure = answered and (verb[:1] == b"-" or play.chance(0.8))
    if sure:
        play.session.ask(step, subject, verb, empty_check(subject))
    else:
        play.session.publish(step, subject, verb, b"", "")
    step.look_at.add((known.stream, known.consumer))
    play.look_around(step, known.stream)


def next_one(play: Play, step: Step, known: Known, served: Served, subject: str) -> None:
    """An ack that is a pull, too."""
    if served.config.deliver_subject or known.seq not in served.state.out:
        return
    request, body = draw_pull(play, served)
    if request.bare and play.chance(0.3):
        request.batch, body = 1, b""
    if request.no_wait and play.world.imitate:
        return  # it may be over before the ack has made place
    step.text += f"{body!r} to {request.inbox}"
    play.world.ack(known, b"+ACK")
    play.world.pull(known.stream, known.consumer, request)
    verb = b"+NXT " + body if body else b"+NXT"
    play.session.publish(step, subject, verb, b"", request.inbox)
    step.look_at.add((known.stream, known.consumer))
    play.look_around(step, known.stream)


def nobody_check(subject: str) -> Callable[[Reply], str]:
    def check(message: Reply) -> str:
        return "" if message.status == 503 else f"{subject}: {message}"

    return check
