"""`pynats object del` and `object seal`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.commands.object.buckets import show_bucket
from pynats_cli.connect.session import Session
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.objects.store import open_objects
from pynats_cli.screen import human
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line


@dataclass(kw_only=True)
class DeleteOptions(Force):
    """Flags of `object del`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    file: Annotated[str, arg("Object to remove; the bucket without it")] = ""


@dataclass(kw_only=True)
class SealOptions(Force):
    """Flags of `object seal`."""

    bucket: Annotated[str, arg("Bucket to seal")]


async def delete(session: Session, options: DeleteOptions) -> None:
    """An object, or a whole bucket."""
    objects = await open_objects(session, options.bucket)
    if not options.file:
        if sure(options.force, f"Delete bucket {options.bucket} and all its files?", "not deleted"):
            await session.js.request(f"STREAM.DELETE.{objects.bucket.stream}")
        return
    note = await objects.note(options.file)
    size = human.bytes_text(note.size)
    question = f"Delete {size} byte file {options.bucket} > {options.file}?"
    if sure(options.force, question, "not removed"):
        await objects.remove(note)
        line(f"Removed {options.bucket} > {options.file}")
        show_bucket((await open_objects(session, options.bucket)).bucket, Shown())


async def seal(session: Session, options: SealOptions) -> None:
    """Nothing can be changed any more, and nobody can undo that."""
    objects = await open_objects(session, options.bucket)
    question = (
        f"Really seal Bucket {options.bucket}, sealed buckets can not be unsealed or modified"
    )
    if not sure(options.force, question, "not sealed"):
        return
    config = {**objects.bucket.config, "sealed": True}
    await session.js.request(f"STREAM.UPDATE.{objects.bucket.stream}", config)
    line(f"{options.bucket} has been sealed")
    show_bucket((await open_objects(session, options.bucket)).bucket, Shown())
