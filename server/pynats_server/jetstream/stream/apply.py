"""The state of a stream, and the only place that changes it: `apply`.

State is what every replica of the stream has alike: its messages, the message ids of the duplicate
window, how far its sources have come, and when its schedules are due. It asks no clock, and cannot
refuse an operation but for its store. Plain messages come by the compiled half (`Appender`,
`MessagePack.append_to`).

With a `log`, every operation is recorded when it has been applied; what the outcome depended on
that others cannot know is written into it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from pynats_server.core.protocol.headers import get as get_header
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.publish.appending import Appender
from pynats_server.jetstream.publish.checks import Admission
from pynats_server.jetstream.publish.header_names import STREAM_SOURCE
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import Store, StoreError
from pynats_server.jetstream.store.errors import Unavailable
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.store.search.queries import is_literal
from pynats_server.jetstream.stream.copying.names import name_of, read_header
from pynats_server.jetstream.stream.operations import (
    ANY,
    Append,
    AppendBatch,
    Configure,
    Expire,
    Follow,
    Leap,
    Miss,
    Operation,
    Purge,
    Remove,
    Skip,
    Thin,
    Trim,
    Truncate,
)
from pynats_server.jetstream.stream.timed.plan import Plan
from pynats_server.work import Work, finish


class Log(Protocol):
    """Who is told of the operations of a stream."""

    def record(self, operation: Operation) -> None:
        """It has been applied, after all those before."""

    def undone(self, last_seq: int) -> None:
        """The disk is full: what appended above `last_seq` has not happened."""


class OutOfOrder(StoreError):
    """An operation that comes after another one than was applied last."""


class Replica:
    """What one replica of a stream holds. `find_schedules` runs the search for the schedules among
    the stored messages; `on_over_limit` learns that old messages could not be removed."""

    def __init__(
        self,
        store: Store,
        usage: Usage,
        name: str,
        on_over_limit: Callable[[StoreError], None],
        find_schedules: Callable[[Work[None]], Any] = finish,
    ) -> None:
        self.store = store
        self.admission = Admission(store, usage, name)
        self.appender = Appender(self.admission, on_over_limit)
        self.plan = Plan(store)
        self.sources: frozenset[bytes] = frozenset()  # the names of those that are followed
        self._find_schedules = find_schedules

    @property
    def log(self) -> Log | None:
        """Who is told of each operation, if somebody is."""
        log: Log | None = self.appender.log
        return log

    @log.setter
    def log(self, log: Log | None) -> None:
        self.appender.log = log

    def _record(self, operation: Operation) -> None:
        if self.log is not None:
            self.log.record(operation)

    def kept(self, last_seq: int) -> None:
        """Messages up to `last_seq` will not be taken back."""
        self.plan.kept(last_seq)
        self.store.places.kept(last_seq)

    def undone(self, last_seq: int) -> bool:
        """The disk is full: the store has taken back what was above `last_seq`. Whether that
        changes the plan."""
        self.admission.undone(last_seq)
        if self.log is not None:
            self.log.undone(last_seq)
        return self.plan.undone(last_seq)

    def apply(self, operation: Operation) -> int:
        """Carries out an operation, at once and whole. Raises StoreError, and then nothing has
        changed, but for parts of long removals."""
        match operation:
            case Append():
                return self._append(operation)
            case AppendBatch():
                return self._append_batch(operation)
            case Skip():
                return self._skip(operation)
            case Purge():
                return finish(self.purging(operation))
            case Expire(seqs):
                return self._expire(seqs)
        result = 0
        match operation:
            case Leap(last, ts):
                result = self.store.skip(last - self.store.last_seq, ts)
            case Remove(seq, erase):
                result = int(self.store.erase(seq) if erase else self.store.delete(seq))
            case Truncate(seq):
                self.store.truncate(seq)
            case Thin(per_subject, start, stop):
                self.store.thin(per_subject, start, stop)
            case Trim(max_msgs, max_bytes, most):
                result = self.store.enforce_limits(max_msgs, max_bytes, most=most)
            case Configure(config, ts):
                self._configure(config, ts)
            case Follow():
                self._follow(operation)
            case Miss(subject, seq, due):
                self.plan.missed(subject, seq, due)
        self._record(operation)
        return result

    # -- messages ---------------------------------------------------------------------------

    def _check_order(self, last: int) -> None:
        if last not in (ANY, self.store.last_seq):
            raise OutOfOrder(f"sequence {last} before this is not the last, {self.store.last_seq}")

    def _append(self, made: Append) -> int:
        self._check_order(made.last)
        headers = made.headers
        seq = self.store.append(made.subject, headers or None, made.payload, made.ts)
        self._follow_copy(headers, seq, True)
        of_subject = self.appender.enforce(made.subject, made.of_subject)
        self.admission.stored(headers, seq, made.ts)
        if self.log is not None:
            if made.of_subject != ANY:
                of_subject = made.of_subject
            self.log.record(replace(made, of_subject=of_subject, last=seq - 1))
        if made.rollup and not made.later:
            self._replace(made)
        if made.ends:
            self._displace(made.ends)
        if self.plan.is_on:
            self.plan.stored(made.subject, headers, seq, made.ts)
        return seq

    def _skip(self, made: Skip) -> int:
        self._check_order(made.last)
        seq = self.store.skip(1, made.ts)
        self.store.last_ts = made.ts
        self._follow_copy(made.headers, seq, False)
        self.admission.stored(made.headers, seq, made.ts)
        if self.log is not None:
            self.log.record(replace(made, last=seq - 1))
        if made.rollup == "sub":
            self._displace(made.subject)
        elif made.rollup == "all":
            self._displace(b">")
        if made.ends:
            self._displace(made.ends)
        if self.plan.is_on:
            self.plan.told(made.headers, seq)
        return seq

    def _follow_copy(self, headers: bytes, seq: int, kept: bool) -> None:
        """Moves the place of the source that brought the message, if one did."""
        if not self.sources:
            return
        value = get_header(headers, STREAM_SOURCE)
        told = read_header(value) if value is not None else None
        if told is not None and told.name in self.sources:
            self.store.places.copied(told.name, told.place, seq, kept)

    def _replace(self, made: Append) -> None:
        """Removes what the last message, just stored, replaces."""
        store, subject = self.store, made.subject
        if made.rollup == "sub":
            count = store.subject_totals(subject).get(subject, 0) if is_literal(subject) else 0
            if count != store.msgs:
                self._displace(subject, store.last_seq)
                return
        self.appender.replace_all()

    def _append_batch(self, made: AppendBatch) -> int:
        # All in one block, and in one write with what the batch removes: behind it, so a torn batch
        # has removed nothing.
        self._check_order(made.last)
        store, messages, ts = self.store, made.messages, made.ts
        if store.dirty:
            store.flush()
        before = store.last_seq
        subjects = messages.subjects() if self.appender.max_per_subject else [b""]
        known = made.of_subjects or (ANY,) * len(subjects)
        try:
            last = messages.append_to(store, ts)
        except Exception:
            if store.last_seq != before:
                store.truncate(before)
            raise
        if not made.later:
            for place, filter in made.rollups:
                self._displace(filter, before + 1 + place)
        left = [self.appender.enforce(*each) for each in zip(subjects, known, strict=True)]
        store.flush()
        if made.plain:
            self.admission.stored(b"", last, ts)
        else:
            for seq, (subject, headers, _, skipped) in enumerate(messages, before + 1):
                self.admission.stored(headers, seq, ts)
                if self.plan.is_on and not skipped:
                    self.plan.stored(subject, headers, seq, ts)
        if self.log is not None:
            of_subjects = made.of_subjects or (tuple(left) if max(left) != ANY else ())
            self.log.record(replace(made, of_subjects=of_subjects, last=before))
        return last

    # -- removals ---------------------------------------------------------------------------

    def _displace(self, filter: bytes, below: int = 0) -> None:
        """Removes what a message that was just appended takes the place of: below a sequence, or
        all. If that one is taken back, they come back, too."""
        store = self.store
        start, stop = store.first_seq, (below - 1) if below else store.last_seq
        if is_literal(filter):
            count, start, last = store.literal_bounds(filter)
            stop = min(stop, last) if count else 0
        try:
            store.displace(filter, start, stop)
        except Unavailable as error:
            self.appender.owe(filter, stop, error)

    def _expire(self, seqs: tuple[int, ...]) -> int:
        looked = gone = 0
        try:
            for seq in seqs:
                gone += self.store.remove(seq)
                looked += 1
        finally:
            if looked:
                self._record(Expire(seqs[:looked]))
        return gone

    def purging(self, purge: Purge) -> Work[int]:
        """`apply` of a purge, in steps, each of which is an operation in the log. Messages that are
        stored after this call are not touched."""
        told: Callable[[int], None] | None = None
        if self.log is not None:
            filter = purge.filter or b">"

            def told(seq: int) -> None:
                self._record(Purge(filter, seq + 1, replaced=purge.replaced))

        return self.store.purging(purge.filter, purge.up_to, purge.keep, not purge.replaced, told)

    def limiting(self) -> Work[None]:
        """Brings all messages within the limits, in steps, each of which is an operation."""
        own = self.appender
        limits = own.max_msgs, own.max_bytes, own.max_per_subject
        parts = _LimitParts(*limits, self._record) if self.log is not None else None
        return self.store.enforcing(*limits, parts)

    # -- configuration, origins -------------------------------------------------------------

    def _configure(self, config: StreamConfig, ts: int) -> None:
        own = self.appender
        self.admission.configure(config, ts)
        # A stream that refuses what exceeds them keeps what it has, even if that is more: a limit
        # may have been lowered, or the messages come from elsewhere.
        evicts = config.discard == "old"
        own.max_msgs = max(config.max_msgs, 0) if evicts else 0
        own.max_bytes = max(config.max_bytes, 0) if evicts else 0
        own.max_per_subject = max(config.max_msgs_per_subject, 0)
        followed = [config.mirror] if config.mirror is not None else config.sources
        self.store.places.configured(name_of(source).whole for source in followed)
        self.sources = frozenset(name_of(source).whole for source in config.sources)
        if self.plan.configured(config.allow_msg_schedules) and self.store.msgs:
            self._find_schedules(self.plan.recovering())

    def _follow(self, known: Follow) -> None:
        place = Place(known.seq, known.identity)
        if known.told_by:
            self.store.places.found(known.source, place, known.told_by)
        else:
            self.store.places.named(known.source, place)


class _LimitParts:
    """The parts of bringing a stream within its limits, as operations."""

    def __init__(
        self,
        max_msgs: int,
        max_bytes: int,
        per_subject: int,
        record: Callable[[Operation], None],
    ) -> None:
        self._limits = max_msgs, max_bytes
        self._per_subject = per_subject
        self._record = record

    def thinned(self, start: int, stop: int) -> None:
        self._record(Thin(self._per_subject, start, stop))

    def trimmed(self, most: int) -> None:
        self._record(Trim(*self._limits, most))
