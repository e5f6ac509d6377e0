"""`pynats backup stream --incremental`."""

from __future__ import annotations

import time
from pathlib import Path

from pynats_common.program.filelock import LockTimeoutError, hold_lock

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.incremental import LOCK, Incremental
from pynats_cli.jetstream.backup.parts import KEY
from pynats_cli.screen import human
from pynats_cli.screen.output import line
from pynats_cli.screen.progress import bar


async def take(
    session: Session, stream: str, folder: Path, consumers: bool, progress: bool
) -> None:
    """Fetches what the folder does not have."""
    info = await session.js.stream_info(stream)
    if not (folder / folders.META).exists():
        folders.prepare(folder)
    try:
        with hold_lock(folder / LOCK, "pynats backup stream", wait_s=0):
            await _take(Incremental(session, folder, info, consumers), progress)
    except LockTimeoutError as error:
        raise CliError(str(error)) from None


async def _take(run: Incremental, progress: bool) -> None:
    upto, target = run.progress.upto, run.progress.target
    if run.new:
        line(f'Starting incremental backup of Stream "{run.stream}" up to sequence {target}')
    elif not run.progress.complete or run.meta[KEY]["target"] > upto:
        line(f'Continuing backup of Stream "{run.stream}" after sequence {upto} up to {target}')
    else:
        line(f'Adding to the backup of Stream "{run.stream}" sequences after {upto} to {target}')
    size = int(run.info["state"]["bytes"]) * (target - upto) // max(target, 1)
    started = time.monotonic_ns()
    with bar(size, "bytes", progress) as moved:
        count = await run.run(moved)
    took = human.duration(time.monotonic_ns() - started)
    line(
        f'\nReceived {human.thousands(count)} messages for stream "{run.stream}" in {took}, '
        f"{len(run.progress.parts)} parts of {human.bytes_text(_size(run))} in all"
    )


def _size(run: Incremental) -> int:
    return sum(part.bytes for part in run.progress.parts)
