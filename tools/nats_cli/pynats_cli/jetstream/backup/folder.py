"""The folder of a backup: `backup.json` with a stream's configuration and state, and an archive.

The archive is `stream.arc.s2` or, from tools before 0.5, `stream.tar.s2`; its content tells which
of the two forms it has.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from pynats_common.files import read_whole
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError

META: Final = "backup.json"
ARCHIVE: Final = "stream.arc.s2"  # messages one by one, as servers since 2.15 send them
TAR: Final = "stream.tar.s2"  # the files of a stream, as servers before send them
NO_TIME: Final = "0001-01-01T00:00:00Z"
_META_MAX: Final = 32 << 20  # bytes of backup.json


def existing(text: str) -> Path:
    """The folder. Raises CliError without one."""
    path = Path(text)
    if not path.exists():
        raise CliError(f"path '{text}' does not exist")
    if not path.is_dir():
        raise CliError(f"'{text}' is not a directory")
    return path


def archive_of(folder: Path) -> Path:
    """The archive, whichever name it has. Raises CliError."""
    for name in (ARCHIVE, TAR):
        if (folder / name).is_file():
            return folder / name
    raise CliError(f"stat {folder / ARCHIVE}: no such file or directory")


def read_meta(folder: Path) -> dict[str, Any]:
    """What `backup.json` says. Raises CliError."""
    path = folder / META
    try:
        document = json.loads(read_whole(path, _META_MAX))
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None
    except (ValueError, RecursionError) as error:
        raise CliError(f"{path}: {error}") from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict) or not config.get("name"):
        raise CliError(f"{path} has no configuration of a stream")
    made: dict[str, Any] = document
    return made


def write_meta(folder: Path, document: dict[str, Any]) -> None:
    """Replaces `backup.json` at once. Raises CliError."""
    replace_file(folder / META, json.dumps(document, indent=2).encode())


def replace_file(path: Path, data: bytes) -> None:
    """A file of which a reader sees the old content or the new. Raises CliError."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise CliError(f"write {path}: {error_text(error)}") from None


def new_file(path: Path) -> IO[bytes]:
    """A file for its owner only, in the place of one that a run before left there; never the file
    to which somebody's link leads. Raises OSError."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def prepare(folder: Path, force: bool = False) -> None:
    """Makes the folder of a new backup. Raises CliError when there is one in it already."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise CliError(f"mkdir {folder}: {error_text(error)}") from None
    if names & {META, ARCHIVE, TAR} and not force:
        raise CliError(f"backup already exists in {folder}")


def visible_config(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as backups keep it: without the server's own notes, but the level that it
    needs."""
    metadata = {
        key: value
        for key, value in (config.get("metadata") or {}).items()
        if not key.startswith("_nats.") or key == "_nats.req.level"
    }
    made = {key: value for key, value in config.items() if key != "metadata"}
    return {**made, "metadata": metadata} if metadata else made
