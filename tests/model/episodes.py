"""Runs of random commands; one that ends in a difference is made as short as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from re import search
from shutil import rmtree

from tests.model.commands import COMMANDS
from tests.model.playing import Play
from tests.model.session import HASTE_S, PATIENCE_S, Divergence, Session
from tests.model.stream_commands import create_stream
from tests.model.world import World
from tests.support.process import REFERENCE, ServerProcess

SHOWN = 40  # last commands of a run
TRIES = 150  # of a shorter run


CONFIG = "jetstream { store_dir: '@FOLDER@/js', sync_interval: 2m }\n"
_RUNS = count()


@dataclass(slots=True)
class Ending:
    """How a run ended: without a difference when `why` is empty."""

    seed: str
    chosen: list[int]
    log: list[str]
    why: str = ""

    def told(self) -> str:
        lines = [f"seed {self.seed}, commands {self.chosen}:", *self.log[-SHOWN:], self.why]
        return "\n".join(lines)


def play_episode(
    server: ServerProcess, seed: str, chosen: Sequence[int], patience_s: float = PATIENCE_S
) -> Ending:
    """Plays the commands of these numbers; each number always draws alike."""
    world = World(imitate=server.kind == REFERENCE)
    session = Session(server, world, patience_s)
    play = Play(world, session, Random(), run=str(next(_RUNS)))
    weights = [weight for weight, _ in COMMANDS]
    done: list[int] = []
    try:
        clear(session)
        for number in chosen:
            done.append(number)
            play.rng.seed(f"{seed}/{number}")
            command = play.rng.choices(COMMANDS, weights)[0][1] if world.streams else create_stream
            command(play)
    except Divergence as found:
        if str(found).startswith("missing"):
            start_afresh(server)  # it may hang
        return Ending(seed, done, play.log, str(found))
    finally:
        session.close()
    return Ending(seed, done, play.log)


def start_afresh(server: ServerProcess) -> None:
    server.kill()
    rmtree(server.folder / "js")
    server.start()


def kind_of(why: str) -> str:
    """What a difference is about, without its numbers: another one is not taken for it."""
    found = search(r"(\w+): got", why)
    if found is None:
        found = search(r"missing:\n\S+ (answer|wanted)", why)
    return found[1] if found else why.split(maxsplit=1)[0][:10]


def clear(session: Session) -> None:
    """An empty server."""
    session.delete_all_streams()
    if session.world.imitate:
        session.make_lasting_stream()


def shorten(server: ServerProcess, ending: Ending) -> Ending:
    """A shorter run with a difference, by leaving out parts as long as one remains."""
    part = len(ending.chosen) // 2
    tries = 0
    while part and tries < TRIES:
        start = 0
        while start < len(ending.chosen) and tries < TRIES:
            rest = ending.chosen[:start] + ending.chosen[start + part :]
            tries += 1
            found = play_episode(server, ending.seed, rest, HASTE_S)
            if found.why and kind_of(found.why) == kind_of(ending.why):
                ending = found
            else:
                start += part
        part = min(part // 2, len(ending.chosen) // 2)
    return ending
