"""Folders of streams on the disk: moved into place, changed, removed.

Everything here waits for the disk: it is for threads, never for the loop.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path

from pynats_common.go.text import text_of

from pynats_server.jetstream.figures import OnDisk
from pynats_server.jetstream.store.file import disk
from pynats_server.jetstream.store.file.disk import Disk, make_durable_folder, move_durably

DISK = Disk()


def has_streams(folder: Path) -> bool:
    """Whether a folder is an account's and has streams. Other folders may be there too, perhaps
    unreadable, such as lost+found."""
    try:
        return any(_is_dir(path) for path in (folder / "streams").iterdir())
    except OSError:
        return False


def look_at_disk(
    store: Path, staging: Path, served: Container[str], streams: Iterable[Path]
) -> OnDisk:
    """An account's folder has `streams` in it; others, such as lost+found, do not. `served`
    are the accounts with JetStream, `streams` the folders whose quarantine counts. Other things may
    lie in the place of each folder."""
    folders = [path for path in _entries(store) if path != staging and _is_dir(path / "streams")]
    unserved = [
        (shown_name(account), shown_name(path))
        for account in folders
        if account.name not in served
        for path in _entries(account / "streams")
        if _is_dir(path)
    ]
    counts = ((folder, len(_entries(folder / "quarantine"))) for folder in streams)
    return OnDisk(
        accounts=[shown_name(account) for account in folders],
        unserved=unserved,
        quarantined={folder: count for folder, count in counts if count},
    )


def shown_name(path: Path) -> str:
    """Its name as text: on the disk it may be any bytes."""
    return text_of(os.fsencode(path.name))


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing if it is none, or cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def may_be_dir(path: Path) -> bool:
    """Whether it is a folder, or nobody can tell."""
    try:
        return path.is_dir()
    except OSError:
        return True


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # of a folder above it
        return False


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
