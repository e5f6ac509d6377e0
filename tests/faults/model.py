"""What a store holds, and what each operation makes of it: plain data, no disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pynats_server.jetstream.store.subjects import matches

SECOND_NS = 1_000_000_000
Places = tuple[tuple[bytes, int], ...]


class Kept(NamedTuple):
    """A message. `ttl_s`: its header's, 0 = none, -1 = never."""

    ts: int
    subject: bytes
    headers: bytes
    payload: bytes
    ttl_s: int = 0


@dataclass(frozen=True)
class State:
    """A store between two operations. Nothing changes it."""

    messages: dict[int, Kept]
    last: int
    places: Places = ()

    @property
    def first(self) -> int:
        return min(self.messages, default=self.last + 1)

    def without(self, seqs: Iterable[int]) -> State:
        gone = set(seqs)
        if not gone:
            return self
        return replace(self, messages={s: m for s, m in self.messages.items() if s not in gone})

    def of(self, filter: bytes) -> list[int]:
        """Sequences of a filter, ascending."""
        return [s for s, m in sorted(self.messages.items()) if matches(filter, m.subject)]


def appended(state: State, kept: Kept) -> State:
    """With one more message."""
    seq = state.last + 1
    return replace(state, messages={**state.messages, seq: kept}, last=seq)


def limited(state: State, size: Any, limits: tuple[int, int, int], subject: bytes) -> State:
    """Without the oldest past the limits: of the subject first, then of all. `size` of a message
    in bytes."""
    max_msgs, max_bytes, per_subject = limits
    if per_subject and subject:
        same = [s for s, m in sorted(state.messages.items()) if m.subject == subject]
        state = state.without(same[:-per_subject])
    gone: list[int] = []
    count = len(state.messages)
    total = sum(size(m) for m in state.messages.values()) if max_bytes else 0
    for seq in sorted(state.messages):
        if not ((max_msgs and count > max_msgs) or (max_bytes and total > max_bytes)):
            break
        gone.append(seq)
        count -= 1
        if max_bytes:
            total -= size(state.messages[seq])
    return state.without(gone)


def purged(state: State, filter: bytes, up_to: int, keep: int) -> State:
    """As `Store.purge`."""
    hit = [s for s in state.of(filter) if not up_to or s < up_to]
    hit = hit[: max(0, len(hit) - keep)]
    after = state.without(hit)
    if filter == b">" and not keep and up_to > state.last:
        after = replace(after, last=max(state.last, up_to - 1))
    return after


def compacted(state: State, seq: int) -> State:
    """As `Store.compact`."""
    return replace(
        state.without(s for s in state.messages if s < seq), last=max(state.last, seq - 1)
    )


def truncated(state: State, seq: int) -> State:
    """As `Store.truncate`."""
    return replace(state.without(s for s in state.messages if s > seq), last=seq)


def run_out(state: State, now: int, max_age_s: int) -> list[int]:
    """What has run out, in order: by its own TTL, or with all older ones by age."""
    out: list[int] = []
    aging = bool(max_age_s)
    for seq, kept in sorted(state.messages.items()):
        if kept.ttl_s > 0 and kept.ts + kept.ttl_s * SECOND_NS <= now:
            out.append(seq)
            if kept.ttl_s >= 0:
                aging = aging and kept.ts + max_age_s * SECOND_NS <= now
        elif kept.ttl_s >= 0:
            aging = aging and kept.ts + max_age_s * SECOND_NS <= now
            if aging:
                out.append(seq)
    return out
