"""Operations of a stream, drawn at random, and what the model says of each.

Payloads are unique, so that whatever is found on a disk says which operation stored it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pynats_server.core.protocol.headers import build
from pynats_server.jetstream.config.model import StreamConfig, StreamSource
from pynats_server.jetstream.publish.batch.staging import Staging
from pynats_server.jetstream.store.record import record_size
from pynats_server.jetstream.stream.copying.names import SourceName, header_value
from pynats_server.jetstream.stream.operations import (
    Append,
    AppendBatch,
    Expire,
    Leap,
    Operation,
    Purge,
    Remove,
    Truncate,
)

from tests.faults.model import (
    SECOND_NS,
    Kept,
    State,
    appended,
    compacted,
    limited,
    purged,
    run_out,
    truncated,
)

SUBJECTS = (b"a.1", b"a.2", b"b.1", b"b.2.x", b"c")
FILTERS = (b">", b"a.*", b"b.>", b"c", b"a.1")
SOURCES = tuple(SourceName(origin, b">", b">") for origin in (b"A", b"B"))
SOURCE_KEYS = tuple(name.whole for name in SOURCES)
Limits = tuple[int, int, int]  # messages, bytes, messages of a subject

APPENDS, REMOVES, OTHER = "appends", "removes", "other"


@dataclass(frozen=True)
class Op:
    """One operation. `kind`: an append may stand in a turn with others, a removal ends its turn,
    and `other` is no operation of the stream but something the player does (`text` says what).
    `added`: payloads. `erased`: the payload overwritten. `quiet`: nobody is told of it, so it may
    end in the middle, or be written later."""

    kind: str
    text: str
    operation: Operation | None = None
    after: Callable[[State], State] = lambda state: state
    added: tuple[bytes, ...] = ()
    quiet: bool = False
    erased: bytes = b""


def size_of(kept: Kept) -> int:
    """What a message adds to the bytes of a stream on disk."""
    return record_size(len(kept.subject), len(kept.headers), len(kept.payload))


def configuration(limits: Limits) -> StreamConfig:
    """Of the stream under test."""
    max_msgs, max_bytes, per_subject = limits
    return StreamConfig(
        name="S",
        subjects=["a.*", "b.>", "c"],
        max_msgs=max_msgs or -1,
        max_bytes=max_bytes or -1,
        max_msgs_per_subject=per_subject or -1,
        sources=[StreamSource(name="A"), StreamSource(name="B")],
    )


class Drawing:
    """Draws operations that make sense in a state. `limits` are those of the stream."""

    def __init__(self, chance: random.Random, limits: Limits) -> None:
        self.chance = chance
        self.limits = limits
        self.now = 1_000 * SECOND_NS
        self._origins = dict.fromkeys(SOURCE_KEYS, 0)

    def _payload(self) -> bytes:
        size = self.chance.choice((0, 3, 10, 25, 60))
        return self.chance.randbytes(8 + size).hex().encode()

    def _kept(self, headers: bytes = b"", ttl_s: int = 0) -> Kept:
        self.now += self.chance.randrange(3) * SECOND_NS
        return Kept(self.now, self.chance.choice(SUBJECTS), headers, self._payload(), ttl_s)

    def _limit(self, state: State, subject: bytes) -> State:
        return limited(state, size_of, self.limits, subject)

    # -- what adds ---------------------------------------------------------------------------

    def _append(
        self, text: str, kept: Kept, rollup: str = "", place: tuple[bytes, int] | None = None
    ) -> Op:
        operation = Append(kept.subject, kept.headers, kept.payload, kept.ts, rollup)  # type: ignore[arg-type]

        def after(state: State) -> State:
            made = self._limit(appended(state, kept), kept.subject)
            if rollup == "sub":
                made = limited(made, size_of, (0, 0, 1), kept.subject)
            elif rollup == "all":
                made = limited(made, size_of, (1, 0, 0), b"")
            if place is not None:
                made = replace(
                    made, places=tuple(sorted((dict(made.places) | dict([place])).items()))
                )
            return made

        return Op(APPENDS, f"{text} {kept.subject.decode()}", operation, after, (kept.payload,))

    def publish(self, state: State) -> Op:
        if self.chance.random() < 0.15:
            ttl_s = self.chance.choice((5, 40, -1))
            text = b"never" if ttl_s < 0 else b"%d" % ttl_s
            return self._append("publish ttl", self._kept(build(((b"Nats-TTL", text),)), ttl_s))
        headers = build(((b"K", b"v"),)) if self.chance.random() < 0.3 else b""
        return self._append("publish", self._kept(headers))

    def rollup(self, state: State) -> Op:
        kind = self.chance.choice(("sub", "sub", "all"))
        headers = build(((b"Nats-Rollup", kind.encode()),))
        return self._append(f"rollup {kind}", self._kept(headers), kind)

    def batch(self, state: State) -> Op:
        staging = Staging(1000, 1 << 20)
        pack = staging.open(b"b")
        keeps = [self._kept() for _ in range(self.chance.randrange(2, 6))]
        keeps = [kept._replace(ts=self.now) for kept in keeps]
        for kept in keeps:
            assert staging.add(pack, kept.subject, kept.headers, kept.payload)
        rollups = ((len(keeps) - 1, keeps[-1].subject),) if self.chance.random() < 0.3 else ()

        def after(state: State) -> State:
            made = state
            for kept in keeps:
                made = appended(made, kept)
            for place, filter in rollups:
                made = purged(made, filter, state.last + 1 + place, 0)
            for subject in dict.fromkeys(kept.subject for kept in keeps):
                made = self._limit(made, subject)
            return made

        operation = AppendBatch(pack, self.now, rollups, plain=True)
        added = tuple(kept.payload for kept in keeps)
        return Op(REMOVES, f"batch of {len(keeps)} {len(rollups)}", operation, after, added)

    def leap(self, state: State) -> Op:
        """What a mirror does before a message whose predecessors are gone."""
        count, ts = self.chance.randrange(1, 6), self.now
        operation = Leap(state.last + count, ts)
        return Op(
            REMOVES,
            f"leap by {count}",
            operation,
            lambda state: replace(state, last=state.last + count),
        )

    def copy(self, state: State) -> Op:
        """What a source brings."""
        which = self.chance.randrange(2)
        key = SOURCE_KEYS[which]
        self._origins[key] += self.chance.randrange(1, 4)
        at = self._origins[key]
        value = header_value(SOURCES[which], at, b"o", b"I")
        kept = self._kept(build(((b"Nats-Stream-Source", value),)))
        return self._append(f"copy {at} of {key[:1].decode()}", kept, place=(key, at))

    # -- what removes ------------------------------------------------------------------------

    def _some(self, state: State) -> int:
        """Most often a message that is there."""
        if state.messages and self.chance.random() < 0.9:
            return self.chance.choice(sorted(state.messages))
        return self.chance.randrange(1, state.last + 2)

    def delete(self, state: State) -> Op:
        seq = self._some(state)
        return Op(REMOVES, f"delete {seq}", Remove(seq), lambda state: state.without([seq]))

    def erase(self, state: State) -> Op:
        seq = self._some(state)
        payload = state.messages[seq].payload if seq in state.messages else b""
        operation = Remove(seq, erase=True)
        return Op(
            REMOVES, f"erase {seq}", operation, lambda state: state.without([seq]), erased=payload
        )

    def purge(self, state: State) -> Op:
        filter, up_to, keep = self.chance.choice(FILTERS), 0, 0
        if self.chance.random() < 0.5:
            up_to = self.chance.randrange(1, state.last + 2)
        if self.chance.random() < 0.4:
            keep = self.chance.randrange(1, 4)
        return Op(
            REMOVES,
            f"purge {filter.decode()} below {up_to} keep {keep}",
            Purge(filter, up_to, keep),
            partial(purged, filter=filter, up_to=up_to, keep=keep),
        )

    def thin_out(self, state: State) -> Op:
        """Most of what is old and stands together: leaves blocks of which little is left."""
        seqs = sorted(state.messages)
        if len(seqs) < 8:
            return self.delete(state)
        start = self.chance.randrange(len(seqs) // 2)
        doomed = tuple(seqs[start : start + 8 : 1])
        return self._going("thin out", tuple(s for s in doomed if s % 4))

    def expire(self, state: State) -> Op:
        later = self.now + self.chance.choice((6, 45)) * SECOND_NS
        return self._going(
            "expire", tuple(run_out(state, later, self.chance.choice((0, 0, 10))))[:5]
        )

    def _going(self, why: str, doomed: tuple[int, ...]) -> Op:
        """What goes by a rule."""
        return Op(
            REMOVES,
            f"{why} {doomed}",
            Expire(doomed),
            lambda state: state.without(doomed),
            quiet=True,
        )

    def truncate(self, state: State) -> Op:
        if not state.messages:
            return self.publish(state)
        seqs = sorted(state.messages)
        seq = self.chance.choice(seqs[-4:])
        if any(b"Nats-Stream-Source" in state.messages[s].headers for s in seqs if s > seq):
            return self.publish(state)  # a source would not come again with what is gone
        return Op(REMOVES, f"truncate {seq}", Truncate(seq), partial(truncated, seq=seq))

    def compact(self, state: State) -> Op:
        seq = self.chance.randrange(1, state.last + 3)
        return Op(REMOVES, f"compact {seq}", Purge(b">", seq), partial(_purged_through, seq=seq))


def _purged_through(state: State, seq: int) -> State:
    return compacted(state, seq) if seq > state.last else purged(state, b">", seq, 0)


def other(text: str) -> Op:
    """Something that the player does."""
    return Op(OTHER, text)
