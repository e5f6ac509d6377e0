"""One consumer: what it delivers next, what is out, what acks and removals do to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.model.streams import Message, Stream
from tests.model.subjects import matches

ALL, LAST, NEW, BY_SEQ, BY_TIME, LAST_PER_SUBJECT = (
    "all",
    "last",
    "new",
    "by_start_sequence",
    "by_start_time",
    "last_per_subject",
)
NO_ACK, ACK_ALL, EXPLICIT = "none", "all", "explicit"
PINNED = "pinned_client"
LONG_S = 3600  # times that never come in a run
NANOSECONDS = 1_000_000_000


class Place(NamedTuple):
    """A consumer sequence and a stream sequence."""

    consumer: int
    stream: int


NOWHERE = Place(0, 0)


class Next(NamedTuple):
    """A message to deliver, and which delivery of it this is."""

    seq: int
    nth: int
    early: bool = False  # of the snapshot of last ones per subject


@dataclass(slots=True)
class ConsumerConfig:
    name: str
    durable: bool = True
    deliver: str = ALL
    start_seq: int = 0
    start_time: str = ""  # that of the message `start_seq`
    ack: str = EXPLICIT
    filters: tuple[str, ...] = ()
    max_deliver: int = -1
    max_ack_pending: int = 1000
    max_waiting: int = 512
    max_batch: int = 0
    headers_only: bool = False
    deliver_subject: str = ""
    deliver_group: str = ""
    priority: str = ""  # "overflow", "prioritized" or "pinned_client"
    mem_storage: bool = False
    ack_wait_ns: int = LONG_S * NANOSECONDS
    backoff_ns: tuple[int, ...] = ()

    def request(self) -> dict[str, Any]:
        """As the API takes it."""
        body: dict[str, Any] = {
            "name": self.name,
            "deliver_policy": self.deliver,
            "ack_policy": self.ack,
            "inactive_threshold": LONG_S * NANOSECONDS,
            "mem_storage": self.mem_storage,
            "headers_only": self.headers_only,
            "max_deliver": self.max_deliver,
        }
        if self.durable:
            body["durable_name"] = self.name
        if self.start_seq and self.deliver == BY_SEQ:
            body["opt_start_seq"] = self.start_seq
        if self.start_time:
            body["opt_start_time"] = self.start_time
        if len(self.filters) == 1:
            body["filter_subject"] = self.filters[0]
        elif self.filters:
            body["filter_subjects"] = list(self.filters)
        if self.ack != NO_ACK:
            body["max_ack_pending"] = self.max_ack_pending
            body["ack_wait"] = self.ack_wait_ns
        if self.backoff_ns:
            body["backoff"] = list(self.backoff_ns)
        if self.deliver_subject:
            body["deliver_subject"] = self.deliver_subject
            if self.deliver_group:
                body["deliver_group"] = self.deliver_group
        else:
            body["max_waiting"] = self.max_waiting
            body["max_batch"] = self.max_batch
        if self.priority:
            body["priority_policy"] = self.priority
            body["priority_groups"] = ["g"]
        if self.priority == PINNED:
            body["priority_timeout"] = LONG_S * NANOSECONDS
        return body

    def takes(self, subject: str) -> bool:
        return not self.filters or any(matches(known, subject) for known in self.filters)


@dataclass(slots=True)
class Consumer:
    """What of a consumer is saved, and its queue of messages to deliver again.

    `out` has what was delivered and not acked yet, by stream sequence, with the consumer sequence
    of its first delivery. `spent` are those of them that are out of deliveries: they are neither
    counted nor delivered, and hold the floor. `extra` counts deliveries beyond the first.
    """

    config: ConsumerConfig
    stream: Stream
    position: int = 1  # the next stream sequence to look at
    reached: int = 0  # the last one delivered; behind it, only what is of no concern was seen
    deliveries: int = 0
    floor: Place = NOWHERE
    out: dict[int, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    extra: dict[int, int] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)
    late: set[int] = field(default_factory=set)  # of what is out: not before a very long time
    snapshot: list[int] = field(default_factory=list)  # of last per subject, before all others
    imitate: bool = False  # the reference's faults
    exhausted: int = (
        0  # messages that were out of deliveries: for them, the floor may stay for good
    )
    resume: int = 0  # where the rest goes on after the snapshot

    # Where it starts.

    def start(self) -> None:
        """Finds its first message."""
        self.position = self._start()
        if not self.imitate:  # the reference tells it as a rule, now and then 0 instead
            self.reached = self.position - 1
            self.floor = Place(0, self.position - 1)

    def _start(self) -> int:
        stream, config = self.stream, self.config
        first, last = max(stream.first_seq, 1), stream.last_seq
        match config.deliver:
            case "new":
                return last + 1
            case "by_start_sequence":
                return max(config.start_seq, first)
            case "by_start_time":
                found = next((s for s in stream.messages if s >= config.start_seq), None)
                return last + 1 if found is None else found
            case "last" if not config.filters:
                return max(last, first)
            case "last":
                return max([first, *self.matching()])
            case "last_per_subject":
                newest = {stream.messages[seq].subject: seq for seq in self.matching()}
                self.snapshot, self.resume = sorted(newest.values()), last
                return max(self.snapshot[0] if self.snapshot else last, first)
        return first

    def matching(self) -> list[int]:
        """Messages of the stream that its filters take."""
        if not self.config.filters:
            return list(self.stream.messages)
        takes = self.config.takes
        return [seq for seq, known in self.stream.messages.items() if takes(known.subject)]

    # Counts, as info tells them.

    @property
    def num_pending(self) -> int:
        return len(self.to_come())

    def to_come(self) -> list[int]:
        """What was never delivered and will be, in order."""
        if self.snapshot:
            waiting = [seq for seq in self.snapshot if seq in self.stream.messages]
            return waiting + [seq for seq in self.matching() if seq > self.resume]
        return [seq for seq in self.matching() if seq >= self.position]

    @property
    def num_redelivered(self) -> tuple[int, int]:
        """At least those that are out; at most with those that were out of deliveries."""
        known = sum(seq in self.out for seq in self.extra)
        return 0 if self.config.max_deliver == 1 else known, known + self.exhausted

    @property
    def delivered(self) -> Place:
        return Place(self.deliveries, self.reached)

    @property
    def seen_to(self) -> int:
        """The highest stream sequence that it may say to have reached without meaning anything
        else: nothing that it will deliver lies below."""
        to_come = self.to_come()
        return to_come[0] - 1 if to_come else max(self.position - 1, self.stream.last_seq)

    @property
    def settled_to(self) -> Place:
        """The highest that the floor may be without meaning anything else: some servers let what
        is out of deliveries hold it, some do not."""
        seq, delivery = min(self.out.items(), default=(self.seen_to + 1, self.deliveries + 1))
        return Place(max(self.floor.consumer, delivery - 1), max(self.floor.stream, seq - 1))

    @property
    def blocked(self) -> bool:
        """As many are out as may be."""
        limit = self.config.max_ack_pending
        return self.config.ack != NO_ACK and 0 < limit <= len(self.out)

    def needs(self, seq: int, subject: str) -> bool:
        """Whether an interest stream keeps this message for it."""
        if not self.config.takes(subject):
            return False
        if seq in self.out or seq in self.spent:
            return True
        if self.snapshot and not self.imitate:  # the reference keeps also what is not of it
            return seq in self.snapshot or seq > self.resume
        return seq >= self.position

    # What comes next.

    def repeat(self) -> Next | None:
        """The first to deliver again that may be delivered once more."""
        while self.again:
            seq = self.again.pop(0)
            count = 2 + self.extra.get(seq, 0)
            if 0 < self.config.max_deliver < count:
                self.exhaust(seq)
            elif seq in self.stream.messages:
                return Next(seq, count)
        return None

    def fresh(self) -> Next | None:
        """The next that was never delivered. Looking moves the position, finding nothing moves it
        behind the last message."""
        if self.snapshot:
            seq = self.snapshot.pop(0)
            if self.snapshot:
                self.position = seq + 1
            else:
                self.position = self.resume + 1
            return Next(seq, 1, True) if seq in self.stream.messages else self.fresh()
        for seq in self.to_come()[:1]:
            self.position = seq + 1
            return Next(seq, 1)
        if self.position <= self.stream.last_seq:
            self.position = self.stream.last_seq + 1
        return None

    def deliver(self, found: Next) -> int:
        """Counts a delivery; its consumer sequence."""
        self.deliveries += 1
        self.late.discard(found.seq)
        self.reached = max(self.reached, found.seq)
        if found.nth > 1:
            self.extra[found.seq] = found.nth - 1
        if self.config.ack == NO_ACK:
            self.floor = Place(self.deliveries, found.seq)
        else:
            self.out.setdefault(found.seq, self.deliveries)
            self.out = dict(sorted(self.out.items()))
        return self.deliveries

    def exhaust(self, seq: int) -> None:
        """Ends the deliveries of a message for good."""
        self.exhausted += 1
        self.spent[seq] = self.out.pop(seq)
        self.late.discard(seq)
        if seq in self.again:
            self.again.remove(seq)
        self.extra[seq] = self.config.max_deliver

    # Acks.

    def ack(self, seq: int, delivery: int) -> list[int]:
        """Acks a message by the consumer sequence of one of its deliveries; what that ended."""
        if self.config.ack == ACK_ALL:
            return self._ack_up_to(seq, delivery)
        if seq in self.out or seq in self.spent:
            self._settle([seq])
        known = self.stream.messages.get(seq)
        mine = known is not None and (self.imitate or self.config.takes(known.subject))
        return [seq] if mine else []  # also when it was delivered before a reset

    def _ack_up_to(self, seq: int, delivery: int) -> list[int]:
        if delivery <= self.floor.consumer or seq <= self.floor.stream:
            return []
        spent = [] if self.imitate else list(self.spent)  # the reference keeps these
        ended = [known for known in [*self.out, *spent] if known <= seq]
        if seq in self.out:
            self.floor = Place(delivery, seq)
        self._forget(ended)
        return sorted(ended)

    def _settle(self, seqs: Iterable[int]) -> None:
        """Ends messages one by one, and moves the floor when the lowest is among them."""
        for seq in seqs:
            first = self.out.get(seq, 0)
            self._forget([seq])
            if self.exhausted:
                continue
            if not self.out and not self.spent:
                self.floor = Place(self.deliveries, self.reached)
            elif first == self.floor.consumer + 1:
                lowest, its_delivery = min([*self.out.items(), *self.spent.items()])
                self.floor = Place(its_delivery - 1, lowest - 1)

    def _forget(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            self.out.pop(seq, None)
            self.spent.pop(seq, None)
            self.extra.pop(seq, None)
            self.late.discard(seq)
            if seq in self.again:
                self.again.remove(seq)

    def nak(self, seq: int, later: bool = False) -> bool:
        """Wants it again, at once or after a very long time; whether it is out."""
        if seq not in self.out:
            return False
        if later:
            self.late.add(seq)
            if seq in self.again:
                self.again.remove(seq)
        elif 0 < self.config.max_deliver <= 1 + self.extra.get(seq, 0) and not self.imitate:
            self.exhaust(seq)  # the reference notices it when somebody asks for messages
        elif seq not in self.again:
            self.again.append(seq)
        return True

    def run_out(self, seqs: Iterable[int]) -> None:
        """The ack wait of these is over."""
        for seq in sorted(seqs):
            if seq in self.again or seq in self.late or seq not in self.out:
                continue
            if 0 < self.config.max_deliver <= 1 + self.extra.get(seq, 0):
                self.exhaust(seq)
            else:
                self.again.append(seq)

    # What happens to the stream.

    def gone(self, seq: int) -> list[int]:
        """A message was deleted, or went by a limit; what else ended by that."""
        if seq not in self.out and seq not in self.spent:
            return []
        if self.imitate and self.config.ack == ACK_ALL and seq in self.out:
            return self._ack_up_to(seq, self.out[seq])  # it acks all that came before
        self._settle([seq])
        return []

    def purged(self, whole: bool) -> None:
        """A purge has removed messages: all when `whole`. After a part, the floor need not tell."""
        messages = self.stream.messages
        self._forget([seq for seq in [*self.out, *self.spent] if seq not in messages])
        if self.imitate:
            self.again.clear()  # the reference forgets what was refused
        if whole:
            self.extra.clear()
            self.position = max(self.position, self.stream.last_seq + 1)
            self.reached = max(self.reached, self.position - 1)
            self.floor = Place(self.deliveries, self.reached)

    def reset(self, target: int) -> None:
        """Starts anew at a sequence."""
        self.out, self.spent, self.extra, self.again, self.late = {}, {}, {}, [], set()
        self.position, self.reached, self.deliveries = target, target - 1, 0
        self.floor = Place(0, target - 1)
        self.snapshot, self.exhausted = [], 0

    def shown(self, message: Message) -> Message:
        """As it is delivered: maybe without its payload."""
        if not self.config.headers_only:
            return message
        head = message.headers[:-2] if message.headers else b"NATS/1.0\r\n"
        size = b"Nats-Msg-Size: %d\r\n\r\n" % len(message.payload)
        return Message(message.subject, head + size, b"")
