"""The checks of a published message, against a model in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish.checks import Admission, read_sequence
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store.memory import MemoryStore

from tests.support.fuzzing import examples

WINDOW = 10
SUBJECTS = [b"a", b"b", b"b.c"]


def admission_of(store: MemoryStore, usage: Usage | None = None, **config: object) -> Admission:
    made = Admission(store, usage or Usage(), "S")
    settings = {"max_msg_size": -1, "duplicate_window": WINDOW, **config}
    made.configure(StreamConfig(**settings), store.last_ts)  # type: ignore[arg-type]
    return made


@dataclass
class Model:
    """The messages of a stream, with linear search."""

    stored: list[tuple[int, bytes, bytes, int]] = field(
        default_factory=list
    )  # seq, subject, id, ts

    def verdict(self, subject: bytes, said: dict[bytes, bytes], now: int) -> int:
        """0 = passes, -seq = duplicate, otherwise the error code."""
        about = said.get(b"Nats-Expected-Last-Subject-Sequence-Subject")
        wanted = said.get(b"Nats-Expected-Last-Subject-Sequence")
        if said.get(b"Nats-Expected-Stream", b"S") != b"S":
            return 10060
        if wanted is not None:
            last = max(
                (seq for seq, own, _, _ in self.stored if own == (about or subject)), default=0
            )
            if last != int(wanted):
                return 10071
        elif about is not None:
            return 10193
        last = self.stored[-1][0] if self.stored else 0
        if int(said.get(b"Nats-Expected-Last-Sequence", last)) != last:
            return 10071
        for seq, _, text, ts in self.stored:
            if text and text == said.get(b"Nats-Msg-Id") and now - ts < WINDOW:
                return -seq
        last_id = self.stored[-1][2] if self.stored else b""
        if said.get(b"Nats-Expected-Last-Msg-Id", last_id) != last_id:
            return 10070
        return 0


IDS = st.sampled_from([b"1", b"2", b"3"])
NUMBERS = st.integers(0, 6).map(lambda n: b"%d" % n)
SAID = st.fixed_dictionaries(
    {},
    optional={
        b"Nats-Msg-Id": IDS,
        b"Nats-Expected-Last-Msg-Id": IDS,
        b"Nats-Expected-Last-Sequence": NUMBERS,
        b"Nats-Expected-Last-Subject-Sequence": NUMBERS,
        b"Nats-Expected-Last-Subject-Sequence-Subject": st.sampled_from(SUBJECTS),
        b"Nats-Expected-Stream": st.sampled_from([b"S", b"S", b"T"]),
        b"Other": IDS,
    },
)


@settings(max_examples=examples(150))
@given(st.lists(st.tuples(st.sampled_from(SUBJECTS), SAID, st.integers(0, 6)), max_size=25))
def test_says_what_the_model_says(messages: list[tuple[bytes, dict[bytes, bytes], int]]) -> None:
    store, model, now = MemoryStore("S"), Model(), 1
    admission = admission_of(store)
    for subject, said, later in messages:
        now += later
        block = header_blocks.build(said.items()) if said else b""
        try:
            admission.check_expected(subject, block, 0)
            found = -admission.check_identity(block, now)
        except ApiError as error:
            found = error.err_code
        assert found == model.verdict(subject, said, now)
        if found == 0:
            seq = store.append(subject, block or None, b"", now)
            admission.stored(block, seq, now)
            model.stored.append((seq, subject, said.get(b"Nats-Msg-Id", b""), now))
    again = admission_of(store)
    again.recover(now)
    assert again.last_msg_id == (model.stored[-1][2] if model.stored else b"")
    for seq, _, text, ts in model.stored:
        if text and now - ts < WINDOW:
            assert again.ids.get(text, now) == seq


@given(st.binary(max_size=80))
def test_any_block_is_read(block: bytes) -> None:
    admission = admission_of(MemoryStore("S"))
    for whole in (block, b"NATS/1.0\r\nNats-" + block, b"NATS/1.0\r\nNats-Msg-Id" + block):
        try:
            admission.check_size(whole, b"")
            admission.check_expected(b"a", whole, 0)
            admission.check_identity(whole, 1)
        except ApiError:
            continue
        admission.stored(whole, 1, 1)
        # The same rules as everywhere else.
        expected = header_blocks.get(whole, b"Nats-Msg-Id") or b""
        assert admission.last_msg_id == expected


def test_storage_of_account_and_server() -> None:
    server = Usage(100)
    account = Usage(-1, server)
    admission = admission_of(MemoryStore("S"), account)
    account.add(100)
    admission.check_limits(b"a", 0, 83, False)
    account.add(1)
    with pytest.raises(ApiError) as refused:
        admission.check_limits(b"a", 0, 1, False)
    assert refused.value.err_code == 10023
    account.limit = 50
    account.add(20 - account.used)
    with pytest.raises(ApiError) as refused:
        admission.check_limits(b"a", 0, 14, False)
    assert refused.value.err_code == 10002
    admission.check_limits(b"a", 0, 13, False)


def test_a_block_whose_end_cannot_be_told_is_refused() -> None:
    admission = admission_of(MemoryStore("S"))
    admission.check_size(b"NATS/1.0\r\nA: b\r\n", b"text")
    with pytest.raises(ApiError) as refused:
        admission.check_size(b"NATS/1.0\r\nA: b\r\n", b"text\r\n\r\n")
    assert refused.value.err_code == 10077


def test_ids_of_messages_that_were_taken_back_are_free() -> None:
    store = MemoryStore("S")
    admission = admission_of(store)
    for seq in (1, 2):
        block = header_blocks.build([(b"Nats-Msg-Id", b"%d" % seq)])
        admission.stored(block, store.append(b"a", block, b"", seq), seq)
    store.truncate(1)
    admission.undone(1)
    assert admission.last_msg_id == b"1"
    assert (admission.ids.get(b"1", 3), admission.ids.get(b"2", 3)) == (1, 0)


def test_sequences_in_headers() -> None:
    assert read_sequence(b"12") == 12
    assert read_sequence(b"1x") == read_sequence(b"-1") == 2**64 - 1  # no stream reaches it
    assert read_sequence(b"%d" % (2**64 + 3)) == 3  # as in the real server


def rollup(value: bytes) -> bytes:
    return header_blocks.build([(b"Nats-Rollup", value)])


def test_rollups() -> None:
    admission = admission_of(MemoryStore("S"), allow_rollup_hdrs=True)
    for value, found in ((b"sub", "sub"), (b"SUB", "sub"), (b"All", "all"), (b"", "")):
        admission.check_rollup(rollup(value))
        assert admission.rollup_of(rollup(value)) == found
    with pytest.raises(ApiError, match=r'rollup value invalid: "x\\ty"'):
        admission.check_rollup(rollup(b"X\tY"))
    assert admission.rollup_of(rollup(b"x")) == ""
    for forbidding in ({}, {"allow_rollup_hdrs": True, "deny_purge": True}):
        admission = admission_of(MemoryStore("S"), **forbidding)
        assert admission.rollup_of(rollup(b"sub")) == ""
        with pytest.raises(ApiError, match="rollup not permitted"):
            admission.check_rollup(rollup(b"sub"))


def staged(admission: Admission, *what: object) -> str:
    try:
        admission.check_staged(b"a", *what)  # type: ignore[arg-type]
    except ApiError as error:
        assert error.err_code == 10077
        return error.description
    return ""


def test_a_batch_counts_with_what_is_stored() -> None:
    store = MemoryStore("S")
    store.append(b"a", None, b"xx", 1)  # 19 bytes
    limits = {"max_msgs": 3, "max_bytes": 60, "max_msgs_per_subject": 2}
    admission = admission_of(store, discard="new", discard_new_per_subject=True, **limits)
    assert staged(admission, 1, 41, 1, False) == ""
    assert staged(admission, 1, 42, 1, False) == "maximum bytes exceeded"
    assert staged(admission, 2, 41, 1, False) == ""
    assert staged(admission, 3, 41, 1, False) == "maximum messages exceeded"
    assert staged(admission, 2, 38, 2, False) == "maximum messages per subject exceeded"
    assert staged(admission, 2, 38, 2, True) == ""  # a rollup makes room
    assert staged(admission_of(store, **limits), 9, 99, 9, False) == ""  # the oldest go


def test_counted_sizes_are_the_stores() -> None:
    store = MemoryStore("S")
    admission = admission_of(store)
    for block in (b"", header_blocks.build([(b"A", b"b")])):
        before = store.nbytes
        store.append(b"a.b", block or None, b"payload", 1)
        assert store.nbytes - before == admission.size(b"a.b", block, b"payload")
