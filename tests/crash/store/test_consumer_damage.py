"""Damaged consumers come back at a safe place: they may deliver again, and leave out nothing. What
was damaged is told and kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.times import format_time_ns
from pynats_server.jetstream.store import FileConfig, open_store
from pynats_server.jetstream.store.consumers.folder import (
    MARK,
    StoredConsumer,
)
from pynats_server.jetstream.store.consumers.recovery import (
    LATEST_NS,
    Extent,
    recover_consumers,
)
from pynats_server.jetstream.store.file.meta import write_new_stream
from pynats_server.jetstream.store.format.consumer_file import (
    SUM,
    TAIL,
    read_state_file,
    with_tail,
)
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.jetstream.store.format.meta_inf import meta_sum, name_key
from pynats_server.jetstream.store.rekeying.folder import changing_key
from pynats_server.jetstream.store.rekeying.ring import KeyRing
from pynats_server.work import finish

from tests.support.consumer_home import KEYS, LAST, NOW, SECOND, TRUE, Home, each_key, is_safe
from tests.support.fulldisk import FullDisk


@each_key
def test_a_sound_consumer_is_what_it_was(scratch: Path, keys: Keys | None) -> None:
    home = Home(scratch, keys)
    consumer = home.recovered()
    assert (consumer.state, consumer.problems) == (TRUE, [])
    assert consumer.config == {"durable_name": "c"}
    assert consumer.created_ns == NOW
    assert home.quarantined() == {}


@each_key
@pytest.mark.parametrize("alone", [True, False])
def test_a_state_cut_off_anywhere(scratch: Path, keys: Keys | None, alone: bool) -> None:
    home = Home(scratch, keys)
    data = (home.folder / "o.dat").read_bytes()
    for size in range(len(data)):
        home.again()
        (home.folder / "o.dat").write_bytes(data[:size])
        if not alone:
            (home.config.folder / MARK).unlink()
        consumer = home.recovered()
        if keys is None and size == len(data) - TAIL:  # what nats-server would have written
            assert (consumer.state, consumer.problems) == (TRUE, [])
            continue
        floor = 20 if alone else 0
        assert consumer.state.delivered[1] == consumer.state.ack_floor[1] == floor
        assert is_safe(consumer.state)
        (problem,) = consumer.problems
        assert "o.dat" in problem
        assert list(home.quarantined().values()) == ([data[:size]] if size else [])
        found = home.recovered()
        assert (found.state, found.problems) == (consumer.state, [])


@each_key
def test_a_state_with_any_bit_changed(scratch: Path, keys: Keys | None) -> None:
    home = Home(scratch, keys)
    data = (home.folder / "o.dat").read_bytes()
    for bit in range(len(data) * 8):
        home.again()
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        (home.folder / "o.dat").write_bytes(damaged)
        consumer = home.recovered()
        assert is_safe(consumer.state)
        assert len(consumer.problems) == 1
        assert list(home.quarantined().values()) == [bytes(damaged)]
        # The tail of the file tells where the consumer was when itself is not damaged.
        at = bit // 8 - (len(data) - TAIL)
        told = keys is None and not 0 <= at < TAIL - SUM
        assert consumer.state.ack_floor == ((44, 30) if told else (25, 20))


@each_key
@pytest.mark.parametrize("how", ["missing", "zeros", "foreign", "future"])
def test_a_state_that_is_none(scratch: Path, keys: Keys | None, how: str) -> None:
    home = Home(scratch, keys)
    path = home.folder / "o.dat"
    if how == "missing":
        path.unlink()
    else:
        zeros = bytes(path.stat().st_size)
        path.write_bytes({"zeros": zeros, "foreign": b"hello" * 20, "future": b"\x16\x03"}[how])
    consumer = home.recovered()
    assert consumer.state == ConsumerState((25, 20), (25, 20))
    assert len(consumer.problems) == 1
    assert len(home.quarantined()) == (how != "missing")


def test_the_earlier_state_is_not_trusted_after_somebody_else_has_written(scratch: Path) -> None:
    """Also not later, when only we have written since."""
    home = Home(scratch)
    shutil.rmtree((home.config.folder / MARK).parent)  # as nats-server does
    state = ConsumerState((1, 1), (2, 2), {2: (2, NOW)})
    (home.folder / "o.dat").write_bytes(encode_consumer_state(state, NOW))
    consumer = home.recovered()
    assert (consumer.state, consumer.problems) == (state, [])
    (home.folder / "o.dat").unlink()
    consumer = home.recovered()
    assert consumer.state == ConsumerState()


def test_a_reset_forgets_the_earlier_state(scratch: Path) -> None:
    home = Home(scratch)
    home.save(ConsumerState((0, 9), (0, 9)), 1002.0)
    (home.folder / "o.dat").unlink()
    assert is_safe(home.recovered().state)
    assert home.recovered().state.ack_floor[1] <= 9


def test_a_consumer_that_goes_on_after_a_restart_forgets_it_as_well(scratch: Path) -> None:
    """What `o.prev` says is not known then."""
    home = Home(scratch)
    home.files = home.recovered().files
    home.save(ConsumerState((0, 9), (0, 9)), 5.0)
    (home.folder / "o.dat").unlink()
    assert home.recovered().state.ack_floor[1] <= 9


def test_a_state_of_nats_server_cut_off_anywhere(scratch: Path) -> None:
    home = Home(scratch)
    data = encode_consumer_state(TRUE, NOW)
    for size in range(1, len(data)):
        home.again()
        (home.folder / "o.dat").write_bytes(data[:size])
        consumer = home.recovered()
        assert consumer.state.ack_floor == (25, 20)
        assert len(consumer.problems) == 1


CONTRADICTIONS: dict[str, ConsumerState] = {
    "acknowledged what was not delivered": ConsumerState((9, 9), (9, 8)),
    "more numbers acknowledged than used": ConsumerState((9, 8), (8, 9)),
    "waits for what is acknowledged": ConsumerState((9, 9), (9, 9), {9: (9, NOW)}),
    "waits for what was not delivered": ConsumerState((9, 9), (9, 9), {12: (9, NOW)}),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
@pytest.mark.parametrize("with_sum", [True, False])
def test_a_state_that_contradicts_itself(scratch: Path, name: str, with_sum: bool) -> None:
    home = Home(scratch)
    state = CONTRADICTIONS[name]
    data = encode_consumer_state(ConsumerState(state.ack_floor, state.delivered), NOW)
    if state.pending:
        data = bytearray(encode_consumer_state(ConsumerState((9, 8), (9, 9), state.pending), NOW))
        data[3] = 9  # the floor
        data = bytes(data)
    if with_sum:
        data = with_tail(data, LAST, name_key("S/c"))
    (home.folder / "o.dat").write_bytes(data)
    consumer = home.recovered()
    assert len(consumer.problems) == 1
    assert consumer.state.ack_floor[1] <= 20
    assert not consumer.state.pending


# -- what it is -----------------------------------------------------------------------------------


@each_key
@pytest.mark.parametrize("file", ["meta.inf", "meta.sum", "meta.key", "known.dat"])
def test_one_damaged_file_of_the_configuration(scratch: Path, keys: Keys | None, file: str) -> None:
    home = Home(scratch, keys)
    path = home.folder / file
    if file == "meta.key" and keys is None:
        assert not path.exists()
        return
    data = path.read_bytes()
    changed = [bytes((*data[:at], data[at] ^ 0x20, *data[at + 1 :])) for at in range(len(data))]
    for damaged in [None, b"", bytes(len(data)), data[: len(data) // 2], *changed]:
        home.again()
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        consumer = home.recovered()
        assert (consumer.config, consumer.state) == ({"durable_name": "c"}, TRUE)
        # A copy that is missing is normal: nats-server makes none.
        assert len(consumer.problems) == (0 if damaged is None and file == "known.dat" else 1)
        assert list(home.quarantined().values()) == ([damaged] if damaged else [])
        assert home.recovered().problems == []


def test_a_consumer_that_nothing_tells_of_stays_where_it_is(scratch: Path) -> None:
    home = Home(scratch)
    for name in ("meta.inf", "known.dat"):
        (home.folder / name).write_bytes(b"{}")
    before = {path.name: path.read_bytes() for path in home.folder.iterdir()}
    found = home.recovery()
    assert found.consumers == []
    assert "meta.inf" in found.broken["c"]
    assert {path.name: path.read_bytes() for path in home.folder.iterdir()} == before
    with pytest.raises(FileExistsError):
        home.make(StoredConsumer("c", {}, ConsumerState()))


def test_an_old_copy_is_not_taken_for_what_somebody_else_has_written(scratch: Path) -> None:
    home = Home(scratch)
    shutil.rmtree((home.config.folder / MARK).parent)
    (home.folder / "meta.inf").write_bytes(b"damaged")
    (home.folder / "meta.sum").write_bytes(meta_sum("S/c", b'{"name":"c"}'))
    assert "c" in home.recovery().broken


def test_other_things_may_lie_there(scratch: Path) -> None:
    home = Home(scratch)
    obs = home.config.folder / "obs"
    for path in (obs / "notes", obs / "empty" / "notes", home.folder / "o.dat.tmp"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (obs / "none").mkdir()
    consumer = home.recovered()
    assert (consumer.state, consumer.problems) == (TRUE, [])
    assert (obs / "notes").exists() and (obs / "empty" / "notes").exists()


@pytest.mark.parametrize(
    "meta",
    [b"[]", b"{", b'{"Name":"other","Created":"2020-01-01T00:00:00Z"}', b'{"Created":"yesterday"}'],
)
def test_a_configuration_that_is_none(scratch: Path, meta: bytes) -> None:
    home = Home(scratch)
    (home.folder / "meta.inf").write_bytes(meta)
    (home.folder / "meta.sum").write_bytes(meta_sum("S/c", meta))
    found = home.recovery()
    assert found.consumers == []
    assert list(found.broken) == ["c"]


def test_one_broken_consumer_is_no_matter_for_the_others(scratch: Path) -> None:
    home = Home(scratch)
    home.make(StoredConsumer("other", {"durable_name": "other"}, TRUE))
    for name in ("meta.inf", "known.dat"):
        (home.folder / name).unlink()
    found = home.recovery()
    assert [consumer.name for consumer in found.consumers] == ["other"]
    assert list(found.broken) == ["c"]


# -- where it began -------------------------------------------------------------------------------

STARTS: dict[str, tuple[dict[str, Any], int, int]] = {
    # configuration; where it is without known.dat; where it is with it
    "all": ({"deliver_policy": "all"}, 0, 0),
    "new": ({"deliver_policy": "new"}, 39, 50),
    "last": ({"deliver_policy": "last"}, 0, 50),
    "last_per_subject": ({"deliver_policy": "last_per_subject"}, 0, 50),
    "by_start_sequence": ({"deliver_policy": "by_start_sequence", "opt_start_seq": 8}, 7, 7),
    "beyond the end": ({"deliver_policy": "by_start_sequence", "opt_start_seq": 500}, 499, 499),
    "by_start_time": (
        {"deliver_policy": "by_start_time", "opt_start_time": format_time_ns(NOW - SECOND)}, 29, 29,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("known", [True, False])
def test_without_a_trace_it_begins_where_it_began(scratch: Path, name: str, known: bool) -> None:
    config, without, with_copy = STARTS[name]
    home = Home(scratch)
    shutil.rmtree(home.folder)
    home.make(StoredConsumer("c", config, ConsumerState((0, 50), (0, 50))))
    (home.folder / "o.dat").unlink()
    if not known:
        (home.folder / "known.dat").unlink()

    def seq_at(ts_ns: int) -> int:
        return {NOW: 40, NOW - SECOND: 30}[ts_ns]

    (consumer,) = home.recovery(seq_at=seq_at).consumers
    start = with_copy if known else without
    assert consumer.state == ConsumerState((0, start), (0, start))


# -- a stream that has lost its end ---------------------------------------------------------------


def test_what_is_beyond_the_stream_is_cut_off(scratch: Path) -> None:
    home = Home(scratch)
    (consumer,) = home.recovery(last=36).consumers
    assert consumer.problems == []
    assert consumer.state == ConsumerState(
        (30, 30), (44, 36), {33: (33, NOW), 35: (42, NOW - 7 * SECOND)}, {35: 2}
    )
    cut = consumer.state
    assert home.recovered().state == cut, "new messages have the sequences of those that were lost"
    (consumer,) = home.recovery(last=12).consumers
    assert consumer.state == ConsumerState((44, 12), (44, 12))
    assert home.recovered().state == ConsumerState((44, 12), (44, 12))


@pytest.mark.parametrize("file", ["front", "whole"])
def test_what_tells_of_a_damaged_state_is_cut_off_as_well(scratch: Path, file: str) -> None:
    home = Home(scratch)
    path = home.folder / "o.dat"
    data = path.read_bytes()
    path.write_bytes(b"damaged" + data[7:] if file == "front" else b"damaged")
    (consumer,) = home.recovery(last=12).consumers
    assert consumer.state.delivered[1] == 12
    path.write_bytes(b"damaged")
    assert home.recovered().state.delivered[1] <= 12


def test_a_start_that_was_lost_is_cut_off_as_well(scratch: Path) -> None:
    home = Home(scratch)
    shutil.rmtree(home.folder)
    home.make(StoredConsumer("c", {"deliver_policy": "new"}, ConsumerState((0, 50), (0, 50))))
    (home.folder / "o.dat").unlink()
    (consumer,) = home.recovery(last=36).consumers
    assert consumer.state == ConsumerState((0, 36), (0, 36))
    assert home.recovered().state == ConsumerState((0, 36), (0, 36))


def test_a_state_that_cannot_be_cut_off_is_not_used(scratch: Path) -> None:
    home = Home(scratch)
    extent = Extent(36, lambda _: 1)
    found = recover_consumers(home.config, extent, NOW, FullDisk(0))
    assert list(found.broken) == ["c"]
    (consumer,) = home.recovery(last=36).consumers
    assert consumer.state.delivered == (44, 36)


@pytest.mark.parametrize("by_us", [True, False])
def test_a_start_beyond_the_end_is_no_mistake(scratch: Path, by_us: bool) -> None:
    home = Home(scratch, config={"deliver_policy": "by_start_sequence", "opt_start_seq": 500})
    state = ConsumerState((0, 499), (0, 499))
    home.save(state, 1002.0)
    if not by_us:
        (home.folder / "o.dat").write_bytes(encode_consumer_state(state, NOW))
    assert home.recovered().state == state
    (consumer,) = home.recovery(last=LAST - 1).consumers
    assert consumer.state == state


def test_a_reset_beyond_the_end_is_none_either(scratch: Path) -> None:
    home = Home(scratch)
    state = ConsumerState((0, 499), (0, 499))
    home.save(state, 1002.0)
    assert home.recovered().state == state
    (consumer,) = home.recovery(last=LAST - 1).consumers
    assert consumer.state == state


def test_no_message_waits_for_years(scratch: Path) -> None:
    """A time from a wrong clock counts as now; a long delay stays."""
    home = Home(scratch)
    state = ConsumerState((0, 0), (3, 3), {1: (1, NOW + 9), 2: (2, NOW + 2 * LATEST_NS)})
    home.save(state, 1002.0)
    assert home.recovered().state.pending == {1: (1, NOW), 2: (2, NOW)}
    state.pending[2] = 2, NOW + LATEST_NS // 2 // SECOND * SECOND
    home.save(state, 1002.0)
    assert home.recovered().state.pending[2] == state.pending[2]


# -- the bytes ------------------------------------------------------------------------------------

SEQUENCES = st.integers(0, 1 << 62)


@given(
    st.tuples(SEQUENCES, SEQUENCES), st.tuples(SEQUENCES, SEQUENCES),
    st.dictionaries(
        st.integers(1, 1 << 20), st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 30))
    ),
    st.dictionaries(st.integers(1, 1 << 20), st.integers(1, 1 << 20)), SEQUENCES,
)  # fmt: skip
def test_a_file_says_what_was_written(
    floor: tuple[int, int], more: tuple[int, int], pending: dict[int, tuple[int, int]],
    redelivered: dict[int, int], last: int,
) -> None:  # fmt: skip
    reach = max(more[1], *pending, *redelivered, 0)
    state = ConsumerState(
        floor,
        (floor[0] + more[0], floor[1] + reach),
        {
            floor[1] + seq: (floor[0] + delivery, s * SECOND)
            for seq, (delivery, s) in pending.items()
        },
        {floor[1] + seq: times for seq, times in redelivered.items()},
    )
    key = name_key("S/c")
    found = read_state_file(with_tail(encode_consumer_state(state, NOW), last, key), key)
    assert found.state == state
    assert found.tail is not None
    assert (found.tail.ack_floor, found.tail.delivered) == (state.ack_floor, state.delivered)
    assert found.tail.stream_last == last
    other = read_state_file(with_tail(encode_consumer_state(state, NOW), last, key), name_key("d"))
    assert other.state is None, "a file of another consumer"


def test_a_damaged_name_is_no_path(scratch: Path) -> None:
    """The longest names fit into the quarantine, too."""
    home = Home(scratch)
    name = "é" * 127
    home.make(StoredConsumer(name, {"durable_name": name}, TRUE))
    path = home.config.folder / "obs" / name / "o.dat"
    path.write_bytes(b"damaged")
    (_, consumer) = home.recovery().consumers
    assert consumer.name == name and len(consumer.problems) == 1
    assert list(home.quarantined().values()) == [b"damaged"]


def test_what_nats_server_wrote_gets_a_copy(scratch: Path) -> None:
    config = FileConfig("S", scratch / "S")
    folder = config.folder / "obs" / "c"
    folder.mkdir(parents=True)
    meta = json.dumps({"Created": format_time_ns(NOW), "Name": "c", "durable_name": "c"}).encode()
    (folder / "meta.inf").write_bytes(meta)
    (folder / "meta.sum").write_bytes(meta_sum("S/c", meta))
    (folder / "o.dat").write_bytes(encode_consumer_state(TRUE, NOW))
    for _ in range(2):
        found = recover_consumers(config, Extent(LAST, lambda _: 1), NOW)
        (consumer,) = found.consumers
        assert (consumer.config, consumer.state) == ({"durable_name": "c"}, TRUE)
        assert consumer.problems == []
        assert (folder / "known.dat").exists()
        (folder / "meta.inf").write_bytes(meta)
    (folder / "meta.inf").unlink()
    (consumer,) = recover_consumers(config, Extent(LAST, lambda _: 1), NOW).consumers
    assert consumer.config == {"durable_name": "c"}
    assert (folder / "meta.inf").read_bytes() == meta


# -- changed keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", KEYS)
@pytest.mark.parametrize("after", [name for name in KEYS if KEYS[name] is not None])
def test_consumers_come_along_to_another_key(scratch: Path, before: str, after: str) -> None:
    """All that is kept of them, the copies too; nothing stays in the clear."""
    config = {"deliver_policy": "new", "description": "in the clear"}
    home = Home(scratch, KEYS[before], config)
    (home.config.folder / "obs" / "notes").write_text("x")
    write_new_stream(replace(home.config, folder=home.root / "made"), {"name": "S"})
    for path in (home.root / "made").iterdir():
        path.rename(home.config.folder / path.name)
    open_store(home.config).close()
    current, earlier = KEYS[after], KEYS[before]
    assert current is not None
    ring = KeyRing(current, (earlier,) if earlier is not None else ())
    home.config = replace(home.config, keys=current)
    for _ in range(2):
        finish(changing_key(home.config.folder, "S", ring))
        open_store(home.config).close()
        consumer = home.recovered()
        assert (consumer.state, consumer.problems) == (TRUE, [])
        assert consumer.config == config
        home.files = consumer.files
        home.save(TRUE, 1.0)
        inside = [b"in the clear" in path.read_bytes() for path in home.folder.iterdir()]
        assert not any(inside)
    for file in ("o.dat", "o.prev", "meta.inf"):
        (home.folder / file).unlink()
    consumer = home.recovered()
    assert consumer.config == config
    assert consumer.state == ConsumerState()  # behind which `Home` made it
