"""Commands that end the server and start it again: what was answered holds."""

from __future__ import annotations

import json

from tests.model.consumers import Place
from tests.model.playing import Play
from tests.model.reference_faults import fragile
from tests.model.session import Divergence, Step
from tests.model.streams import MEMORY
from tests.model.world import Served
from tests.support.client import Message


def restart(play: Play) -> None:
    """With TERM, which loses nothing."""
    again(play, "restart", kill=False)


def kill(play: Play) -> None:
    """With KILL: a consumer may have forgotten what nobody was told."""
    again(play, "kill", kill=True)


def again(play: Play, text: str, kill: bool) -> None:
    world, session = play.world, play.session
    if world.imitate and kill:
        return  # it brings back messages that a limit or a delete has removed
    every = [(name, served) for name, group in world.consumers.items() for served in group.values()]
    if any(fragile(world, name) for name in world.streams):
        return
    if any(served.state.snapshot for _, served in every):
        return  # what a consumer has left of the last ones per subject is nowhere told
    step = play.step(text)
    if kill:
        session.server.kill()
    else:
        session.server.stop()
    session.server.start()
    session.reconnect()
    for name in [name for name, known in world.streams.items() if known.config.storage == MEMORY]:
        world.forget_stream(name)
    for name, served in every:
        if name in world.streams:
            served.waiting.pulls.clear()
            served.bound = False
            served.pin = ""
            served.state.again.clear()  # comes when its ack wait is over
            look(play, name, served, kill)
            step.look_at.add((name, served.config.name))
    step.streams.update(world.streams)
    play.play(step)


def look(play: Play, stream: str, served: Served, killed: bool) -> None:
    """Takes from its info how far a consumer has come, where that is not certain."""
    told: list[Message] = []
    step = Step("look")
    name = served.config.name

    def keep(message: Message) -> str:
        told.append(message)
        return ""

    play.session.api(step, f"CONSUMER.INFO.{stream}.{name}", None, keep)
    play.play(step)
    answer = json.loads(told[0].payload)
    if "error" in answer:
        raise Divergence(f"{stream}/{name}: {answer['error']}")
    state = served.state
    floor = Place(answer["ack_floor"]["consumer_seq"], answer["ack_floor"]["stream_seq"])
    position = answer["delivered"]["stream_seq"] + 1
    if state.reached < position <= state.seen_to + 1:
        state.position = position
    older = (
        answer["delivered"]["consumer_seq"] != state.deliveries
        or answer["num_ack_pending"] != len(state.out)
        or not state.floor.stream <= floor.stream <= state.settled_to.stream
    )
    if not (killed and older):
        return
    if floor.stream > state.settled_to.stream or position > state.seen_to + 1:
        raise Divergence(f"{stream}/{name} skips: {answer}, wanted {state.settled_to}")
    begin_anew(play, stream, name)


def begin_anew(play: Play, stream: str, name: str) -> None:
    """Resets a consumer of which it is not certain how far it has come."""
    told: list[Message] = []

    def keep(message: Message) -> str:
        told.append(message)
        return ""

    reset = Step("reset")
    play.session.api(reset, f"CONSUMER.RESET.{stream}.{name}", None, keep)
    play.play(reset)
    begins = json.loads(told[0].payload).get("reset_seq", 0)
    if not 1 <= begins <= play.world.consumers[stream][name].state.settled_to.stream + 1:
        raise Divergence(f"{stream}/{name}: {told[0]}")
    play.world.reset_consumer(stream, name, begins)
