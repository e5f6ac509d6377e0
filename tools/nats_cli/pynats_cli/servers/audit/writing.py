"""Writes an archive. It appears under its name when it is complete; a broken one never does."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.servers.audit import layout


class ArchiveWriter:
    """A ZIP file in the making; leaving the `with` by an error deletes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest: dict[str, list[dict[str, str]]] = {}
        self._pages: dict[str, int] = {}
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        except OSError as error:
            raise CliError(f"failed to create archive {path}: {error.strerror}") from None
        self._unfinished = Path(name)
        self._zip = zipfile.ZipFile(
            os.fdopen(handle, "wb"), "w", zipfile.ZIP_DEFLATED, strict_timestamps=False
        )

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._close(complete=kind is None)
        except OSError as error:
            raise CliError(f"failed to write archive {self.path}: {error.strerror}") from None
        finally:
            self._unfinished.unlink(missing_ok=True)

    def _close(self, complete: bool) -> None:
        file = self._zip.fp
        if complete:
            self._zip.writestr(layout.MANIFEST, json.dumps(self._sorted(), indent=2))
        self._zip.close()
        if file is not None:
            file.close()
        if complete:
            self._unfinished.replace(self.path)

    def _sorted(self) -> dict[str, list[dict[str, str]]]:
        return dict(sorted(self._manifest.items()))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._unfinished.stat().st_size

    def add_page(self, where: tuple[str, layout.Tags], document: dict[str, Any]) -> None:
        """The next page of an artifact."""
        folder, tags = where
        number = self._pages[folder] = self._pages.get(folder, 0) + 1
        self.add(layout.page(folder, number), tags, json.dumps(document).encode())

    def add(self, path: str, tags: layout.Tags, data: bytes) -> None:
        """A file."""
        try:
            self._zip.writestr(path, data)
        except OSError as error:
            raise CliError(f"failed to write archive {self.path}: {error.strerror}") from None
        self._manifest[path] = [{"Name": name, "Value": value} for name, value in tags]

    def add_special(self, path: str, name: str, data: bytes) -> None:
        """One of the files about the archive itself."""
        self.add(path, (("special", name),), data)
