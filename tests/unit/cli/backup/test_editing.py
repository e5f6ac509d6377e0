"""Edited copies of backups: what is kept, and names that are hidden."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.editing import Editing
from pynats_cli.jetstream.backup.obfuscation import Obfuscator
from pynats_cli.jetstream.backup.opening import open_source
from pynats_cli.jetstream.backup.selection import (
    COMPACTION,
    HEADER,
    LAST,
    PAYLOAD,
    SEQUENCE,
    SUBJECT,
    TIME,
    Selection,
    Wish,
)
from pynats_common.archive import Entry

from tests.unit.cli.backup.test_reading import META, consumer, messages, state, written


def kept(wish: Wish, entries: list[Entry]) -> tuple[list[int], dict[str, int]]:
    selection = Selection(wish)
    for _ in selection.look(entries):
        pass
    selection.finish()
    return [each.seq for each in selection.kept(entries)], dict(+selection.dropped)


def with_headers(seq: int, *lines: str) -> Entry:
    block = "\r\n".join(["NATS/1.0", *lines, "", ""]).encode()
    return Entry(b"s", seq, seq, block, b"")


def test_messages_are_dropped_for_one_reason_each() -> None:
    entries = messages(*range(1, 10))
    assert kept(Wish(first_seq=3, last_seq=8, exclude_subjects=("s.1",)), entries) == (
        [3, 5, 6, 8],
        {SEQUENCE: 3, SUBJECT: 2},
    )
    assert kept(Wish(after_ns=3000, before_ns=5000), entries) == ([3, 4], {TIME: 7})
    assert kept(Wish(payloads=("[12]$", "9"), exclude_payloads=("1",)), entries) == (
        [2, 9],
        {PAYLOAD: 7},
    )
    assert kept(Wish(subjects=("s.0", "s.2")), entries) == ([2, 3, 5, 6, 8, 9], {SUBJECT: 3})


def test_headers_are_looked_at() -> None:
    entries = [with_headers(1, "A: x"), with_headers(2, "A:y", "B: z"), *messages(3)]
    assert kept(Wish(headers=("A",)), entries) == ([1, 2], {HEADER: 1})
    assert kept(Wish(headers=("A:y", "C")), entries) == ([2], {HEADER: 2})
    assert kept(Wish(exclude_headers=("B",)), entries) == ([1, 3], {HEADER: 1})


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 4))
def test_the_newest_of_each_subject_are_kept(subjects: list[str], most: int) -> None:
    entries = [Entry(s.encode(), i, i, b"", b"") for i, s in enumerate(subjects, start=1)]
    wanted = sorted(
        seq
        for subject in set(subjects)
        for seq in [i for i, s in enumerate(subjects, start=1) if s == subject][-most:]
    )
    found, dropped = kept(Wish(last_per_subject=most), entries)
    assert found == wanted
    assert dropped.get(LAST, 0) == len(subjects) - len(wanted)


def test_a_compacted_bucket_has_living_keys_only() -> None:
    entries = [
        Entry(b"$KV.B.a", 1, 1, b"", b"1"),
        Entry(b"$KV.B.b", 2, 2, b"", b"1"),
        Entry(b"$KV.B.a", 3, 3, b"", b"2"),
        Entry(b"$KV.B.b", 4, 4, b"NATS/1.0\r\nKV-Operation: DEL\r\n\r\n", b""),
        Entry(b"$KV.B.c", 5, 5, b"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n", b""),
        Entry(b"$KV.B.c", 6, 6, b"", b"again"),
    ]
    assert kept(Wish(kv_compact=True), entries) == ([3, 6], {COMPACTION: 4})


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Wish(subjects=("a..b",)), 'invalid subject filter "a..b"'),
        (Wish(payloads=("(",)), r'invalid payload expression "\("'),
        (Wish(first_seq=8, last_seq=3), "is above"),
        (Wish(after_ns=2, before_ns=2), "must be earlier"),
        (Wish(kv_compact=True), "needs the backup of a bucket"),
        (Wish(kv_compact=True, last_per_subject=1), "exclude each other"),
    ],
)
def test_wishes_that_contradict_are_refused(wish: Wish, reason: str) -> None:
    with pytest.raises(CliError, match=reason):
        wish.check(META["config"])


def backup(folder: Path, meta: dict[str, Any], entries: list[Entry]) -> Path:
    folder.mkdir()
    folders.write_meta(folder, meta)
    written(folder / folders.ARCHIVE, entries)
    return folder


def test_the_copy_tells_what_it_holds(tmp_path: Path) -> None:
    entries = [state(last_seq=12, messages=9), consumer("C"), *messages(*range(1, 10))]
    source = open_source(backup(tmp_path / "a", META, entries))
    edited = Editing(source, Wish(subjects=("s.1",))).run(tmp_path / "b")
    assert edited.last_seq == 12
    copy = open_source(tmp_path / "b")
    copy.check_digests()
    found = list(copy.entries())
    assert found[1:] == [consumer("C"), *messages(1, 4, 7)]
    told = json.loads(found[0].payload)
    assert (told["messages"], told["first_seq"], told["last_seq"]) == (3, 1, 12)
    assert copy.meta["edit"]["options"] == ["subject=s.1"]
    assert copy.meta["edit"]["source_digest"] == source.digest()


def test_renumbered_copies_have_no_consumers(tmp_path: Path) -> None:
    entries = [state(last_seq=12), consumer("C"), *messages(*range(1, 10))]
    source = open_source(backup(tmp_path / "a", META, entries))
    edited = Editing(source, Wish(first_seq=5, renumber=True)).run(tmp_path / "b")
    assert (edited.consumers_dropped, edited.last_seq) == (1, 5)
    found = [entry for entry in open_source(tmp_path / "b").entries() if entry.seq]
    assert [entry.seq for entry in found] == [1, 2, 3, 4, 5]
    assert found[0].payload == b"body 5"


def test_a_failed_edit_leaves_nothing(tmp_path: Path) -> None:
    folder = backup(tmp_path / "a", META, [state(), *messages(1)])
    data = (folder / folders.ARCHIVE).read_bytes()
    (folder / folders.ARCHIVE).write_bytes(data[:-3])
    with pytest.raises(CliError):
        Editing(open_source(folder), Wish()).run(tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_names_are_hidden_in_the_form_of_the_original() -> None:
    """The hash of the original: keys of either tool explain backups of the other."""
    # Of a key file that the original wrote.
    secret = base64.b64decode("ClyxdTomYECJ5u9naxmh3NlvURUUeAnzAD1/vVFEiaE=")
    hidden = Obfuscator(secret)
    assert [hidden.name(text) for text in ("S", "C1", "10")] == [
        "lh0c9899kgofi5ra", "0u1e9el3m1e6639c", "ee25jep9q0ap3vfh",
    ]  # fmt: skip
    made = hidden.subject("orders.*.{{wildcard(1)}}.>")
    token = hidden.name("orders")
    assert made == f"{token}.*.{{{{wildcard(1)}}}}.>"
    assert len(token) == 16
    assert hidden.stream("KV_B") == "KV_" + hidden.name("B")
    assert hidden.subject("$KV.B.k") == f"$KV.{hidden.name('B')}.{hidden.name('k')}"
    assert hidden.subject("$O.B.C.x").startswith(f"$O.{hidden.name('B')}.C.")
    assert len(hidden.name("8Yfzb8cyzfQEC1UZaSHhHg")) == 22
    assert hidden.meaning(f"{token}.none") == "orders.none"
    assert hidden.meaning(hidden.stream("KV_B")) == "KV_B"


def test_headers_that_tell_what_to_do_are_kept() -> None:
    hidden = Obfuscator(b"x" * 32)
    made = hidden.message(with_headers(1, "Nats-TTL: 1h", "Foo: bar", "KV-Operation: DEL"), False)
    assert (
        made.headers
        == (
            f"NATS/1.0\r\nFoo: {hidden.name('bar')}\r\nKV-Operation: DEL\r\nNats-TTL: 1h\r\n\r\n"
        ).encode()
    )


def test_nothing_secret_is_in_an_obfuscated_copy(tmp_path: Path) -> None:
    config = {
        **META["config"], "name": "TOPSECRET", "description": "plain words",
        "metadata": {"who": "alice"}, "subjects": ["hush.>"],
        "placement": {"cluster": "basement"}, "republish": {"src": "hush.>", "dest": "gossip.>"},
        "sources": [{"name": "ORIGIN", "filter_subject": "hush.one"}],
        "mirror": {"name": "OTHER", "external": {"api": "$JS.far.API", "deliver": ""}},
    }  # fmt: skip
    about = {
        "config": {"name": "WORKER", "durable_name": "WORKER", "description": "plain words",
                   "filter_subject": "hush.one", "metadata": {"who": "alice"}},
        "state": {"delivered": {"consumer_seq": 1, "stream_seq": 1}},
    }  # fmt: skip
    entries = [
        state(last_seq=2),
        Entry(b"consumers/WORKER", 1, 0, b"", json.dumps(about).encode()),
        Entry(b"hush.one", 1, 1, b"NATS/1.0\r\nWho: alice\r\n\r\n", b"body of it"),
    ]
    source = open_source(backup(tmp_path / "a", {"config": config}, entries))
    edited = Editing(source, Wish(), Obfuscator()).run(tmp_path / "b")
    assert edited.padded == 1
    said = (tmp_path / "b" / folders.META).read_bytes()
    said += b"".join(b"%r" % (entry,) for entry in open_source(tmp_path / "b").entries())
    for word in ("TOPSECRET", "plain words", "alice", "hush", "basement", "gossip", "ORIGIN",
                 "OTHER", "far", "WORKER", "body"):  # fmt: skip
        assert word.encode() not in said, word
    keys = tmp_path / "b.keys.json"
    assert edited.key_file == keys
    assert keys.stat().st_mode & 0o077 == 0
    again = Obfuscator.load(keys)
    assert again.meaning(json.loads((tmp_path / "b" / folders.META).read_text())["config"]["name"])
    assert repr(again).count(again.secret.hex()) == 0


def test_counters_keep_their_values() -> None:
    hidden = Obfuscator(b"x" * 32)
    entry = Entry(b"c", 1, 1, b"NATS/1.0\r\nNats-Incr: 5\r\n\r\n", b'{"val":"5"}')
    assert hidden.message(entry, True).payload == entry.payload
    assert hidden.message(entry, True).headers == entry.headers
