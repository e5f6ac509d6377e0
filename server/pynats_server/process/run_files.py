"""The files that describe a running server: PID file and ports file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_pid_file(path: Path) -> None:
    """Writes this process's id. Raises OSError."""
    path.write_text(str(os.getpid()))


def ports_file_path(folder: Path, program: str) -> Path:
    """`nats-server_<pid>.ports` in the folder of `ports_file_dir`: test suites look for that name,
    also where a script called `nats-server` runs this program. A renamed program has its own."""
    name = "nats-server" if program == "pynats-server" else program
    return folder / f"{name}_{os.getpid()}.ports"


def write_ports_file(path: Path, urls: Mapping[str, Sequence[str]]) -> None:
    """Writes the URLs of all listeners by kind, atomically."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({kind: list(u) for kind, u in urls.items()}))
    temporary.replace(path)


def remove(path: Path | None) -> None:
    """Removes one of these files at shutdown, if it still exists."""
    if path is not None:
        path.unlink(missing_ok=True)
