"""A folder that holds a backup, of whichever kind, as what is read and restored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynats_common.archive import Entry
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.reading import Moved, archive_entries
from pynats_cli.jetstream.backup.upload import file_chunks


class Source:
    """A backup in one archive."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.folder = folder
        self.meta = meta
        self.config: dict[str, Any] = meta["config"]
        self.state: dict[str, Any] = meta.get("state") or {}
        self.name = str(self.config["name"])

    @property
    def _archive(self) -> Path:
        return folders.archive_of(self.folder)

    @property
    def size(self) -> int:
        """Bytes to read."""
        return self._archive.stat().st_size

    def entries(self, moved: Moved = lambda _: None) -> Iterator[Entry]:
        """Everything in it. Raises CliError."""
        return archive_entries(self._archive, moved)

    def chunks(self) -> Iterator[bytes]:
        """The archive as it goes to a server."""
        return file_chunks(self._archive)

    def digest(self) -> str:
        """The digest of what is in it."""
        return digest_of(self._archive)

    def check_digests(self) -> None:
        """Raises CliError when a file is not what was written."""
        expected = (self.meta.get("archive") or {}).get("digest")
        if expected and self.digest() != expected:
            raise CliError(f"{self._archive}: its digest is not the one in {folders.META}")


def digest_of(path: Path) -> str:
    """`sha256:…` of a file. Raises CliError."""
    try:
        with path.open("rb") as source:
            return f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}"
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None
