"""Whatever backup a folder holds."""

from __future__ import annotations

from pathlib import Path

from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.parts import KEY, Parts
from pynats_cli.jetstream.backup.source import Source


def open_source(folder: Path) -> Source:
    """The backup in a folder. Raises CliError."""
    meta = folders.read_meta(folder)
    if KEY in meta:
        return Parts(folder, meta)
    folders.archive_of(folder)
    return Source(folder, meta)
