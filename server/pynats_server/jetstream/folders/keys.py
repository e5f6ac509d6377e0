"""The folders of streams under the key that is configured now, before anybody opens them.

Every block of a stream is written again, so that takes long: threads do it. One server does it for
one folder at a time, and a stop waits for the block at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pynats_common.go.durations import human_duration_ns
from pynats_common.go.errno import error_text

from pynats_server.jetstream.context import FOLDER
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.store.rekeying.folder import changing_key, refuse_encrypted
from pynats_server.jetstream.store.rekeying.ring import KeyRing, key_ring
from pynats_server.log.logger import Logger
from pynats_server.options import JetStreamOptions

CIPHERS: Final = {"chacha": "ChaCha20-Poly1305", "aes": "AES-GCM"}


def ring_of(options: JetStreamOptions, account: str) -> KeyRing | None:
    """The keys of an account's files; None without encryption."""
    return key_ring(options.key, options.prev_key, account, options.cipher)


class KeyChanges:
    """Those of one server."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._one = threading.Lock()

    async def run(
        self, store_dir: Path, accounts: Iterable[str], options: JetStreamOptions
    ) -> None:
        """Does what is to be done for all streams of accounts. What fails is left for the opening
        of the stream, which tells why. A cancelled caller resumes when the thread is done; it goes
        on from there the next time."""
        if not options.key:
            return
        stopped = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            None, self._work, store_dir / FOLDER, list(accounts), options, stopped
        )
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.wait([work])
            raise

    def _work(
        self, root: Path, accounts: list[str], options: JetStreamOptions, stopped: threading.Event
    ) -> None:
        with self._one:
            for account in accounts:
                try:
                    folders = sorted((root / account / "streams").iterdir())
                except OSError:
                    continue
                for folder in folders:
                    if stopped.is_set():
                        return
                    with contextlib.suppress(Exception):  # one must not stop the others
                        if folder.is_dir():
                            take_key(folder, account, options, self._log, stopped)


def take_key(
    folder: Path,
    account: str,
    options: JetStreamOptions,
    log: Logger,
    stopped: threading.Event | None = None,
) -> None:
    """Brings the folder of a stream that nobody serves under the configured key. Raises BadKey when
    that does not open it, and StoreError when the disk does not let it."""
    ring = ring_of(options, account)
    if ring is None:
        refuse_encrypted(folder)
        return
    shown = f"stream '{account} > {folder.name}'"

    def begin(was_clear: bool) -> None:
        what = "Encrypting" if was_clear else f"Converting to {CIPHERS[options.cipher]} for"
        log.notice(f"  {what} {shown}")

    begun_ns = time.perf_counter_ns()
    work = changing_key(folder, folder.name, ring, on_begin=begin)
    try:
        while stopped is None or not stopped.is_set():
            next(work)
    except StopIteration as end:
        if end.value:
            took = human_duration_ns(time.perf_counter_ns() - begun_ns)
            log.notice(f"  {shown[0].upper()}{shown[1:]} is under the current key, after {took}")
    except OSError as error:
        raise StoreError(
            f"it is not under jetstream.key yet, and cannot be written again "
            f"({error_text(error)}); nothing is lost, the next start goes on from here, and until "
            f"then the earlier key is needed, too"
        ) from error
