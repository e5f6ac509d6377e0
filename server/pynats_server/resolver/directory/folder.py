"""A folder of JWTs. Its methods wait for the disk: threads call them, one at a time.

A file is replaced by renaming, so that a crash leaves the old content or the new one. What is
replaced and could not be read stays beside it, under another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pynats_server.resolver.base import TOKEN_MAX
from pynats_server.resolver.directory.files import Files, InDoubt

SUFFIX: Final = ".jwt"
DELETED: Final = ".jwt.deleted"
DAMAGED: Final = ".jwt.damaged"
TEMPORARY: Final = ".jwt.tmp"


class JwtFolder:
    """The files of `path`. Keys are public keys of accounts; everything raises OSError."""

    def __init__(self, path: Path, files: Files | None = None) -> None:
        self.path = path
        self._files = files or Files()

    def open(self) -> list[str]:
        """Makes the folder. The names of what is there, whatever it is: what was changed first
        comes first."""
        self._files.make_folder(self.path)
        return [name for _, name in sorted(self._files.names(self.path, SUFFIX))]

    def read(self, key: str) -> str:
        """The text in the file of an account; empty if there is none."""
        data = self._files.read(self._place(key, SUFFIX), TOKEN_MAX)
        return data.decode("utf-8", "replace").strip("\r\n") if data else ""

    def write(self, key: str, token: str, *, set_aside: bool = False) -> None:
        """Gives an account another text; what it had can be set aside. Raises InDoubt if it may be
        the old one again after a power cut."""
        place, temporary = self._place(key, SUFFIX), self._place(key, TEMPORARY)
        self._files.create(temporary, token.encode())
        try:
            if set_aside:
                self._files.rename(place, self._place(key, DAMAGED))
            self._files.rename(temporary, place)
        except OSError:
            self._files.remove(temporary)
            raise
        self._sync()

    def remove(self, keys: list[str], *, keep: bool) -> None:
        """Takes the files of accounts away, as far as there are any; with `keep` they are only
        renamed."""
        for key in keys:
            place = self._place(key, SUFFIX)
            if not keep:
                self._files.remove(place)
                continue
            try:
                self._files.rename(place, self._place(key, DELETED))
            except FileNotFoundError:
                continue
        self._sync()

    def _place(self, key: str, suffix: str) -> Path:
        return self.path / f"{key}{suffix}"

    def _sync(self) -> None:
        try:
            self._files.sync_folder(self.path)
        except OSError as error:
            raise InDoubt(error.errno, error.strerror, str(self.path)) from error
