"""Where the NATS tools keep their files, by the XDG base directory rules.

Both `nats` and `nsc` use `~/.config` and `~/.local/share` on every system, macOS included.
"""

from __future__ import annotations

import os
from pathlib import Path


def config_home() -> Path:
    """`$XDG_CONFIG_HOME`, or `~/.config`."""
    value = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(value) if value else Path.home() / ".config"


def data_home() -> Path:
    """`$XDG_DATA_HOME`, or `~/.local/share`."""
    value = os.environ.get("XDG_DATA_HOME", "")
    return Path(value) if value else Path.home() / ".local" / "share"


def write_private(path: Path, text: str) -> None:
    """Replaces `path` atomically with a file that only its owner can read (0600, folders 0700).

    Another process sees the old content or the new one, never a part.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp creates the file with mode 0600.
    handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - both names are already strings
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
