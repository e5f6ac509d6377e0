"""Reads subject mappings (docs.nats.io/nats-concepts/subject_mapping)."""

from __future__ import annotations

from pynats_common.config import Node, kind_of
from pynats_common.subjects import is_valid_subject

from pynats_server.options import WHOLE, MappingTarget
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import PercentWords, percentage, refuse, string
from pynats_server.subjects.transform import SubjectTransform, TransformError

WEIGHT = PercentWords(
    unread='Invalid weight "{number}" for mapping destination',
    other="Unknown entry type for weight of {value}",
    beyond="Invalid weight {value} for mapping destination",
)


def read_mappings(reading: Reading, node: Node, key: str) -> dict[str, list[MappingTarget]]:
    """A map from subjects to a destination or several with weights."""
    if not isinstance(node.value, dict):
        refuse(node, f"Expected {key} to be a map, got {kind_of(node.value)}")
    made: dict[str, list[MappingTarget]] = {}
    for subject, entry in node.value.items():
        if entry.used:
            continue  # it only defines a variable
        if not is_valid_subject(subject):
            reading.complain(node, f'Subject "{subject}" is not a valid subject')
            continue

        def take(subject: str = subject, entry: Node = entry) -> None:
            made[subject] = _read_targets(reading, subject, entry)

        reading.attempt(take)
    return made


def _read_targets(reading: Reading, subject: str, node: Node) -> list[MappingTarget]:
    if isinstance(node.value, str):
        try:
            SubjectTransform.compile(subject, node.value)
        except TransformError as error:
            refuse(node, f'Error adding mapping for "{subject}" to "{node.value}" : {error}')
        return [MappingTarget(node.value)]
    if isinstance(node.value, dict):
        targets = _read_each(reading, [node])
    elif isinstance(node.value, list):
        targets = _read_each(reading, node.value)
    else:
        refuse(node, "Expected an entry for the mapping destination")
    fault = fault_of_targets(subject, targets)
    if fault:
        refuse(node, f'Error adding mapping for "{subject}" : {fault}')
    return targets


def _read_each(reading: Reading, nodes: list[Node]) -> list[MappingTarget]:
    """Complains of all that are wrong."""
    found: list[MappingTarget] = []
    for node in nodes:
        reading.attempt(lambda node=node: found.append(_read_target(reading, node)))  # type: ignore[misc]
    return found


def fault_of_targets(subject: str, targets: list[MappingTarget]) -> str:
    """What is wrong with the destinations of one mapping; empty if nothing is."""
    seen: set[str] = set()
    totals: dict[str, int] = {}
    for target in targets:
        if target.destination in seen:
            return f'duplicate entry for "{target.destination}"'
        seen.add(target.destination)
        totals[target.cluster] = totals.get(target.cluster, 0) + target.weight
        if target.weight < 0:  # by a program
            return "weight needs to be >= 0"
        if totals[target.cluster] > WHOLE:
            return "total weight needs to be <= 100"
        try:
            SubjectTransform.compile(subject, target.destination)
        except TransformError as error:
            return str(error)
    return ""


def _read_target(reading: Reading, node: Node) -> MappingTarget:
    if not isinstance(node.value, dict):
        refuse(node, "Expected an entry for the mapping destination")
    target = MappingTarget("")
    seen = TARGET.read(reading, node.value, target)
    if "weight" not in seen and all(TARGET.find(key) for key in node.value):
        where = seen.get("destination", node)
        refuse(where, f'Missing weight for mapping destination "{target.destination}"')
    return target


def _weight(reading: Reading, node: Node, key: str) -> int:
    return percentage(node, key, 0, WEIGHT)


TARGET = Table(
    lambda: MappingTarget(""),
    Setting("destination", "the subject that messages get instead", string, ("dest",)),
    Setting("weight", "per cent of the messages", _weight),
    Setting("cluster", "only in this cluster", string),
    unknown='Unknown field "{key}" for mapping destination',
)
