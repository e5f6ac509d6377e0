"""Packs of messages, and the staging of atomic batches by their headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.protocol.headers import get
from pynats_server.jetstream.publish.batch.staging import Batch, MessagePack, Staging, needs_check
from pynats_server.jetstream.store import TooLarge
from pynats_server.jetstream.store.memory import MemoryStore

MESSAGES = st.lists(
    st.tuples(
        st.text("ab.*\xe9", min_size=1, max_size=20).map(str.encode),
        st.binary(max_size=40),
        st.binary(max_size=60),
        st.booleans(),
    ),
    max_size=30,
)


def block(*lines: str) -> bytes:
    return "\r\n".join(["NATS/1.0", *lines, "", ""]).encode()


@given(MESSAGES)
def test_a_pack_gives_back_what_was_put_in(
    messages: list[tuple[bytes, bytes, bytes, bool]],
) -> None:
    pack = MessagePack()
    for subject, headers, payload, skipped in messages:
        pack.add(subject, headers, payload, skipped)
    assert list(pack) == messages
    assert pack.count == len(messages)
    assert pack.subjects() == list(dict.fromkeys(subject for subject, *_ in messages))


@given(MESSAGES)
def test_a_pack_is_appended_in_order(messages: list[tuple[bytes, bytes, bytes, bool]]) -> None:
    store = MemoryStore("S")
    store.append(b"first", None, b"", 1)
    pack = MessagePack()
    for subject, headers, payload, skipped in messages:
        pack.add(subject, headers, payload, skipped)
    if messages:
        assert pack.append_to(store, 7) == 1 + len(messages)
    for seq, (subject, headers, payload, skipped) in enumerate(messages, 2):
        stored = store.get(seq)
        if skipped:
            assert stored is None
        else:
            assert stored is not None
            assert (stored.subject, stored.headers or b"", stored.payload, stored.ts) == (
                subject, headers, payload, 7,
            )  # fmt: skip


def test_the_last_message_can_be_given_a_header() -> None:
    pack = MessagePack()
    with pytest.raises(IndexError):
        pack.mark_last(b"A", b"b")
    pack.add(b"one", block("X: y"), b"1")
    pack.add(b"two", block("X: y"), b"2")
    pack.mark_last(b"A", b"b")
    assert list(pack) == [
        (b"one", block("X: y"), b"1", False),
        (b"two", block("X: y", "A: b"), b"2", False),
    ]


def test_a_record_that_no_store_takes_refuses_the_pack() -> None:
    store = MemoryStore("S")
    pack = MessagePack()
    pack.add(b"a", b"", b"small")
    pack.add(b"a", b"", bytes(32 << 20))
    with pytest.raises(TooLarge):
        pack.append_to(store, 1)
    assert store.last_seq == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), False),
        (("Nats-Batch-Id: a", "Nats-Batch-Sequence: 1", "Nats-Batch-Commit: 1"), False),
        (("Nats-Batch-Id: a", "Nats-Msg-Id: 1"), True),
        (("Nats-Batch-Idle: a",), True),
        (("Nats-Batch: a",), True),
        (("Foo: bar", "nats-msg-id: 1"), False),
        (("Foo: Nats-Msg-Id: 1",), False),
        (("Nats-Rollup:sub",), True),
        (("Nats-",), False),
    ],
)
def test_headers_that_need_a_check(lines: tuple[str, ...], expected: bool) -> None:
    assert needs_check(block(*lines)) is expected


NAMES = ("Nats-Batch-Id", "Nats-Batch-Commit", "Nats-Msg-Id", "Nats-Rollup", "Foo", "Nats-")
PIECES = st.sampled_from(
    [*NAMES, ":", " ", "\r\n", "\n", "\r", "x", "NATS/1.0", "1", "Nats-TTL: 5"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_bytes_can_be_scanned(text: str) -> None:
    headers = text.encode()
    found = needs_check(headers)
    if any(get(headers, name) is not None for name in (b"Nats-Msg-Id", b"Nats-Rollup")):
        assert found


def test_bytes_of_open_batches_are_bounded() -> None:
    staging = Staging(1000, 1000)
    batches = [staging.open(b"%d" % n) for n in range(3)]
    taken = 0
    while staging.add(batches[taken % 3], b"subject", b"", b"x" * 50):
        taken += 1
    assert 5 < taken < 1000 // 50
    assert staging.nbytes <= 1000
    for batch in batches:
        staging.close(batch)
        staging.close(batch)
    assert staging.nbytes == 0
    assert staging.batches == {}
    assert staging.add(staging.open(b"again"), b"subject", b"", b"x" * 50)


def test_a_batch_knows_whether_its_headers_need_checks() -> None:
    staging = Staging(10, 1000)
    batch = staging.open(b"a")
    staging.add(batch, b"s", block("Nats-Batch-Id: a", "Nats-Batch-Sequence: 1"), b"")
    assert batch.plain
    staging.add(batch, b"s", block("Nats-Batch-Id: a", "Nats-TTL: 5s"), b"")
    assert not batch.plain
    assert isinstance(batch, Batch)
    assert batch.count == 2
