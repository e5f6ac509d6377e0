"""Objects of a bucket: storing, reading, removing and watching them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Final

from pynats_common.ids.nuid import new_nuid

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError
from pynats_cli.jetstream.acks import js_publish
from pynats_cli.jetstream.messages import get_message
from pynats_cli.jetstream.objects.acked import Acknowledged, idle_s
from pynats_cli.jetstream.objects.bucket import CHUNK_SIZE, Note, ObjectBucket
from pynats_cli.jetstream.reading import Reading, Stored
from pynats_cli.screen.output import log

LINKS_MAX: Final = 8
OBJECT_NOT_FOUND: Final = "nats: object not found"
Read = Callable[[int], bytes]  # up to so many bytes, none at the end; may block
Write = Callable[[bytes], object]


class Objects:
    """The objects of one bucket. Every method may raise CliError."""

    def __init__(self, session: Any, bucket: ObjectBucket) -> None:
        self.session = session
        self.bucket = bucket

    async def find(self, name: str) -> Note | None:
        """The note about an object, also of a removed one."""
        subject = self.bucket.note_subject(name)
        message = await get_message(
            self.session,
            self.bucket.stream,
            {"last_by_subj": subject},
            direct=bool(self.bucket.config.get("allow_direct")),
        )
        return None if message is None else _note_of(message)

    async def note(self, name: str) -> Note:
        """The note about an object that is there."""
        found = await self.find(name)
        if found is None or found.deleted:
            raise CliError(OBJECT_NOT_FOUND)
        return found

    async def put(
        self, note: Note, read: Read, chunk_size: int, moved: Callable[[int], object]
    ) -> Note:
        """Stores the data in chunks, then the note; what the object was before goes. A failure
        leaves it as it was. `moved` is told how many bytes went."""
        before = await self.find(note.name)
        chunk_size = chunk_size or CHUNK_SIZE
        nuid, digest, size, chunks = new_nuid(), hashlib.sha256(), 0, 0
        subject = self.bucket.chunk_subject(nuid)
        target = self._target(subject)
        try:
            async with Acknowledged(self.session) as out:
                while data := await asyncio.to_thread(_filled, read, chunk_size):
                    digest.update(data)
                    await out.send(target, data)
                    size, chunks = size + len(data), chunks + 1
                    moved(len(data))
                await out.finish()
            options = {**note.options, "max_chunk_size": chunk_size}
            note = replace(
                note, nuid=nuid, size=size, chunks=chunks, digest=digest.digest(), options=options
            )
            await self._write(note)
        except BaseException:
            if chunks and self.session.client.is_connected:
                with suppress(CliError):  # the reason of the failure says more
                    await self._purge(subject)
            raise
        if before is not None and before.nuid != nuid:
            await self._purge(self.bucket.chunk_subject(before.nuid))
        return await self.note(note.name)

    async def get(self, note: Note, write: Write, moved: Callable[[int], object]) -> None:
        """The data, checked against size and digest of its note."""
        digest, size = hashlib.sha256(), 0
        if note.size:
            config = {"filter_subject": self.bucket.chunk_subject(note.nuid)}
            messages = Reading(self.session, self.bucket.stream, config).messages()
            limit = idle_s(self.session)
            try:
                async with aclosing(messages), asyncio.timeout(limit) as idle:
                    async for message in messages:
                        if message is None:
                            break
                        idle.reschedule(asyncio.get_running_loop().time() + limit)
                        digest.update(message.data)
                        size += len(message.data)
                        write(message.data)
                        moved(len(message.data))
            except TimeoutError:
                raise CliError(f"no data came for {limit:g} seconds") from None
        if size != note.size:
            raise CliError(f"received {size} bytes of an object of {note.size}")
        if note.digest and digest.digest() != note.digest:
            raise CliError("nats: received a corrupt object, digests do not match")

    async def remove(self, note: Note) -> None:
        """A note that it was removed stays."""
        await self._write(replace(note, deleted=True, size=0, chunks=0, digest=b""))
        await self._purge(self.bucket.chunk_subject(note.nuid))

    async def watch(self, *, follow: bool) -> AsyncGenerator[Note | None, None]:
        """The note about each object, removed ones too; None; with `follow` what changes."""
        config = {
            "filter_subject": f"$O.{self.bucket.name}.M.>",
            "deliver_policy": "last_per_subject",
        }
        messages = Reading(self.session, self.bucket.stream, config, follow).messages()
        async with aclosing(messages):
            async for message in messages:
                if message is None:
                    yield None
                elif (note := _readable(message)) is not None:
                    yield note

    async def all(self) -> list[Note]:
        """Objects that are there, in the order of their storing."""
        watching = self.watch(follow=False)
        async with aclosing(watching):
            return [note async for note in watching if note is not None and not note.deleted]

    async def _write(self, note: Note) -> None:
        subject = self._target(self.bucket.note_subject(note.name))
        body = json.dumps(note.as_dict(), separators=(",", ":"), ensure_ascii=False).encode()
        await js_publish(self.session, subject, body, [("Nats-Rollup", "sub")])

    async def _purge(self, subject: str) -> None:
        await self.session.js.request(f"STREAM.PURGE.{self.bucket.stream}", {"filter": subject})

    def _target(self, subject: str) -> str:
        prefix = self.session.jetstream_prefix()
        return subject if prefix == "$JS.API" else f"{prefix}.{subject}"


def _filled(read: Read, size: int) -> bytes:
    """So many bytes, fewer at the end only: a pipe gives what it has."""
    parts, missing = [], size
    while missing and (data := read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


def _note_of(message: Stored) -> Note:
    document = object_of(message.data, "the note about an object is not JSON")
    return Note.read(document, message.time_ns)


def _readable(message: Stored) -> Note | None:
    """A note of many: one that somebody wrote wrongly does not hide the others."""
    try:
        return _note_of(message)
    except CliError as error:
        log(f"{message.subject} is left out: {error}")
        return None


async def open_objects(session: Any, name: str) -> Objects:
    """The objects of a bucket that exists. Raises CliError."""
    return Objects(session, await ObjectBucket.open(session.js, name))


async def resolved(session: Any, objects: Objects, note: Note) -> tuple[Objects, Note]:
    """What a link stands for, possibly in another bucket. Raises CliError."""
    for _ in range(LINKS_MAX):
        link = note.link
        if not link:
            return objects, note
        if not link.get("name"):
            raise CliError("the object is a link to a bucket")
        if link["bucket"] != objects.bucket.name:
            objects = await open_objects(session, str(link["bucket"]))
        note = await objects.note(str(link["name"]))
    raise CliError("the object is a link to a link without an end")
