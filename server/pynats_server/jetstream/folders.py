"""Folders of streams on the disk: moved into place, changed, removed.

Everything here waits for the disk: it is for threads, never for the loop.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path

from pynats_server.jetstream.figures import OnDisk
from pynats_server.jetstream.store.file import disk
from pynats_server.jetstream.store.file.disk import Disk, make_durable_folder, move_durably

DISK = Disk()


def has_streams(folder: Path) -> bool:
    """Whether a folder is an account's and has streams. Other folders may be there too, perhaps
    unreadable, such as lost+found."""
    try:
        return any(path.is_dir() for path in (folder / "streams").iterdir())
    except OSError:
        return False


def look_at_disk(
    store: Path, staging: Path, served: Container[str], streams: Iterable[Path]
) -> OnDisk:
    """An account's folder has `streams` in it; others, such as lost+found, do not. `served`
    are the accounts with JetStream, `streams` the folders whose quarantine counts. Raises
    OSError."""
    folders = [path for path in _entries(store) if path != staging]
    accounts = [path.name for path in folders if (path / "streams").is_dir()]
    unserved = [
        (account, path.name)
        for account in accounts
        if account not in served
        for path in _entries(store / account / "streams")
        if path.is_dir()
    ]
    counts = ((folder, len(_entries(folder / "quarantine"))) for folder in streams)
    return OnDisk(
        accounts=accounts,
        unserved=unserved,
        quarantined={folder: count for folder, count in counts if count},
    )


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def move_in(built: Path, folder: Path) -> None:
    """Moves a stream's folder to its place, durably. On an error it is moved back."""
    make_durable_folder(folder.parent)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"files of an earlier stream are in the way of {folder.name!r}")
    move_durably(DISK, built, folder)


def put_aside(folder: Path, doomed: Path) -> OSError | None:
    """Renames a folder that is to be removed, so that a crash leaves no half of a stream under its
    name. Raises OSError if the folder stays; returns one if a power cut may bring it back."""
    doomed.parent.mkdir(mode=0o700, exist_ok=True)
    return disk.put_aside(DISK, folder, doomed)
