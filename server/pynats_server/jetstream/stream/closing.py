"""The end of many streams at once: they wait for the disk together, not one for the other.

First each takes no more messages and asks for its sync, so that few syncs of the disk do for all;
then the indexes are written by some threads. Others are served meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.log.logger import Logger

AT_ONCE: Final = 8
"""Streams that begin to close in one pass of the loop, about 0.5 ms."""
WRITERS: Final = 16
"""Threads: each waits for the disk nearly all the time, and the disk takes that many at once."""


async def close_together(streams: Sequence[Stream], log: Logger) -> None:
    """Closes streams. What goes wrong with one is logged, and the others are closed as well."""
    if not streams:
        return
    from concurrent.futures import ThreadPoolExecutor  # a start needs none

    with ThreadPoolExecutor(WRITERS, "store-close") as threads:
        closing = []
        for at in range(0, len(streams), AT_ONCE):
            for stream in streams[at : at + AT_ONCE]:
                closing.append(asyncio.ensure_future(_close(stream, threads, log)))
            await asyncio.sleep(0)  # the closing begins
        await asyncio.wait(closing)


async def _close(stream: Stream, threads: Executor, log: Logger) -> None:
    try:
        stream.silence()
        await stream.close(threads)
    except (OSError, StoreError) as error:
        log.error(f"JetStream {stream.label} did not close: {error}")
    except Exception as error:  # a bug of ours must not keep the others open
        stream.on_internal_error(error)
