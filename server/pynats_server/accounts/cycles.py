"""Imports that lead back to where they began, as the real server finds them.

It finds more than messages could go in circles by: it does not look at what subjects become on
their way back. The imports of an account are judged in the order of the configuration.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pynats_common.subjects import subjects_overlap

from pynats_server.core.subject import covers


@dataclass(frozen=True, slots=True)
class Edge:
    """One import, with the exporter's subject and the local one."""

    exporter: str
    remote: str
    local: str


@dataclass(slots=True)
class Edges:
    """The imports of one kind that have been added so far, by importer. An account is gone on from
    by those of its imports whose `key` overlaps what is looked for there."""

    key: str
    by_importer: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))

    def lead_back(self, importer: str, exporter: str, subject: str) -> bool:
        """Whether what is looked for at the exporter leads back to the importer."""
        visited = {importer}
        waiting = [(exporter, subject)]
        while waiting:
            account, subject = waiting.pop()
            for edge in self.by_importer.get(account, ()):
                if not subjects_overlap(subject, getattr(edge, self.key)):
                    continue
                if edge.exporter in visited:
                    return True
                visited.add(account)
                narrower = covers(subject.encode(), edge.local.encode())
                waiting.append((edge.exporter, edge.local if narrower else subject))
        return False


class ServiceEdges(Edges):
    """Of services."""

    def __init__(self) -> None:
        super().__init__("remote")

    def close_with(self, importer: str, edge: Edge) -> bool:
        """Whether one more import makes a circle."""
        return self.lead_back(importer, edge.exporter, edge.local)


class StreamEdges(Edges):
    """Of streams."""

    def __init__(self) -> None:
        super().__init__("local")

    def close_with(self, importer: str, edge: Edge) -> bool:
        """Whether one more import makes a circle."""
        return self.lead_back(importer, edge.exporter, edge.local) or self.lead_back(
            importer, edge.exporter, edge.remote
        )
