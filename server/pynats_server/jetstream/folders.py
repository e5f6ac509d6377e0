"""Folders of streams on the disk: how they come to their place, change, and go.

Everything here waits for the disk: it is for threads, never for the loop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pynats_server.jetstream.store import FileStore, StoreError
from pynats_server.jetstream.store.file.disk import Disk, make_durable_folder
from pynats_server.jetstream.store.file.meta import read_meta, write_meta

DISK = Disk()


def move_in(built: Path, folder: Path) -> None:
    """Moves a stream's folder to its place, durably; on an error it is where it was."""
    make_durable_folder(folder.parent)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"files of an earlier stream are in the way of {folder.name!r}")
    built.rename(folder)
    try:
        DISK.sync_folder(folder.parent)
    except OSError:
        folder.rename(built)
        raise


def put_aside(folder: Path, doomed: Path) -> OSError | None:
    """Renames a folder that shall go: a crash leaves no half of a stream under its name.
    Raises OSError where it stays; returns one where it is gone, but perhaps not for good."""
    doomed.parent.mkdir(mode=0o700, exist_ok=True)
    folder.rename(doomed)
    try:
        DISK.sync_folder(folder.parent)
    except OSError as error:
        try:
            doomed.rename(folder)
        except OSError:  # it is gone, so it must not be told otherwise
            return error
        raise
    return None


def change_meta(store: FileStore, old: dict[str, Any], new: dict[str, Any]) -> Exception | None:
    """Writes a configuration. Raises OSError or StoreError where the old one is still what
    a restart finds; returns an error where nobody knows: no more promises about this stream."""
    try:
        write_meta(store, new)
    except (OSError, StoreError):
        try:
            if read_meta(store.config) != old:
                write_meta(store, old)
        except (OSError, StoreError, ValueError) as error:
            return error
        raise
    return None
