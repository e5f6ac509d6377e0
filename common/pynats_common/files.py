"""Files of users, read whole: none may be endless, and nobody waits for one without knowing."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TEXT_MAX: Final = 64 * 1024 * 1024
"""Most bytes of a configuration, a document, an archive that is read at once."""
SECRET_MAX: Final = 1024 * 1024
"""Most bytes of credentials, keys and contexts."""
_TOLD_AFTER_S = 2.0


def read_whole(path: str | Path, most: int = TEXT_MAX) -> bytes:
    """What is in a file; a pipe (`<(command)` of a shell) is one that can be read once.

    Raises OSError, also for more than `most` bytes.
    """
    with telling(path), Path(path).open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", os.fspath(path))
    return data


@contextmanager
def telling(path: str | Path) -> Iterator[None]:
    """Says after a while that the other side of a pipe is waited for, if it is one. Raises
    OSError where there is no such file."""
    if not stat.S_ISFIFO(Path(path).stat().st_mode):
        yield
        return
    timer = threading.Timer(_TOLD_AFTER_S, _tell, [f"waiting for what the pipe {path} will say"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
