"""`pynats-server store` tells of every loss and damage what a start of the server tells, changes
only what is asked for, and keeps away from a running server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.process.flags import Command, parse_command_line

from tests.support.crashdisk import QuickDisk
from tests.support.jetstream import jetstream_server

COUNT = 40
GONE = 3  # deleted, in the first block
META = {"name": "S", "subjects": ["s.*"]}


class Home:
    """A store with the stream $G/S in several small blocks, and a sound one, $G/T."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self.dir = folder / "store"
        keys = Keys(key, "$G", "chacha") if key else None
        streams = self.dir / "jetstream" / "$G" / "streams"
        self.config = FileConfig("S", streams / "S", block_size=400, keys=keys)
        self.owners: dict[int, range] = {}
        for config in (self.config, FileConfig("T", streams / "T", block_size=400, keys=keys)):
            store = FileStore(config, disk=QuickDisk())
            for seq in range(1, COUNT + 1):
                store.append(b"s.1", None, b"%04d" % seq * 8, seq)
            store.remove(GONE)
            store.write_meta({**META, "name": config.name})
            store.close()
            self.owners = {b.index: range(b.first_seq, b.last_seq + 1) for b in store.blocks}
        self.first = self.messages / "1.blk"
        self.good = self.first.read_bytes()
        self.lost = sorted(set(self.owners[1]) - {GONE})

    @property
    def messages(self) -> Path:
        return self.config.folder / "msgs"

    def contents(self) -> dict[str, tuple[bytes, int]]:
        return {
            str(path.relative_to(self.dir)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.dir.rglob("*")
            if path.is_file()
        }

    def started(self) -> FileStore:
        return FileStore(self.config, disk=QuickDisk())

    def run(self, command: str, *more: str) -> Command:
        return parse_command_line(["store", command, str(self.dir), *more], "pynats-server")

    def json(self, command: str, *more: str) -> Any:
        return json.loads(self.run(command, "--json", *more).stdout)

    def of_s(self) -> Any:
        (found,) = [one for one in self.json("check")["streams"] if one["stream"] == "S"]
        return found

    def quarantine(self, content: bytes) -> Path:
        folder = self.config.folder / "quarantine"
        folder.mkdir(exist_ok=True)
        path = folder / "1.blk.0123456789abcdef"
        path.write_bytes(content)
        return path


def sequences(ranges: list[Any]) -> list[int]:
    return [seq for one in ranges for seq in range(one["first_seq"], one["last_seq"] + 1)]


def test_a_sound_store(tmp_path: Path) -> None:
    home = Home(tmp_path)
    before = home.contents()
    done = home.run("check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("2 streams, all sound\n")
    found = home.of_s()
    assert found["sound"] and found["index"] == "current"
    assert found["ledger"].startswith("knows ")
    assert (found["messages"], found["first_seq"], found["last_seq"]) == (COUNT - 1, 1, COUNT)
    assert home.contents() == before


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:150])


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("spoil", [Path.unlink, _flip, _half, lambda path: path.write_bytes(b"")])
def test_it_names_what_a_server_names(
    tmp_path: Path, spoil: Callable[[Path], object], indexed: bool
) -> None:
    home = Home(tmp_path)
    if not indexed:
        (home.messages / "index.db").unlink()
    spoil(home.first)
    before = home.contents()
    done = home.run("check")
    found = home.of_s()
    assert home.contents() == before
    store = home.started()
    for seq in range(1, COUNT + 1):  # what an index vouches for shows when it is read
        with contextlib.suppress(StoreError):
            store.load(seq)
    lost = list(store.lost)
    assert sequences(found["lost"]) == lost
    assert found["messages"] == store.msgs
    assert found["last_seq"] == store.last_seq
    assert found["sound"] == (not lost and not found["damaged_blocks"])
    assert done.exit_code == (0 if found["sound"] else 1)
    if indexed:
        assert lost and f"lost: {lost[0]}" in done.stdout
    store.close()


def test_what_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.first.unlink()
    home.first.mkdir()
    done = home.run("check")
    found = home.of_s()
    assert done.exit_code == 1 and not found["lost"]
    assert any("1.blk cannot be read" in reason for reason in found["unavailable"])


def test_what_a_kill_has_cut_off_is_no_damage(tmp_path: Path) -> None:
    home = Home(tmp_path)
    newest = max(home.messages.glob("*.blk"), key=lambda path: int(path.stem))
    newest.write_bytes(newest.read_bytes() + bytes(20))
    before = home.contents()
    assert home.run("check").exit_code == 0
    assert home.of_s()["damaged_blocks"] == []
    assert home.contents() == before


def test_odd_and_kept_files_are_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.messages / "01.blk").touch()
    kept = home.quarantine(b"kept")
    (home.config.folder / "meta.inf").write_bytes(b"{")
    found = home.of_s()
    assert found["strays"] == ["01.blk"]
    assert found["quarantine"] == [kept.name]
    assert "meta.sum" in found["configuration_error"]
    assert home.run("check").exit_code == 1


def test_acknowledged_losses_are_told_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.first.unlink()
    before = home.contents()
    asked = home.run("acknowledge-loss")
    assert asked.exit_code == 1 and "--yes" in asked.stderr
    assert home.run("acknowledge-loss", "--yes", "--stream", "$G/T").exit_code == 0
    assert home.contents() == before
    done = home.run("acknowledge-loss", "--yes", "--stream", "$G/S")
    assert done.exit_code == 0
    assert done.stdout == f"$G/S: acknowledged 1-{GONE - 1}, {GONE + 1}-{home.lost[-1]}\n"
    found = home.of_s()
    assert found["sound"] and not found["lost"]
    assert sequences(found["acknowledged"]) == home.lost
    for _ in range(2):
        store = home.started()
        assert not store.lost and store.problems == []
        assert store.msgs == COUNT - 1 - len(home.lost)
        store.close()
    again = home.run("acknowledge-loss", "--yes")
    assert again.stdout == "nothing is lost that was not acknowledged\n"


@pytest.mark.parametrize("left", [None, b"", bytes(300)])
def test_a_block_comes_back_from_the_quarantine(tmp_path: Path, left: bytes | None) -> None:
    home = Home(tmp_path)
    home.first.unlink()
    if left is not None:
        home.first.write_bytes(left)
    home.quarantine(home.good)
    done = home.run("restore-quarantined")
    assert done.exit_code == 0 and "is 1.blk again" in done.stdout
    assert home.first.read_bytes() == home.good
    store = home.started()
    assert not store.lost
    assert [seq for seq, _ in store.oldest()] == [s for s in range(1, COUNT + 1) if s != GONE]
    store.close()
    again = home.run("restore-quarantined")
    assert again.stdout == "nothing in quarantine is missing elsewhere\n"


def test_a_damaged_file_that_gives_way_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _half(home.first)
    half = home.first.read_bytes()
    home.quarantine(home.good)
    assert "is 1.blk again" in home.run("restore-quarantined").stdout
    kept = [path.read_bytes() for path in (home.config.folder / "quarantine").iterdir()]
    assert sorted(kept) == sorted([half, home.good])


def test_nothing_that_was_removed_comes_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    store = home.started()
    store.purge(up_to=home.owners[2][0])  # 1.blk goes
    store.close()
    assert not home.first.exists()
    last = max(home.owners)
    (home.messages / f"{last}.blk").unlink()
    home.quarantine(home.good)
    before = home.contents()
    done = home.run("restore-quarantined")
    assert done.exit_code == 0 and "again" not in done.stdout
    assert home.contents() == before


def test_nothing_that_is_there_gives_way(tmp_path: Path) -> None:
    home = Home(tmp_path)
    other = FileConfig("S", tmp_path / "S", block_size=400)
    store = FileStore(other, disk=QuickDisk())
    store.append(b"s.1", None, b"something else", 5)
    store.close()
    shutil.copy(tmp_path / "S" / "msgs" / "1.blk", home.first)
    home.quarantine(home.good)
    before = home.contents()
    done = home.run("restore-quarantined")
    assert "not put back" in done.stdout
    assert home.contents() == before


def test_a_folder_that_a_server_works_in_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        home = Home(tmp_path)
        async with jetstream_server(home.dir):
            for command in ("check", "acknowledge-loss", "restore-quarantined"):
                done = home.run(command, "--yes")
                assert done.exit_code == 1 and done.stdout == ""
                assert "in use by a server" in done.stderr and done.stderr.count("\n") == 1
        assert home.run("check").exit_code == 0

    asyncio.run(run())


def test_encrypted_streams_need_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, key="secret")
    done = home.run("check")
    assert done.exit_code == 1 and "encrypted" in done.stdout and "-c" in done.stdout
    config = tmp_path / "server.conf"
    config.write_text(f'jetstream {{ store_dir: "{home.dir}", key: $STORE_KEY }}')
    monkeypatch.setenv("STORE_KEY", "secret")
    done = parse_command_line(["store", "check", "-c", str(config)], "pynats-server")
    assert (done.exit_code, done.stderr) == (0, "")
    before = parse_command_line(["-c", str(config), "store", "check"], "pynats-server")
    assert before.stdout == done.stdout
    monkeypatch.setenv("STORE_KEY", "another")
    done = home.run("check", "-c", str(config))
    assert done.exit_code == 1 and "does not open it" in done.stdout


@pytest.mark.parametrize("spoil", [Path.unlink, _flip])
def test_a_damaged_key_of_an_encrypted_stream(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    home = Home(tmp_path, key="secret")
    spoil(home.config.folder / "meta.key")
    config = tmp_path / "server.conf"
    config.write_text('jetstream { key: "secret" }')
    done = home.run("check", "-c", str(config), "--json")
    (found,) = [one for one in json.loads(done.stdout)["streams"] if one["stream"] == "S"]
    assert done.exit_code == 1 and not found["lost"]
    assert found["messages"] == COUNT - 1
    assert "configuration_error" in found


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["store"], 2, "Usage: "),
        (["store", "chekc", "x"], 1, "unrecognized command: store \"chekc\" (did you mean"),
        (["store", "check"], 2, "name the store's folder"),
        (["store", "check", "/nowhere"], 1, "/nowhere/jetstream cannot be looked at"),
        (["store", "check", "a", "b"], 2, "one folder at a time"),
        (["store", "check", "--jsn", "a"], 2, "did you mean --json?"),
        (["store", "check", "-c", "/nowhere.conf"], 1, "/nowhere.conf"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_a_line(words: list[str], code: int, text: str) -> None:
    done = parse_command_line(words, "pynats-server")
    assert done.exit_code == code and done.stdout == ""
    assert text in done.stderr
    if words != ["store"]:
        assert done.stderr.startswith("pynats-server: ") and done.stderr.count("\n") == 1


def test_an_unknown_stream_is_told(tmp_path: Path) -> None:
    done = Home(tmp_path).run("check", "--stream", "$G/X")
    assert done.exit_code == 1 and "there is no stream '$G/X'" in done.stderr


def test_help_tells_of_it() -> None:
    assert "store --help" in parse_command_line(["--help"], "pynats-server").stdout
    shown = parse_command_line(["store", "--help"], "pynats-server")
    assert shown.exit_code == 0
    for word in ("check", "acknowledge-loss", "restore-quarantined", "--stream", "--json"):
        assert word in shown.stdout
