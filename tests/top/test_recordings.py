"""A recording shows what was to be seen."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from pynats_top.collect.poller import Poller
from pynats_top.collect.record import RecordedSource, Recording
from pynats_top.collect.replay import END, ReplaySource, read_recording
from pynats_top.collect.source import PARTS, SourceError, Want
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
    again = replayed(ReplaySource("one", read_recording(path)["one"]))
    assert again == shown
    assert len(shown) == 2
    assert shown[-1].slow
    assert stat.S_IMODE((tmp_path / "top.jsonl").stat().st_mode) == 0o600


def test_a_recording_keeps_no_jwt(tmp_path: Path) -> None:
    path = tmp_path / "top.jsonl"
    poll = polls(FILE)[0]
    poll = type(poll)(1.0, {}, connz={"connections": [{"cid": 1, "jwt": "eyJ"}, 3]})
    recording = Recording(str(path))
    recording.write("a", poll)
    recording.close()
    assert "eyJ" not in path.read_text()
    assert read_recording(str(path))["a"][0].connz == {"connections": [{"cid": 1}, 3]}


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
    assert len(read_recording(str(path))[FILE.stem]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no polls"),
        ("hello\n", ":1: no valid JSON: not a recording"),
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
