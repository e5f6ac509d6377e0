"""Taking a backup: the server sends a stream's archive in chunks, each of which is acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nats import errors as nats_errors
from pynats_common.archive import END, MAGIC, encode_entry
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders

IDLE_S = 30.0
"""Seconds without data after which a transfer is given up, unless `--timeout` is longer."""
CHECK_S: Final = 3600.0  # until the first chunk, when the server checks the stream before
CHUNK_SIZE: Final = 128 * 1024
_NO_LIMIT: Final = 1 << 62
_DONE: Final = "204"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a backup is to be taken."""

    consumers: bool = True
    check: bool = False
    chunk_size: int = CHUNK_SIZE
    window_size: int = 0
    force: bool = False

    def request(self, inbox: str) -> dict[str, Any]:
        """The request to the server."""
        made: dict[str, Any] = {"deliver_subject": inbox, "chunk_size": self.chunk_size}
        if not self.consumers:
            made["no_consumers"] = True
        if self.check:
            made["jsck"] = True
        if self.window_size:
            made["window_size"] = self.window_size
        return made


@dataclass(frozen=True)
class Taken:
    """A finished backup."""

    received: int
    chunks: int
    unpacked: int
    took_ns: int


class Archive:
    """The archive as it arrives: checked, counted and written beside its later place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received = self.chunks = self.unpacked = 0
        self._digest = hashlib.sha256()
        from pynats_common.s2 import StreamDecoder  # compiled: not on every system

        self._decoder = StreamDecoder(_NO_LIMIT)
        self._begin, self._end = b"", b""
        self._path = folder / ".archive.part"
        self._out = folders.new_file(self._path)

    def add(self, data: bytes) -> None:
        """Raises ValueError when it is damaged, OSError when it cannot be written."""
        self._out.write(data)
        self._digest.update(data)
        self._decoder.push(data)
        while (made := self._decoder.take()) is not None:
            self.unpacked += len(made)
            if len(self._begin) < len(MAGIC):
                self._begin += made[: len(MAGIC)]
            self._end = (self._end + made[-len(_SENTINEL) :])[-len(_SENTINEL) :]
        self.received += len(data)
        self.chunks += 1

    def finish(self) -> dict[str, Any]:
        """Puts it in its place; what `backup.json` is to say of it. Raises ValueError."""
        self._decoder.close()
        is_messages = self._begin[: len(MAGIC)] == MAGIC
        if is_messages and self._end != _SENTINEL:
            raise ValueError("the archive has no end")
        if not self.received:
            raise ValueError("the server sent nothing")
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        place, other = folders.ARCHIVE, folders.TAR
        if not is_messages:
            place, other = other, place
        self._path.replace(self.folder / place)
        (self.folder / other).unlink(missing_ok=True)
        return {"digest": f"sha256:{self._digest.hexdigest()}", "bytes": self.received}

    def discard(self) -> None:
        """Nothing of it stays, unless it is finished."""
        self._out.close()
        self._path.unlink(missing_ok=True)


_SENTINEL: Final = encode_entry(END)


async def download(
    session: Any, stream: str, folder: Path, wish: Wish, moved: Callable[[int], object]
) -> Taken:
    """Takes a backup of a stream into a folder. Raises CliError, and leaves nothing then.

    `moved` is told how many bytes of messages have come, as far as it is known.
    """
    made_folder = not folder.exists()
    folders.prepare(folder, wish.force)
    started = time.monotonic_ns()
    inbox = session.inbox
    # Not `next_msg`: with a message always there it swallows a cancellation.
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    subscription = await session.client.subscribe(inbox, cb=arrived.put)
    archive = None
    try:
        archive = Archive(folder)
        answer = await session.js.request(f"STREAM.SNAPSHOT.{stream}", wish.request(inbox))
        await _receive(session, arrived, archive, wish, moved)
        about = await asyncio.to_thread(archive.finish)
        document = {
            "config": folders.visible_config(answer["config"]),
            "state": answer["state"],
            "archive": about,
        }
        folders.write_meta(folder, document)
    except OSError as error:
        raise CliError(f"write {folder}: {error_text(error)}") from None
    except ValueError as error:
        raise CliError(f"the backup is damaged: {error}") from None
    finally:
        if archive is not None:
            archive.discard()
        await _end(subscription)
        if made_folder and not any(folder.iterdir()):
            folder.rmdir()
    took = time.monotonic_ns() - started
    return Taken(archive.received, archive.chunks, archive.unpacked, took)


async def _end(subscription: Any) -> None:
    try:
        await subscription.unsubscribe()
    except nats_errors.Error:
        pass  # the connection is gone


async def _receive(
    session: Any, arrived: asyncio.Queue[Any], archive: Archive, wish: Wish,
    moved: Callable[[int], object],
) -> None:  # fmt: skip
    idle = max(IDLE_S, session.options.timeout_s)
    patience = CHECK_S if wish.check else idle
    while True:
        try:
            async with asyncio.timeout(patience):
                message = await arrived.get()
        except TimeoutError:
            session.check_refused()
            raise CliError(f"the backup stalled: no data for {patience:g} seconds") from None
        patience = idle
        if not message.data:
            _check_end(message)
            return
        index = _index(message.reply)
        if index is not None and index != archive.chunks + 1:
            raise CliError("a chunk of the backup was lost")
        before = archive.unpacked
        archive.add(message.data)
        moved(archive.unpacked - before)
        if message.reply:
            await session.client.publish(message.reply, b"")


def _check_end(message: Any) -> None:
    """Raises CliError when the last message tells of an error."""
    headers = message.headers or {}
    status = str(headers.get("Status", "") or _DONE)
    if status != _DONE:
        text = f"{status} {headers.get('Description', '')}".rstrip()
        raise CliError(f"snapshot failed: {text}")


def _index(reply: str) -> int | None:
    """The number of a chunk, from 1 on."""
    text = reply.rpartition(".")[2]
    return int(text) if text.isascii() and text.isdigit() else None
