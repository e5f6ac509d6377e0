"""The folder that JetStream takes: the configured one, or one below the temporary folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from pynats_server.jetstream.context import FOLDER, STAGING
from pynats_server.jetstream.folders import root
from pynats_server.jetstream.folders.root import TEMPORARY, StoreFolderError, StoreInUse, take

from tests.support.deadline import wait_until_async
from tests.support.jetstream import jetstream_server
from tests.support.on_loop import on_loop


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_without_a_configured_folder_the_first_server_takes_the_usual_one(temporary: Path) -> None:
    first = take(None)
    assert first.store_dir == temporary / "nats"
    assert first.warnings == [TEMPORARY]
    first.release()
    again = take(None)
    assert again.store_dir == first.store_dir
    again.release()


def test_more_servers_without_a_configured_folder_get_folders_of_their_own(
    temporary: Path,
) -> None:
    servers = [take(None) for _ in range(3)]
    assert len({server.store_dir for server in servers}) == 3
    for server in servers[1:]:
        assert server.store_dir.parent == temporary
        assert server.warnings[0] == TEMPORARY
        assert "is in use by another server" in server.warnings[1]
        assert str(server.store_dir) in server.warnings[1]
    for server in servers:
        server.release()
    assert [path.name for path in temporary.iterdir()] == ["nats"]  # the empty ones are gone


def test_a_folder_of_its_own_with_streams_stays(temporary: Path) -> None:
    first, second = take(None), take(None)
    (second.store_dir / FOLDER / "$G").mkdir()
    second.release()
    first.release()
    assert (second.store_dir / FOLDER / "$G").is_dir()


def test_a_usual_folder_of_another_user_is_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary / "nats" / FOLDER).mkdir(parents=True)
    forbid(temporary / "nats" / FOLDER, monkeypatch)
    taken = take(None)
    assert taken.store_dir != temporary / "nats"
    assert "storage directory is not writable" in taken.warnings[1]
    taken.release()


def test_a_configured_folder_is_never_replaced_by_another(tmp_path: Path) -> None:
    first = take(tmp_path)
    with pytest.raises(StoreInUse, match="is in use by another server"):
        take(tmp_path)
    first.release()
    take(tmp_path).release()


def test_a_configured_folder_without_permission_is_refused_as_by_the_real_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FOLDER).mkdir()
    forbid(tmp_path / FOLDER, monkeypatch)
    with pytest.raises(StoreFolderError, match=r"^storage directory is not writable"):
        take(tmp_path)


@on_loop
async def test_what_a_crash_left_in_the_staging_folder_is_removed(tmp_path: Path) -> None:
    staging, elsewhere = tmp_path / FOLDER / STAGING, tmp_path / "elsewhere"
    deep = staging / "unfinished" / "obs" / "consumer"
    deep.mkdir(parents=True)
    elsewhere.mkdir()
    for path in (staging / "a file", staging / "unfinished" / ".hidden", deep / "o.dat"):
        path.write_text("left")
    (elsewhere / "kept").write_text("kept")
    (deep / "link").symlink_to(elsewhere)
    server = jetstream_server(tmp_path)
    await server.start()
    await wait_until_async(lambda: not list(staging.iterdir()), "the staging is empty")
    await server.shutdown()
    assert (elsewhere / "kept").exists()


def forbid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the right to write there away; root would keep it."""
    if os.geteuid():
        folder.chmod(0o500)
        return
    access = os.access
    monkeypatch.setattr(
        root.os,
        "access",
        lambda path, mode: Path(path) != folder and access(path, mode),
    )
