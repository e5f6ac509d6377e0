"""Which leaders have to move so that each server of a cluster leads about as many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Move:
    """A consumer whose leader steps down for another of its servers."""

    consumer: str
    cluster: str
    leader: str
    preferred: str


def plan_moves(consumers: list[dict[str, Any]]) -> list[Move]:
    """Moves, each of which makes two servers more equal; none when nothing would.

    A leader only moves to a follower of the same group that is there and up to date.
    """
    led = _led(consumers)
    waiting = sorted(consumers, key=lambda info: str(info["name"]))
    moves: list[Move] = []
    while True:
        moved = _next_move(waiting, led)
        if moved is None:
            return moves
        info, move = moved
        waiting.remove(info)
        led[move.leader] -= 1
        led[move.preferred] += 1
        moves.append(move)


def _led(consumers: list[dict[str, Any]]) -> Counter[str]:
    """How many each server leads, also those that lead none."""
    led: Counter[str] = Counter()
    for info in consumers:
        cluster = info["cluster"]
        led[cluster.get("leader", "")] += 1
        for replica in cluster.get("replicas") or []:
            led[replica["name"]] += 0
    return led


def _next_move(
    waiting: list[dict[str, Any]], led: Counter[str]
) -> tuple[dict[str, Any], Move] | None:
    """The first consumer that can move from a server that leads more to one that leads less."""
    for info in waiting:
        cluster = info["cluster"]
        leader = cluster.get("leader", "")
        ready = [replica["name"] for replica in cluster.get("replicas") or [] if _ready(replica)]
        if not leader or not ready:
            continue
        least = min(ready, key=lambda name: (led[name], name))
        if led[leader] - led[least] > 1:
            return info, Move(info["name"], cluster.get("name", ""), leader, least)
    return None


def _ready(replica: dict[str, Any]) -> bool:
    return bool(replica.get("current")) and not replica.get("offline")
