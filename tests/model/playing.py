"""One run of commands: the model, the server, and what commands draw from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.model.session import Session, Step
from tests.model.world import Served, World

TOKENS = ("a", "b", "c")
KEPT_DELIVERIES = 100


@dataclass(slots=True)
class Play:
    """One run: the model, the server, and what was done."""

    world: World
    session: Session
    rng: Random
    log: list[str] = field(default_factory=list)
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
