"""Files with identities: written atomically, readable by their owner only."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pynats_common.accounts_store.errors import StoreError
from pynats_common.creds import decode_text
from pynats_common.files import TEXT_MAX, read_whole

FILE_MODE, DIR_MODE = 0o600, 0o700


def make_dir(path: Path) -> list[Path]:
    """Creates `path` and its missing parents with mode 0700; returns those it created."""
    missing = []
    current = path
    while not current.exists():
        missing.append(current)
        current = current.parent
    for item in reversed(missing):
        try:
            item.mkdir(mode=DIR_MODE, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create {item}: {error.strerror}", "check its owner") from None
    return missing[::-1]


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replaces `path` with a text or bytes (mode 0600): after a crash it has the old or the new
    content."""
    make_dir(path.parent)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(_bytes_of(content))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(FILE_MODE)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise StoreError(f"cannot write {path}: {error.strerror}", "nothing was changed") from None


def write_output(path: Path, content: str | bytes) -> None:
    """Writes a file that the user names: no folders are made, a link stays a link, and a device or
    a pipe gets the content."""
    try:
        target = path.resolve()
        if not target.parent.is_dir():
            raise StoreError(f"cannot write {path}: {target.parent} is not a folder", "create it")
        if target.is_dir():
            raise StoreError(f"cannot write {path}: it is a folder", "name a file in it")
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.write(_bytes_of(content))
            return
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
    write_atomic(target, content)


def _bytes_of(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def read_text(path: Path, most: int = TEXT_MAX) -> str:
    """Text of a file with a JWT or a key; raises a clear error if it cannot be read."""
    return decode_text(_read_bytes(path, most))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises StoreError if the file has none."""
    try:
        value = json.loads(_read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise StoreError(f"{path} is damaged", "it is not a JSON object: repair or remove it")
    return value


def _read_bytes(path: Path, most: int = TEXT_MAX) -> bytes:
    try:
        return read_whole(path, most)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None


def remove(path: Path) -> bool:
    """Deletes a file; False if it did not exist."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot delete {path}: {error.strerror}") from None
    return True


def short_path(path: Path) -> str:
    """`path` with the home directory as `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
