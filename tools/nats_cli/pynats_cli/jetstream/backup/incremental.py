"""Taking an incremental backup: messages behind those that the folder has, saved as they come.

Servers send a snapshot from its beginning only, so what is new is read by a consumer. Each part
that is finished is noted in `backup.json`, so that a run which was stopped, in whichever way, goes
on behind the last one. Where messages go when they are read (work queues), or when all have read
them (interest), they are read one by one, without a consumer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from pynats_common.archive import STATE, Entry
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import download
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.parts import KEY, Part, Progress, ranges
from pynats_cli.jetstream.backup.source import digest_of
from pynats_cli.jetstream.backup.writing import Writer
from pynats_cli.jetstream.messages import get_message
from pynats_cli.jetstream.reading import Reading, Stored

PART_BYTES = 64 << 20  # of messages in a part
PART_S = 10.0  # a part ends after so long, too: what a crash can cost
LOCK: Final = ".lock"
_OPEN: Final = ".open.part"


class Incremental:
    """One run. Every method may raise CliError."""

    def __init__(self, session: Any, folder: Path, info: dict[str, Any], consumers: bool) -> None:
        self.session = session
        self.folder = folder
        self.info = info
        self.stream = str(info["config"]["name"])
        self.with_consumers = consumers
        self.new = not (folder / folders.META).exists()
        self.meta = self._meta()
        self.progress = Progress.read(self.meta[KEY])
        self._check()
        self.progress.target = int(info["state"]["last_seq"])

    def _meta(self) -> dict[str, Any]:
        if self.new:
            config = folders.visible_config(self.info["config"])
            progress = Progress(self.info["created"])
            return {"config": config, "state": {}, KEY: progress.as_dict()}
        meta = folders.read_meta(self.folder)
        if KEY not in meta:
            raise CliError(f"the backup in {self.folder} is not an incremental one")
        return meta

    def _check(self) -> None:
        """That it is the same stream, and its last part is as it was."""
        progress, state = self.progress, self.info["state"]
        name = self.meta["config"]["name"]
        if name != self.stream:
            raise CliError(f'{self.folder} holds a backup of stream "{name}"')
        if progress.created != self.info["created"] or int(state["last_seq"]) < progress.upto:
            raise CliError(
                f'{self.folder} holds a backup of another stream "{name}", '
                f"created {progress.created}: choose another folder"
            )
        for part in progress.parts[-1:]:
            if digest_of(self.folder / part.file) != part.digest:
                raise CliError(f"{self.folder / part.file}: its digest is not the one it had")

    async def run(self, moved: Callable[[int], object]) -> int:
        """Fetches what is new; the number of messages. What was fetched stays when it fails."""
        begin = max(self.progress.upto + 1, int(self.info["state"]["first_seq"]))
        count = 0
        if begin <= self.progress.target:
            self._save()
            count = await self._fetch(begin, moved)
        await self._complete()
        return count

    def _save(self) -> None:
        self.meta[KEY] = self.progress.as_dict()
        folders.write_meta(self.folder, self.meta)

    async def _fetch(self, begin: int, moved: Callable[[int], object]) -> int:
        messages = self._messages(begin)
        limit = max(download.IDLE_S, float(self.session.options.timeout_s))
        part = _Open(self.folder, begin)
        count = 0
        try:
            async with aclosing(messages), asyncio.timeout(limit) as idle:
                async for message in messages:
                    idle.reschedule(asyncio.get_running_loop().time() + limit)
                    part.add(message)
                    count += 1
                    moved(len(message.data) + len(message.block))
                    if part.is_full:
                        self._keep(part, message.sequence)
                        part = _Open(self.folder, message.sequence + 1)
            self._keep(part, self.progress.target)
        except TimeoutError:
            raise CliError(f"the backup stalled: no data for {limit:g} seconds") from None
        except OSError as error:
            raise CliError(f"write {self.folder}: {error_text(error)}") from None
        finally:
            if part.last:  # it was stopped: what has come is kept
                self._keep(part, part.last)
            part.discard()
        return count

    def _keep(self, part: _Open, upto: int) -> None:
        if made := part.finish(upto):
            self.progress.parts.append(made)
        self.progress.upto = upto
        self._save()

    async def _messages(self, begin: int) -> AsyncGenerator[Stored, None]:
        target = self.progress.target
        if self.info["config"].get("retention", "limits") == "limits":
            config = {"deliver_policy": "by_start_sequence", "opt_start_seq": begin}
            reading = Reading(self.session, self.stream, config).messages()
            async with aclosing(reading):
                async for message in reading:
                    if message is None or message.sequence > target:
                        return
                    yield message
            return
        while begin <= target:
            asked = {"seq": begin, "next_by_subj": ">"}
            found = await get_message(self.session, self.stream, asked, direct=False)
            if found is None or found.sequence > target:
                return
            yield found
            begin = found.sequence + 1

    async def _complete(self) -> None:
        """Notes how the stream is now, as far as the parts go."""
        request = {"deleted_details": True}
        info = await self.session.js.request(f"STREAM.INFO.{self.stream}", request)
        state, progress = info["state"], self.progress
        deleted = [int(seq) for seq in state.get("deleted") or []]
        if len(deleted) != int(state.get("num_deleted") or 0):
            raise CliError(
                f"the server names {len(deleted)} of {state['num_deleted']} removed messages: "
                "take a full backup of this stream"
            )
        first, whole = int(state["first_seq"]), int(state["last_seq"]) == progress.target
        self.meta["config"] = folders.visible_config(info["config"])
        progress.removed = ranges([seq for seq in deleted if seq <= progress.target])
        progress.consumers = await self._consumers() if self.with_consumers else []
        self.meta["state"] = {
            "messages": state["messages"] if whole else 0,
            "bytes": state["bytes"] if whole else 0,
            "first_seq": min(first, progress.target + 1),
            "first_ts": state["first_ts"] if first <= progress.target else folders.NO_TIME,
            "last_seq": progress.target,
            "last_ts": self.info["state"]["last_ts"],
            "consumer_count": len(progress.consumers),
        }
        gone = [part for part in progress.parts if part.last_seq < first]
        progress.parts = [part for part in progress.parts if part.last_seq >= first]
        progress.complete = True
        self._save()
        for part in gone:
            (self.folder / part.file).unlink(missing_ok=True)

    async def _consumers(self) -> list[dict[str, Any]]:
        """Durable consumers as archives have them. Which messages wait for an acknowledgement the
        API does not tell: all behind the acknowledgement floor are delivered again."""
        made = []
        for info in await self.session.js.consumers(self.stream):
            if not info["config"].get("durable_name"):
                continue
            floor = {key: info["ack_floor"][key] for key in ("consumer_seq", "stream_seq")}
            given = {key: info["delivered"][key] for key in ("consumer_seq", "stream_seq")}
            at = given if info["config"].get("ack_policy") == "none" else floor
            state = {"delivered": at, "ack_floor": at}
            made.append({"config": folders.visible_config(info["config"]), "state": state})
        return made


class _Open:
    """A part that is being written. Its file is made with the first message."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder = folder
        self._first = first
        self._writer: Writer | None = None
        self._ends = time.monotonic() + PART_S
        self._size = self._count = 0
        self.last = 0

    @property
    def is_full(self) -> bool:
        return self._size >= PART_BYTES or time.monotonic() >= self._ends

    def add(self, message: Stored) -> None:
        if self._writer is None:
            self._writer = Writer(self._folder / _OPEN)
            self._writer.add(Entry(STATE, message.time_ns, 0, b"", json.dumps({}).encode()))
        subject = message.subject.encode()
        entry = Entry(subject, message.time_ns, message.sequence, message.block, message.data)
        self._writer.add(entry)
        self._size += len(message.data) + len(message.block)
        self._count += 1
        self.last = message.sequence

    def finish(self, upto: int) -> Part | None:
        """The part, which covers the sequences up to that one; None when it is empty."""
        writer, self._writer, self.last = self._writer, None, 0
        if writer is None:
            return None
        name = f"messages-{self._first:020d}-{upto:020d}.arc.s2"
        try:
            size = writer.finish(self._folder / name)
        finally:
            writer.discard()
        digest = digest_of(self._folder / name)
        return Part(name, self._first, upto, self._count, size, digest)

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()
