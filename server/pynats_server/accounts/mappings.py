"""Subject mappings of an account, in the form in which messages are mapped by them."""

from __future__ import annotations

from pynats_common.go.text import bytes_of

from pynats_server.core.interest.mapping import Mapper, Rule
from pynats_server.core.interest.rename import Rename
from pynats_server.options import WHOLE, MappingTarget
from pynats_server.subjects.transform import SubjectTransform


def make_mapper(mappings: dict[str, list[MappingTarget]]) -> Mapper | None:
    """None without mappings. The configuration has no order, so the most specific rule counts:
    the first token in which two differ decides, a literal before "*" before ">"."""
    rules = [
        Rule(bytes_of(source), shares_of(source, targets))
        for source, targets in sorted(mappings.items(), key=lambda item: _rank(item[0]))
    ]
    return Mapper(rules) if rules else None


def _rank(source: str) -> list[int]:
    return [{"*": 1, ">": 2}.get(token, 0) for token in source.split(".")]


def shares_of(source: str, targets: list[MappingTarget]) -> list[tuple[Rename | None, int]]:
    """(new name, hundredths up to here) by destination; None = lost. Destinations of a cluster
    count there, and this server is in none. What is left of the hundred keeps its subject, unless
    the source is among the destinations: then it is lost."""
    chosen = [target for target in targets if not target.cluster]
    shares: list[tuple[Rename | None, int]] = []
    upto = 0
    for target in chosen:
        if target.weight:
            upto += target.weight
            shares.append((SubjectTransform.compile(source, target.destination).rename, upto))
    if upto < WHOLE and any(target.destination == source for target in chosen):
        shares.append((None, WHOLE))
    return shares
