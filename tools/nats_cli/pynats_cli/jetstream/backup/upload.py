"""Restoring: an archive goes to the server in chunks, each of which is acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import download

CHUNK_SIZE: Final = 64 * 1024
WINDOW: Final = 16  # chunks on their way
BUILD_S: Final = 60.0
"""Seconds for the server to make a stream of an archive, and as many for each 100 MiB."""
_PER: Final = 100 << 20
_LOOK_S: Final = 0.5  # between looks whether the connection is there and nothing was refused


def file_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of an archive."""
    with path.open("rb") as source:
        while data := source.read(CHUNK_SIZE):
            yield data


class _Window:
    """Chunks that are on their way, and what the server answers to them."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inbox = session.inbox
        self._subscription: Any = None
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._out = 0

    async def __aenter__(self) -> _Window:
        self._subscription = await self._session.client.subscribe(self._inbox, cb=self._on_answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._session.client.is_closed:
            await self._subscription.unsubscribe()

    async def _on_answer(self, message: Any) -> None:
        lost = message.headers and message.headers.get("Status") == "503"
        self._answers.put_nowait(_LOST if lost else bytes(message.data))

    async def send(self, subject: str, data: bytes) -> None:
        idle = max(download.IDLE_S, self._session.options.timeout_s)
        while self._out >= WINDOW:
            _refuse(await self._answer(idle, "the server stopped to take the data"))
            self._out -= 1
        self._out += 1
        await self._session.client.publish(subject, data, reply=self._inbox)

    async def finish(self, subject: str, size: int) -> None:
        """Ends the archive and waits for the stream."""
        await self._session.client.publish(subject, b"", reply=self._inbox)
        idle = max(download.IDLE_S, self._session.options.timeout_s)
        for _ in range(self._out):
            data = await self._answer(idle, "the server stopped to take the data")
            _refuse(data)
            if data:
                return
        patience = BUILD_S * (1 + size / _PER)
        _refuse(await self._answer(patience, "the server did not restore the stream in time"))

    async def _answer(self, patience: float, complaint: str) -> bytes:
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while (left := end - loop.time()) > 0:
            try:
                # Not `wait_for`: with an answer always there it swallows a cancellation.
                async with asyncio.timeout(min(left, _LOOK_S)):
                    return await self._answers.get()
            except TimeoutError:
                self._session.check_refused()
                if not self._session.client.is_connected:
                    raise CliError("the connection was lost during the restore") from None
        raise CliError(complaint)


_LOST: Final = b'{"error":{"description":"the server has given up the restore"}}'


def _refuse(data: bytes) -> None:
    """Raises CliError when an answer is an error."""
    if not data:
        return
    try:
        error = json.loads(data).get("error")
    except (ValueError, RecursionError, AttributeError):
        raise CliError("restore failed: the answer of the server cannot be read") from None
    if error:
        code = error.get("err_code")
        text = f"{error.get('description', 'unknown')}{f' ({code})' if code else ''}"
        raise CliError(text if text.startswith("restore failed") else f"restore failed: {text}")


async def upload(
    session: Any, config: dict[str, Any], state: dict[str, Any], chunks: Iterator[bytes],
    moved: Callable[[int], object],
) -> int:  # fmt: skip
    """Makes a stream of an archive; the number of chunks. Raises CliError."""
    request = {"config": config, "state": state}
    answer = await session.js.request(f"STREAM.RESTORE.{config['name']}", request)
    subject, count, size = str(answer["deliver_subject"]), 0, 0
    async with _Window(session) as window:
        while data := await asyncio.to_thread(next, chunks, b""):
            await window.send(subject, data)
            count, size = count + 1, size + len(data)
            moved(len(data))
        await window.finish(subject, size)
    return count
