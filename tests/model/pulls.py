"""Pulls that wait for messages, and in which turn they are served."""

from __future__ import annotations

from dataclasses import dataclass, field

ANY_URGENCY = 10  # a pull without a body has no urgency at all, less than the least urgent


@dataclass(slots=True)
class Pull:
    """One request for messages. `inbox` is where its messages and statuses go."""

    inbox: str
    batch: int = 1
    max_bytes: int = 0
    no_wait: bool = False
    expires: bool = False  # ends by itself, later than any step that does not wait for it
    group: str = ""
    min_pending: int = 0
    min_ack_pending: int = 0
    priority: int = 0
    bare: bool = False  # its body is no JSON, so it says nothing of groups
    pin: str = ""  # the id of the pinned client, as it says
    beats: bool = False  # wants to hear that nothing comes
    served: int = 0

    @property
    def urgency(self) -> int:
        return ANY_URGENCY if self.bare else self.priority


@dataclass(slots=True)
class Waiting:
    """The pulls of one consumer, the next to be served first."""

    limit: int
    by_priority: bool = False
    pulls: list[Pull] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.pulls) >= self.limit

    def add(self, pull: Pull) -> None:
        """At the end; among priorities, at the end of its own."""
        if not self.by_priority:
            self.pulls.append(pull)
            return
        place = sum(other.urgency <= pull.urgency for other in self.pulls)
        self.pulls.insert(place, pull)

    def serve(self) -> Pull:
        """Takes one message of the first pull's batch; what is left of it goes to the end."""
        pull = self.pulls.pop(0)
        pull.batch -= 1
        pull.served += 1
        if pull.batch > 0:
            self.add(pull)
        return pull

    def cycle(self) -> None:
        """The first one cannot be served now: it goes to the end."""
        self.pulls.append(self.pulls.pop(0))
