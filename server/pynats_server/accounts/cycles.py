"""Imports that lead back to where they began, as the real server finds them.

It finds more than messages could go in circles by: it does not look at what subjects become on
their way back. The imports of an account are judged in the order of the configuration.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import Final

from pynats_common.records import dataclass

from pynats_server.core.subject import covers, first_overlap

DEPTH: Final = 1024
"""Accounts in a row that are gone through, as many as the real server does."""


class TooDeep(ValueError):
    """More accounts in a row."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One import, with the exporter's subject and the local one."""

    exporter: str
    remote: bytes
    local: bytes


@dataclass(slots=True)
class _Imports:
    """Of one account. It is gone on from by those of them whose subject, one of the two, overlaps
    what is looked for there."""

    edges: list[Edge] = field(default_factory=list)
    subjects: list[bytes] = field(default_factory=list)


class Edges:
    """The imports of one kind that have been added so far."""

    def __init__(self) -> None:
        self._by_importer: dict[str, _Imports] = defaultdict(_Imports)
        self._known: dict[str, dict[tuple[str, bytes], Edge]] = defaultdict(dict)

    def lead_back(self, importer: str, exporter: str, subject: bytes) -> bool:
        """Whether what is looked for at the exporter leads back to the importer. Raises TooDeep."""
        visited = {importer}
        waiting = [(exporter, subject, 1)]
        while waiting:
            account, subject, depth = waiting.pop()
            if depth > DEPTH:
                raise TooDeep
            imports = self._by_importer.get(account)
            if imports is None:
                continue
            count = len(imports.subjects)
            place = first_overlap(subject, imports.subjects, 0, count)
            while place >= 0:
                edge = imports.edges[place]
                if edge.exporter in visited:
                    return True
                visited.add(account)
                narrower = covers(subject, edge.local)
                waiting.append((edge.exporter, edge.local if narrower else subject, depth + 1))
                place = first_overlap(subject, imports.subjects, place + 1, count)
        return False

    def forget(self, importer: str) -> None:
        """The imports of an account count no more."""
        self._by_importer.pop(importer, None)
        self._known.pop(importer, None)

    def _add(self, importer: str, edge: Edge, name: bytes, subject: bytes) -> Edge | None:
        known = self._known[importer].setdefault((edge.exporter, name), edge)
        if known is not edge:
            return known
        imports = self._by_importer[importer]
        imports.edges.append(edge)
        imports.subjects.append(subject)
        return None


class ServiceEdges(Edges):
    """Of services."""

    def close_with(self, importer: str, edge: Edge) -> bool:
        """Whether one more import makes a circle."""
        return self.lead_back(importer, edge.exporter, edge.local)

    def add(self, importer: str, edge: Edge) -> Edge | None:
        """Adds it, unless another one has its local subject: that one is returned."""
        return self._add(importer, edge, edge.local, edge.remote)


class StreamEdges(Edges):
    """Of streams."""

    def close_with(self, importer: str, edge: Edge) -> bool:
        """Whether one more import makes a circle."""
        return self.lead_back(importer, edge.exporter, edge.local) or self.lead_back(
            importer, edge.exporter, edge.remote
        )

    def add(self, importer: str, edge: Edge) -> Edge | None:
        """Adds it, unless another one has its subject of the exporter: that one is returned."""
        return self._add(importer, edge, edge.remote, edge.local)
