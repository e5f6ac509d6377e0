"""A recording shows what was to be seen."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pynats_top.collect.poller import Poller
from pynats_top.collect.record import RecordedSource, Recording
from pynats_top.collect.replay import END, ReplaySource
from pynats_top.collect.source import PARTS, Poll, SourceError, Want
from pynats_top.collect.stored import read_recording
from pynats_top.model.figures import Snapshot
from pynats_top.options import TopOptions

from tests.top.recorded import FILES, last, polls

FILE = FILES[0]


def replayed(source: RecordedSource | ReplaySource) -> list[Snapshot]:
    """The snapshots of all its polls."""

    async def show() -> list[Snapshot]:
        poller = Poller(source, TopOptions(), lambda: None)
        found = []
        while await poller.poll():
            assert poller.snapshot is not None
            found.append(poller.snapshot)
        assert poller.error == END
        return found

    return asyncio.run(show())


def test_a_replay_equals_what_was_recorded(tmp_path: Path) -> None:
    path = str(tmp_path / "top.jsonl")
    recording = Recording(path)
    shown = replayed(RecordedSource(ReplaySource("one", polls(FILE)), recording))
    recording.close()
    with closing(read_recording(path)["one"]) as stored:
        again = replayed(ReplaySource("one", stored))
    assert again == shown
    assert len(shown) == 2
    assert shown[-1].slow
    assert stat.S_IMODE((tmp_path / "top.jsonl").stat().st_mode) == 0o600


def test_a_recording_keeps_no_jwt(tmp_path: Path) -> None:
    path = tmp_path / "top.jsonl"
    poll = Poll(
        1.0,
        {"trusted_operators_jwt": ["eyJ"], "cpu": 1.5},
        connz={"connections": [{"cid": 1, "jwt": "eyJ"}, 3]},
    )
    recording = Recording(str(path))
    recording.write("a", poll)
    recording.close()
    assert "eyJ" not in path.read_text()
    with closing(read_recording(str(path))["a"]) as stored:
        assert stored[0].connz == {"connections": [{"cid": 1}, 3]}
        assert stored[0].varz == {"cpu": 1.5}


def test_a_file_that_was_there_is_its_owners_as_well(tmp_path: Path) -> None:
    path = tmp_path / "top.jsonl"
    path.write_text("old")
    path.chmod(0o644)
    Recording(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.read_text()


def test_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nobody reads this pipe"):
        Recording(str(tmp_path / "pipe"))


def test_a_poll_that_is_not_written_as_a_whole_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "top.jsonl"
    recording = Recording(str(path))
    recording.write("a", Poll(1.0))
    write = os.write
    room = [10]

    def full(file: int, data: memoryview) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: room.pop()])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        recording.write("a", Poll(2.0))
    monkeypatch.undo()
    recording.write("a", Poll(3.0))
    recording.close()
    recording.write("a", Poll(4.0))  # a poll that ran until then
    with closing(read_recording(str(path))["a"]) as stored:
        assert [poll.at for poll in stored] == [1.0, 3.0]


def test_a_recording_comes_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(FILE.read_bytes()))
    writer.start()
    with closing(read_recording(str(pipe))[FILE.stem]) as stored:
        assert list(stored) == polls(FILE)
    writer.join()


def test_a_line_in_the_middle_that_is_no_poll(tmp_path: Path) -> None:
    """It is told when it would be shown; those behind it can be seen."""
    path = tmp_path / "top.jsonl"
    good = FILE.read_bytes().splitlines(keepends=True)
    broken = b'{"v":1,"source":"%s","at":2.0,"varz":{]}\n' % FILE.stem.encode()
    path.write_bytes(good[0] + broken + good[1])

    async def show(source: ReplaySource) -> None:
        poller = Poller(source, TopOptions(), lambda: None)
        assert await poller.poll()
        assert not await poller.poll()
        assert poller.error == f"{path}:2: no valid JSON: not a recording"
        assert await poller.poll()
        await poller.go_to(1)
        assert poller.error == f"{path}:2: no valid JSON: not a recording"

    with closing(read_recording(str(path))[FILE.stem]) as stored:
        asyncio.run(show(ReplaySource("one", stored)))


def test_steps_and_places() -> None:
    async def show() -> None:
        source = ReplaySource("one", polls(FILE), speed=2.0)
        poller = Poller(source, TopOptions(), lambda: None)
        await poller.poll()
        gap = polls(FILE)[1].at - polls(FILE)[0].at
        assert source.due_in_s(1.0) == pytest.approx(gap / 2)
        await poller.go_to(1)
        assert poller.place == (1, 2)
        assert poller.snapshot == last(FILE)[1]
        await poller.go_to(0)
        assert poller.place == (0, 2)
        assert poller.snapshot is not None
        assert poller.snapshot.seconds == 0
        await poller.go_to(99)
        assert poller.place == (1, 2)
        with pytest.raises(SourceError, match="ends here"):
            await source.poll(Want(parts=frozenset(PARTS)))
        cid = poller.snapshot.connections[0].cid
        assert (await source.connection(cid) or {})["cid"] == cid
        assert await source.connection(999_999) is None

    asyncio.run(show())


def test_a_recorder_that_was_stopped_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_text(FILE.read_text() + '{"v":1,"varz":{')
    with closing(read_recording(str(path))[FILE.stem]) as stored:
        assert len(stored) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no polls"),
        ("hello\n", ":1: no valid JSON: not a recording"),
        ('{"v":1', ":1: no valid JSON: not a recording"),
        ("\0" * 9, ":1: no valid JSON: not a recording"),
        ('{"v":2,"varz":{}}\n', "newer version"),
        ("[]\n", ":1: no poll: not a recording"),
        (json.dumps({"varz": 1}) + "\n", ":1: no poll: not a recording"),
        ("[" * 100_000 + "\n", ":1: no valid JSON: not a recording"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        read_recording(str(path))
    assert words in str(caught.value)
