"""A digest of everything that two replicas of a stream must have alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from pynats_server.jetstream.store import CorruptRecord, Message
from pynats_server.jetstream.stream.apply import Replica
from pynats_server.work import finish


def state_hash(replica: Replica, now: int) -> str:
    """The digest at the time `now` (ns), on which the duplicate window depends. Reads all."""
    digest = hashlib.sha256()
    for part in described(replica, now):
        digest.update(part + b"\n")
    return digest.hexdigest()


def described(replica: Replica, now: int) -> Iterator[bytes]:
    """What goes into the digest, a line each."""
    store = replica.store
    yield b"stream %d %d %d %d %d %d" % (
        store.first_seq, store.last_seq, store.last_ts, store.msgs, store.nbytes,
        store.num_subjects,
    )  # fmt: skip
    at = store.first_seq
    while at <= store.last_seq:
        try:
            message = finish(store.find_next(b">", at))
        except CorruptRecord:
            yield b"damaged %d" % at
            at += 1
            continue
        end = message.seq if message is not None else store.last_seq + 1
        if end > at:
            yield b"deleted %d-%d" % (at, end - 1)
        if message is not None:
            yield shown(message)
        at = end + 1
    yield b"last id " + replica.admission.last_msg_id
    for id, seq, ts in replica.admission.ids.known(now):
        yield b"id %d %d " % (seq, ts) + id
    for name, place in sorted(store.places.known.items()):
        if place.seq or place.identity:
            yield b"source %d %b " % (place.seq, place.identity) + name
    for due, seq, subject in replica.plan.live():
        yield b"schedule %d %d " % (due, seq) + subject
    limits = replica.appender
    yield b"limits " + msgspec.json.encode(
        (limits.max_msgs, limits.max_bytes, limits.max_per_subject)
    )


def shown(message: Message) -> bytes:
    """A message, on one line."""
    return b"message %d %d %r" % (
        message.seq,
        message.ts,
        (bytes(message.subject), message.headers or b"", message.payload),
    )
