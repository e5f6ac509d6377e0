"""Streams with their consumers and those who listen: every change, and what goes out for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.consumers import NO_ACK, PINNED, Consumer, ConsumerConfig, Next
from tests.model.pulls import Pull, Waiting
from tests.model.streams import INTEREST, LIMITS, Message, Stream, StreamConfig

TIME = "#"  # stands for the message's time in ack subjects; a server writes `TIME_DIGITS` there
TIME_DIGITS = 19
PIN_HEADER = "Nats-Pin-Id"


def with_header(headers: bytes, line: bytes) -> bytes:
    """A header block with one line more."""
    return (headers[:-2] if headers else b"NATS/1.0\r\n") + line + b"\r\n\r\n"


class Sent(NamedTuple):
    """What arrives somewhere: a message, or a status (which has no reply subject)."""

    subject: str
    reply: str  # without its last token, which is the count of pending messages
    headers: bytes
    payload: bytes = b""
    pending: tuple[int, int] = (0, 0)  # at least and at most

    def is_like(self, predicted: Sent) -> bool:
        least, most = predicted.pending
        return self[:4] == predicted[:4] and least <= self.pending[0] <= most


@dataclass(slots=True)
class Served:
    """A consumer and those who want its messages."""

    state: Consumer
    waiting: Waiting
    bound: bool = False  # a push consumer's listener is there
    paused: bool = False
    pin: str = ""  # of the client that gets the messages of a pinned group
    life: int = 0  # another one after each creation and reset

    @property
    def config(self) -> ConsumerConfig:
        return self.state.config


@dataclass(slots=True)
class Known:
    """A delivery that a client can ack, whenever it likes."""

    stream: str
    consumer: str
    subject: str  # of the ack, with `TIME` in it
    seq: int
    delivery: int
    life: int


@dataclass(slots=True)
class World:
    imitate: bool = False  # the reference's faults, where it could not be compared otherwise
    streams: dict[str, Stream] = field(default_factory=dict)
    consumers: dict[str, dict[str, Served]] = field(default_factory=dict)
    sent: dict[str, list[Sent]] = field(default_factory=dict)  # by inbox or deliver subject
    advisories: list[tuple[str, ...]] = field(default_factory=list)
    deliveries: list[Known] = field(default_factory=list)
    times: dict[str, dict[int, str]] = field(default_factory=dict)
    burst: int = 0  # messages on their way behind the one that is being published
    lives: int = 0
    pins: dict[tuple[str, str], int] = field(default_factory=dict)  # given so far, by consumer
    held: list[tuple[str, Served]] | None = None  # who is to be served after several changes
    arriving: int = 0  # 1 while a message makes place for itself: it may or may not count already

    # What comes out.

    def send(self, target: str, sent: Sent) -> None:
        self.sent.setdefault(target, []).append(sent)

    def status(self, pull: Pull | str, line: str, **fields: int) -> None:
        inbox = pull if isinstance(pull, str) else pull.inbox
        names = {"batch": "Nats-Pending-Messages", "size": "Nats-Pending-Bytes"}
        lines = "".join(f"{names[name]}: {value}\r\n" for name, value in fields.items())
        self.send(inbox, Sent(inbox, "", f"NATS/1.0 {line}\r\n{lines}\r\n".encode()))

    # Streams.

    def create_stream(self, config: StreamConfig) -> None:
        self.streams[config.name] = Stream(config)
        self.consumers[config.name] = {}
        self.times[config.name] = {}

    def update_stream(self, name: str, config: StreamConfig) -> None:
        """Other limits; what is too much goes at once."""
        stream = self.streams[name]
        stream.config = config
        subjects = {message.subject for message in stream.messages.values()}
        self.remove(name, stream.too_many(*subjects))

    def delete_stream(self, name: str) -> None:
        for consumer in list(self.consumers[name]):
            self.delete_consumer(name, consumer)
        self.forget_stream(name)

    def forget_stream(self, name: str) -> None:
        """It is not there any more, and nobody is told."""
        del self.streams[name], self.consumers[name], self.times[name]

    def publish(self, name: str, message: Message, rollup: str = "") -> int:
        """Adds a message; its sequence, or 0 where the stream refuses it."""
        stream = self.streams[name]
        wanted = stream.config.retention != INTEREST or any(
            served.config.takes(message.subject) for served in self.consumers[name].values()
        )
        if wanted and stream.refuses(message):
            return 0
        seq = stream.append(message, wanted)
        self.arriving = 1
        gone = stream.too_many(message.subject)
        if rollup:
            subject = message.subject if rollup == "sub" else ""
            gone += stream.purged(subject, 0, keep=int(wanted))
        self.remove(name, gone)
        self.arriving = 0
        for served in self.consumers[name].values():
            if wanted and served.config.takes(message.subject):
                self.serve(name, served)
        return seq

    def remove(self, name: str, seqs: Iterable[int]) -> None:
        """Messages go by a delete or a limit; then, who had too many of them out goes on."""
        stream, group = self.streams[name], self.consumers[name]
        blocked = [served for served in group.values() if served.state.blocked]
        for seq in seqs:
            if seq in stream.messages:
                stream.remove([seq])
                for served in group.values():
                    self.ended(name, served.state.gone(seq))
        for served in blocked:
            if not served.state.blocked:
                self.serve(name, served)

    def purge(self, name: str, subject: str = "", below: int = 0, keep: int = 0) -> int:
        stream = self.streams[name]
        found = stream.purged(subject, below, keep)
        stream.remove(found)
        if below > stream.last_seq + 1 and not subject:
            stream.last_seq = below - 1
        blocked = []
        for served in self.consumers[name].values():
            if served.state.blocked and not self.imitate:  # the reference does not go on by itself
                blocked.append(served)
            served.state.purged(whole=not (subject or below or keep))
        for served in blocked:
            self.serve(name, served)
        return len(found)

    # Consumers.

    def create_consumer(self, stream: str, config: ConsumerConfig) -> Served:
        state = Consumer(config, self.streams[stream], imitate=self.imitate)
        state.start()
        waiting = Waiting(config.max_waiting, config.priority == "prioritized")
        self.lives += 1
        served = Served(state, waiting, life=self.lives)
        self.consumers[stream][config.name] = served
        return served

    def update_consumer(self, stream: str, name: str, config: ConsumerConfig) -> None:
        served = self.consumers[stream][name]
        filters_differ = served.config.filters != config.filters
        room_differs = served.config.max_ack_pending != config.max_ack_pending
        served.state.config = config
        if filters_differ:
            self._drop_unneeded(stream)
        if room_differs or not self.imitate:  # the reference does not see that there is more now
            self.serve(stream, served)

    def delete_consumer(self, stream: str, name: str) -> None:
        served = self.consumers[stream].pop(name)
        for pull in served.waiting.pulls:
            self.status(pull, "409 Consumer Deleted")
        self._drop_unneeded(stream)

    def reset_consumer(self, stream: str, name: str, seq: int) -> None:
        served = self.consumers[stream][name]
        served.state.reset(seq)
        self.lives += 1
        served.life = self.lives
        self._drop_unneeded(stream)
        self.serve(stream, served)

    def _drop_unneeded(self, name: str) -> None:
        """An interest stream keeps what some consumer needs, and nothing else."""
        stream = self.streams[name]
        if stream.config.retention == INTEREST:
            self.remove(name, [seq for seq in stream.messages if not self._needed(name, seq)])

    def _needed(self, name: str, seq: int) -> bool:
        subject = self.streams[name].messages[seq].subject
        return any(served.state.needs(seq, subject) for served in self.consumers[name].values())

    def ended(self, name: str, seqs: Iterable[int]) -> None:
        """A consumer is done with messages: its stream may not keep them."""
        stream = self.streams[name]
        if stream.config.retention == LIMITS:
            return
        known = [seq for seq in seqs if seq in stream.messages]
        self.remove(name, [seq for seq in known if not self._needed(name, seq)])

    # Pulls.

    def pull(self, stream: str, name: str, pull: Pull) -> None:
        served = self.consumers[stream][name]
        config, waiting = served.config, served.waiting
        if config.deliver_subject:
            self.status(pull, "409 Consumer is push based")
            return
        if 0 < config.max_batch < pull.batch:
            self.status(pull, f"409 Exceeded MaxRequestBatch of {config.max_batch}")
            return
        if config.priority and not pull.bare and not pull.group:
            self.status(pull, "400 Bad Request - Priority Group missing")
            return
        if pull.pin and served.pin and pull.pin != served.pin:
            self.status(pull, "423 Nats-Pin-Id mismatch")
            return
        if pull.no_wait:
            known = served.state.num_pending + len(served.state.again)
            if not known and not pull.expires:
                self.status(pull, "404 No Messages")
                return
            if known and known < sum(other.batch for other in waiting.pulls):
                self.status(pull, "408 Requests Pending")
                return
        if waiting.full:
            if not pull.beats:
                self.status(pull, "409 Exceeded MaxWaiting")
            return
        waiting.add(pull)
        self.serve(stream, served)

    def forget_inbox(self, inbox: str) -> None:
        """Nobody listens there any more."""
        for group in self.consumers.values():
            for served in group.values():
                pulls = served.waiting.pulls
                pulls[:] = [pull for pull in pulls if pull.inbox != inbox]

    def expire(self, inbox: str) -> None:
        """The time of a pull is over."""
        for group in self.consumers.values():
            for served in group.values():
                for pull in [pull for pull in served.waiting.pulls if pull.inbox == inbox]:
                    served.waiting.pulls.remove(pull)
                    self._rest(pull, "408 Request Timeout")

    # Acks.

    def ack(self, known: Known, verb: bytes) -> bool:
        """Whether it is surely answered, if it asks for an answer."""
        served = self.consumers[known.stream][known.consumer]
        state = served.state
        if known.seq > state.reached and known.seq not in state.out:
            return False  # it is answered, or is not: that depends on how far the consumer looked
        if verb in (b"", b"+ACK", b"+OK", b"+TERM"):
            self._ack(known, served)
        elif verb == b"+WPI":
            state.late.discard(known.seq)
        elif verb[:4] == b"-NAK":
            # The reference does not hear it where the ack of a later delivery has moved the floor.
            heard = known.delivery > state.floor.consumer or not self.imitate
            if heard and state.nak(known.seq, later=len(verb) > 4):
                self.serve(known.stream, served)
        return True

    def _ack(self, known: Known, served: Served) -> None:
        blocked = served.state.blocked
        ended = served.state.ack(known.seq, known.delivery)
        self.ended(known.stream, ended)
        if blocked and not served.state.blocked:
            self.serve(known.stream, served)

    # Deliveries.

    def go_on(self) -> None:
        """Serves those for whom it was put off."""
        held, self.held = self.held or [], None
        for stream, served in held:
            self.serve(stream, served)

    def serve(self, stream: str, served: Served) -> None:
        """Delivers as long as there is something, and somebody who wants it."""
        if self.held is not None:
            self.held.append((stream, served))
            return
        state, waiting = served.state, served.waiting
        at_end = True
        while not served.paused:
            if not (served.bound if served.config.deliver_subject else waiting.pulls):
                break
            found = state.repeat()
            if found is None and state.blocked:
                at_end = False
                break
            found = found or state.fresh()
            if found is None or not self._deliver(stream, served, found):
                break
        if at_end:
            self._end_of_stream(served)

    def _end_of_stream(self, served: Served) -> None:
        """Pulls that do not wait are over when nothing more is there."""
        for pull in list(served.waiting.pulls):
            if pull.no_wait and (pull.served or not pull.expires):
                served.waiting.pulls.remove(pull)
                self.status(pull, "404 No Messages")

    def _deliver(self, stream: str, served: Served, found: Next) -> bool:
        """Delivers to who is next; false puts the message back, since nobody may have it."""
        state = served.state
        message = state.shown(state.stream.messages[found.seq])
        pending = state.num_pending
        ack = f"$JS.ACK.{stream}.{served.config.name}.{found.nth}.{found.seq}"
        ack += f".{state.deliveries + 1}.{TIME}"
        whole = f"{ack}.{pending}"
        size = len(message.subject) + len(whole) - len(TIME) + TIME_DIGITS
        size += len(message.headers) + len(message.payload)
        if served.config.deliver_subject:
            target, pull = served.config.deliver_subject, None
        else:
            pull = self._taker(served, size, pending + 1)
            if pull is None:
                self._put_back(served, found)
                return False
            target = pull.inbox
        delivery = state.deliver(found)
        counts = (pending - self.arriving, pending + self.burst)
        headers = message.headers
        if served.config.priority == PINNED:
            headers = with_header(headers, f"{PIN_HEADER}: {served.pin}".encode())
        self.send(target, Sent(message.subject, ack, headers, message.payload, counts))
        self.deliveries.append(
            Known(stream, served.config.name, whole, found.seq, delivery, served.life)
        )
        if pull is not None and not pull.batch and pull.max_bytes > 0:
            self.status(pull, "409 Batch Completed", batch=0, size=pull.max_bytes)
        if served.config.ack == NO_ACK:
            self.ended(stream, [found.seq])
        return True

    def _put_back(self, served: Served, found: Next) -> None:
        state = served.state
        if found.nth > 1:  # the reference lets the others have their turn first
            state.again.insert(len(state.again) if self.imitate else 0, found.seq)
        elif found.early:
            state.snapshot.insert(0, found.seq)
            state.position = found.seq
        else:
            state.position = found.seq

    def _taker(self, served: Served, size: int, pending: int) -> Pull | None:
        """The pull that gets a message of this size. One that has no room for it ends."""
        waiting = served.waiting
        if not self.imitate:  # the reference tells those whose turn has come
            for pull in [one for one in waiting.pulls if is_lapsed(served, one)]:
                self._wrong_pin(served, pull)
            if served.pin:  # there, those who are not pinned lose their turns
                waiting.pulls.sort(key=lambda one: one.pin != served.pin)
        passed = 0
        while waiting.pulls and passed < len(waiting.pulls):
            pull = waiting.pulls[0]
            if is_lapsed(served, pull):
                self._wrong_pin(served, pull)
                continue
            if not self._may_have(served, pull, pending):
                waiting.cycle()
                passed += 1
                continue
            if pull.max_bytes > 0:
                if size > pull.max_bytes:
                    waiting.pulls.pop(0)
                    self._rest(pull, "409 Message Size Exceeds MaxBytes")
                    continue
                pull.max_bytes -= size
                if pull.max_bytes == 0:
                    pull.batch = 1
            self._pin(served, pull)
            return waiting.serve()
        return None

    def _rest(self, pull: Pull, line: str) -> None:
        """A status with what it has not got."""
        self.status(pull, line, batch=pull.batch, size=pull.max_bytes)

    def _wrong_pin(self, served: Served, pull: Pull) -> None:
        served.waiting.pulls.remove(pull)
        self._rest(pull, "423 Nats-Wrong-Pin-Id")

    def _pin(self, served: Served, pull: Pull) -> None:
        """Who gets a message while nobody is pinned, is so from now on."""
        config = served.config
        if config.priority != PINNED or served.pin or not pull.group:
            return
        key = (served.state.stream.config.name, config.name)
        self.pins[key] = self.pins.get(key, 0) + 1
        served.pin = pull.pin = pin_label(*key, self.pins[key])

    def unpin(self, stream: str, served: Served) -> None:
        """Another client may have the messages."""
        served.pin = ""
        self.serve(stream, served)

    def _may_have(self, served: Served, pull: Pull, pending: int) -> bool:
        """Whether a pull gets messages now, by the policy of its group."""
        policy = served.config.priority
        if policy == PINNED:
            return not served.pin or pull.pin == served.pin
        return policy != "overflow" or self._overflows(served, pull, pending)

    def _overflows(self, served: Served, pull: Pull, pending: int) -> bool:
        """Whether enough waits for a pull that wants only what is too much for others."""
        if pull.bare or not (pull.min_pending > 0 or pull.min_ack_pending > 0):
            return True
        if 0 < pull.min_pending <= pending:
            return True
        return 0 < pull.min_ack_pending <= len(served.state.out)


def is_lapsed(served: Served, pull: Pull) -> bool:
    """Whether it comes from somebody who was pinned, and is so no more."""
    return served.config.priority == PINNED and bool(pull.pin) and pull.pin != served.pin


def pin_label(stream: str, consumer: str, number: int) -> str:
    """Stands for the id that the consumer gave as its `number`-th, which nobody can predict."""
    return f"#{stream}.{consumer}.{number}"
