"""Reply subjects of fast batches, and how often their publishers hear of progress."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.publish.batch.fast_state import FastBatch, FastTable, read_reply


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"_R.id.5.fail.1.0.$FI", (b"id", 1, 5, False, 0)),
        (b"_R.id.5.ok.7.1.$FI", (b"id", 7, 5, True, 1)),
        (b"a.b.c.id.600.ok.7.2.$FI", (b"id", 7, 600, True, 2)),
        (b"_R.id.0.ok.2.3.$FI", (b"id", 2, 10, True, 3)),
        (b"_R.id.-1.ok.2.3.$FI", (b"id", 2, 10, True, 3)),
        (b"_R.id.x.ok.1.4.$FI", (b"id", 1, 10, True, 4)),
        (b"_R.id.70000.ok.01.002.$FI", (b"id", 1, 65535, True, 2)),
        (b"_R.id.5.ok.18446744073709551614.1.$FI", (b"id", 2**64 - 2, 5, True, 1)),
        (b"_R.id.5.ok.18446744073709551615.1.$FI", None),
        (b"_R.id.5.ok.18446744073709551616.1.$FI", None),
        (b"id.5.ok.1.0.$FI", None),
        (b"_R.id.5.OK.1.0.$FI", None),
        (b"_R.id.5.ok.0.0.$FI", None),
        (b"_R.id.5.ok.2.0.$FI", None),
        (b"_R.id.5.ok.1.1.$FI", None),
        (b"_R.id.5.ok.1.3.$FI", None),
        (b"_R.id.5.ok.1.5.$FI", None),
        (b"_R.id.5.ok.1..$FI", None),
        (b"_R.$FI", None),
        (b"x.$FI", None),
    ],
)
def test_reply_subjects(reply: bytes, expected: tuple[bytes, int, int, bool, int] | None) -> None:
    assert read_reply(reply) == expected


@given(st.lists(st.sampled_from(["a", "", ".", "1", "5", "ok", "fail", "$FI"]), max_size=14))
def test_any_reply_subject_can_be_read(parts: list[str]) -> None:
    text = ".".join(parts) + ".$FI"
    found = read_reply(text.encode())
    if found is not None:
        assert (
            text.encode().endswith(
                b".%s.%d.%d.$FI" % (b"ok" if found[3] else b"fail", found[1], found[4])
            )
            or "0" in text
            or "" in parts
        )


def progress(table: FastTable, batch: FastBatch, messages: int) -> list[tuple[int, int]]:
    """(acknowledged up to, next after so many) of each acknowledgement."""
    heard = []
    for _ in range(messages):
        batch.last += 1
        batch.stored = batch.last
        if table.flow_due(batch):
            heard.append((batch.flowed, batch.flow))
    return heard


def test_an_only_batch_has_the_flow_it_asks_for() -> None:
    table = FastTable()
    batch = table.open(b"a", False, 100)
    assert progress(table, batch, 350) == [(100, 100), (200, 100), (300, 100)]


def test_a_second_batch_works_its_way_up_to_its_share() -> None:
    table = FastTable()
    first = table.open(b"a", False, 1000)
    assert first.flow == 500
    second = table.open(b"b", False, 1000)
    assert progress(table, second, 20) == [(1, 2), (3, 4), (7, 8), (15, 16)]
    assert progress(table, first, 1000) == [(500, 250), (750, 250), (1000, 250)]
    table.close(first)
    table.close(first)
    assert table.batches == {b"b": second}


def test_many_batches_hear_of_every_message() -> None:
    table = FastTable()
    batches = [table.open(b"%d" % n, True, 10) for n in range(600)]
    assert progress(table, batches[-1], 3) == [(1, 1), (2, 1), (3, 1)]


def test_one_acknowledgement_skips_over_several() -> None:
    table = FastTable()
    batch = table.open(b"a", True, 5)
    batch.last = batch.stored = 23
    assert table.flow_due(batch)
    assert batch.flowed == 20
    assert not table.flow_due(batch)
