"""What servers tell of a traced message, put together to a tree.

Each server that sees the message tells of it once. What it sends to other servers carries the
number of a hop, `1`, `1.2`, and what these tell names that number: the tree is complete when every
number that was given out has been named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.times import parse_instant_ns

from pynats_cli.documents import maybe_object

HOP_HEADER = "Nats-Trace-Hop"
CLIENT, ROUTER, GATEWAY, SYSTEM, LEAF, JETSTREAM, ACCOUNT = range(7)
INGRESS, EGRESS, STORED, MAPPED, IMPORTED, EXPORTED = "in", "eg", "js", "sm", "si", "se"


@dataclass(frozen=True)
class Event:
    """One thing that happened to the message in a server."""

    content: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.content.get("type", ""))

    @property
    def kind(self) -> int:
        """The kind of connection that it came from or goes to."""
        return int(self.content.get("kind") or 0)

    @property
    def hop(self) -> str:
        return str(self.content.get("hop") or "")

    @property
    def error(self) -> str:
        return str(self.content.get("error") or "")

    @property
    def time_ns(self) -> int:
        """When it was, 0 if it does not say."""
        try:
            return parse_instant_ns(str(self.content.get("ts", "")))
        except ValueError:
            return 0

    def text(self, name: str) -> str:
        return str(self.content.get(name) or "")


@dataclass
class Told:
    """What one server tells, and what the next servers do: by the hop that leads there."""

    content: dict[str, Any]
    events: list[Event]
    next: dict[str, Told] = field(default_factory=dict)

    @property
    def server(self) -> Mapping[str, Any]:
        found = self.content.get("server")
        return found if isinstance(found, dict) else {}

    @property
    def hop(self) -> str:
        """The hop that led here; "" for the first server."""
        request = self.content.get("request")
        headers = request.get("header") if isinstance(request, dict) else None
        values = headers.get(HOP_HEADER) if isinstance(headers, dict) else None
        return str(values[0]) if isinstance(values, list) and values else ""

    @property
    def ingress(self) -> Event | None:
        return next((event for event in self.events if event.type == INGRESS), None)

    def sent(self) -> list[Event]:
        """Where the message went from here."""
        return [event for event in self.events if event.type == EGRESS]

    def given(self) -> list[str]:
        """The hops that begin here. They extend the one that led here, so that there is no
        circle."""
        before = f"{self.hop}." if self.hop else ""
        hops = [event.hop for event in self.sent()]
        return [hop for hop in hops if hop.startswith(before) and len(hop) > len(before)]

    def everywhere(self) -> Iterator[Told]:
        """This and what follows."""
        yield self
        for told in self.next.values():
            yield from told.everywhere()


def read(data: bytes) -> Told | None:
    """What a message of a server tells; None when it is something else."""
    content = maybe_object(data)
    if content is None or not isinstance(content.get("events"), list):
        return None
    events = [Event(item) for item in content["events"] if isinstance(item, dict)]
    return Told(content, events)


class Route:
    """Collects what servers tell, in whatever order it comes."""

    def __init__(self) -> None:
        self._by_hop: dict[str, Told] = {}

    def add(self, told: Told) -> None:
        self._by_hop.setdefault(told.hop, told)

    @property
    def complete(self) -> bool:
        """True when nobody is left who would tell something."""
        given = {hop for told in self._by_hop.values() for hop in told.given()}
        return "" in self._by_hop and given <= set(self._by_hop)

    def contents(self) -> list[dict[str, Any]]:
        """All that was told, from the first server on."""
        return [self._by_hop[hop].content for hop in sorted(self._by_hop)]

    def tree(self) -> Told | None:
        """The first server with those behind it; None when it told nothing."""
        for told in self._by_hop.values():
            told.next = {hop: self._by_hop[hop] for hop in told.given() if hop in self._by_hop}
        return self._by_hop.get("")
