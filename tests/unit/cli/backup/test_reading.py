"""Archives of messages as backups are read: whole, cut off, damaged, in parts."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.opening import open_source
from pynats_cli.jetstream.backup.parts import Part, Parts, Progress, ranges
from pynats_cli.jetstream.backup.reading import archive_entries, summarize
from pynats_cli.jetstream.backup.source import digest_of
from pynats_cli.jetstream.backup.writing import Writer, encoded
from pynats_common import s2
from pynats_common.archive import STATE, Entry

META = {"config": {"name": "S", "subjects": ["s.>"], "storage": "file"}}


def state(**fields: Any) -> Entry:
    return Entry(STATE, 1, 0, b"", json.dumps(fields).encode())


def messages(*sequences: int) -> list[Entry]:
    return [Entry(b"s.%d" % (seq % 3), seq * 1000, seq, b"", b"body %d" % seq) for seq in sequences]


def consumer(name: str) -> Entry:
    body = json.dumps({"config": {"name": name}, "state": {}}).encode()
    return Entry(b"consumers/" + name.encode(), 1, 0, b"", body)


def written(path: Path, entries: list[Entry]) -> Path:
    path.write_bytes(b"".join(encoded(entries)))
    return path


entry_lists = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=20),
        st.integers(-(1 << 62), 1 << 62),
        st.integers(1, 50),
        st.binary(max_size=40),
        st.binary(max_size=300),
    ),
    max_size=30,
)


@given(entry_lists)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, fields: list[Any]) -> None:
    steps = itertools.accumulate(step for _, _, step, _, _ in fields)
    entries = [state(), consumer("C")] + [
        Entry(name, ts, seq, headers, payload)
        for (name, ts, _, headers, payload), seq in zip(fields, steps, strict=True)
    ]
    assert list(archive_entries(written(tmp_path / "a", entries))) == entries
    writer = Writer(tmp_path / "part")
    for entry in entries:
        writer.add(entry)
    size = writer.finish(tmp_path / "b")
    assert size == (tmp_path / "b").stat().st_size
    assert list(archive_entries(tmp_path / "b")) == entries


def test_an_archive_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", [state(), *messages(1, 2, 3)]).read_bytes()
    cut = tmp_path / "cut"
    for size in range(len(whole)):
        cut.write_bytes(whole[:size])
        with pytest.raises(CliError, match="not an intact archive"):
            list(archive_entries(cut))


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", [state(), *messages(1, 2, 3)]).read_bytes()
    damaged = tmp_path / "damaged"
    for at in range(len(whole)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(CliError):
            list(archive_entries(damaged))


def test_the_last_good_entry_is_named(tmp_path: Path) -> None:
    good = b"".join(encoded([state(), *messages(1, 2)]))
    # Chunks of S2 of their own: the last one is damaged.
    bad = s2.IDENTIFIER + b"".join(
        s2.encode_chunks(piece) for piece in (s2.decode_stream(good, 1 << 20)[:-5], b"\x03\x02\x03")
    )
    (tmp_path / "bad").write_bytes(bad)
    with pytest.raises(CliError, match=r"last good entry: message 2 on s\.2"):
        list(archive_entries(tmp_path / "bad"))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (messages(1), "does not begin with the state"),
        ([state(), *messages(2, 1)], "sequence 1 is out of order"),
        ([state(), *messages(1, 1)], "sequence 1 is out of order"),
        ([state(), Entry(b"other", 1, 0, b"", b"{}")], "unexpected"),
        ([state(), state()], "unexpected"),
    ],
)
def test_what_no_server_writes_is_refused(
    tmp_path: Path, entries: list[Entry], reason: str
) -> None:
    with pytest.raises(CliError, match=reason):
        list(archive_entries(written(tmp_path / "a", entries)))


def test_what_follows_the_end_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "a", [state()])
    path.write_bytes(path.read_bytes() + b"x" * (1 << 17))
    with pytest.raises(CliError):
        list(archive_entries(path))


def test_an_archive_of_files_is_told_from_one_of_messages(tmp_path: Path) -> None:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("meta.inf"))
    (tmp_path / "old").write_bytes(s2.encode_stream(buffer.getvalue()))
    with pytest.raises(CliError, match="holds files, not messages"):
        list(archive_entries(tmp_path / "old"))


def test_a_summary_counts_what_is_there() -> None:
    entries = [state(messages=3), consumer("C"), *messages(4, 5, 9)]
    summary = summarize(META, iter(entries))
    assert summary.ok_line() == (
        "OK: 6 entries, 1 consumers, 3 messages, 3 subjects, sequences 4 to 9"
    )
    assert summary.size == sum(30 + 3 + 6 for _ in range(3))
    assert not summary.advisory
    assert summarize(META, iter([state(), *messages(1)])).advisory


def test_both_names_of_archives_are_read(tmp_path: Path) -> None:
    folders.write_meta(tmp_path, META)
    written(tmp_path / folders.TAR, [state(), *messages(1)])
    assert len(list(open_source(tmp_path).entries())) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": {}}', '{"config": []}'])
def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / folders.META).write_text(text)
    with pytest.raises(CliError):
        open_source(tmp_path)


def test_a_digest_that_is_not_the_noted_one_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / folders.ARCHIVE, [state(), *messages(1)])
    folders.write_meta(tmp_path, {**META, "archive": {"digest": digest_of(path), "bytes": 1}})
    open_source(tmp_path).check_digests()
    written(path, [state(), *messages(2)])
    with pytest.raises(CliError, match="digest"):
        open_source(tmp_path).check_digests()


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_their_sequences(sequences: set[int]) -> None:
    made = ranges(list(sequences))
    assert {seq for first, last in made for seq in range(first, last + 1)} == sequences
    assert all(later[0] > earlier[1] + 1 for earlier, later in itertools.pairwise(made))


@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)), st.integers(1, 45))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_parts_are_the_stream_as_it_was_at_the_last_run(
    tmp_path: Path, there: set[int], removed: set[int], first: int
) -> None:
    parts = []
    for begin in (1, 11, 21, 31):
        name = f"messages-{begin}.arc.s2"
        kept = messages(*sorted(there & set(range(begin, begin + 10))))
        written(tmp_path / name, [state(), *kept])
        parts.append(Part(name, begin, begin + 9, len(kept), 1, ""))
    progress = Progress("now", parts, 40, True, 40, ranges(list(removed)), [])
    described = {"first_seq": first, "last_seq": 30}
    meta = {**META, "state": described, "incremental": progress.as_dict()}
    found = [entry.seq for entry in Parts(tmp_path, meta).entries() if entry.seq]
    assert found == sorted(seq for seq in there - removed if first <= seq <= 30)


def test_an_interrupted_backup_is_not_restored(tmp_path: Path) -> None:
    progress = Progress("now", [], upto=3, target=9)
    meta = {**META, "incremental": progress.as_dict()}
    with pytest.raises(CliError, match="interrupted at sequence 3 of 9"):
        list(Parts(tmp_path, meta).entries())


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"parts": [{"file": "../x"}]},
        {"parts": [{"file": "a/b", "first_seq": 1, "last_seq": 1, "messages": 1, "bytes": 1,
                    "digest": ""}]},
        {"removed": [[1]]},
        {"upto": None},
    ],
)  # fmt: skip
def test_what_is_noted_of_parts_is_checked(change: dict[str, Any]) -> None:
    with pytest.raises(CliError):
        Progress.read({**Progress("now").as_dict(), **change})
