"""`pynats object info`, `ls` and `watch`."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.buckets import show_buckets
from pynats_cli.commands.object.buckets import show_bucket
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.bucket import by_size
from pynats_cli.jetstream.objects.bucket import ObjectBucket
from pynats_cli.jetstream.objects.store import open_objects
from pynats_cli.pickers import pick_object_bucket
from pynats_cli.screen.output import line, note, show


@dataclass(kw_only=True)
class InfoOptions(Shown):
    """Flags of `object info`."""

    bucket: Annotated[str, arg("Bucket to show")] = ""
    file: Annotated[str, arg("Object to show")] = ""


@dataclass(kw_only=True)
class ListOptions(Shown):
    """Flags of `object ls`."""

    bucket: Annotated[str, arg("Bucket to list the objects of")] = ""
    names: Annotated[bool, opt("--names", "-n", help="Names only")] = False


@dataclass(kw_only=True)
class WatchOptions(Shown):
    """Flags of `object watch`."""

    bucket: Annotated[str, arg("Bucket to follow")]
    snapshot: Annotated[bool, opt("--snapshot", help="End when all objects have come")] = False


async def info(session: Session, options: InfoOptions) -> None:
    """A bucket, or an object."""
    from pynats_cli.jetstream.objects.screens import object_screen

    objects = await open_objects(session, await pick_object_bucket(session, options.bucket))
    if not options.file:
        show_bucket(objects.bucket, options)
        return
    found = await objects.note(options.file)
    show(options, found.shown(), lambda: object_screen(found).render())


async def ls(session: Session, options: ListOptions) -> None:
    """Buckets, or objects."""
    if options.bucket:
        await _list_objects(session, options)
    else:
        buckets = by_size(await ObjectBucket.every(session.js, "$O.*.C.>"))
        show_buckets(options, buckets, "Object Store", names_only=options.names)


async def _list_objects(session: Session, options: ListOptions) -> None:
    from pynats_cli.jetstream.objects.screens import objects_table

    notes = await (await open_objects(session, options.bucket)).all()
    if options.names:
        names = [found.name for found in notes]
        show(options, names, lambda: "\n".join(names))
    elif not notes and not options.structured:
        note("No entries found")
    else:
        show(options, [found.shown() for found in notes], lambda: objects_table(notes).render())


async def watch(session: Session, options: WatchOptions) -> None:
    """Objects as they change; with `--json` one document a line."""
    from pynats_common.go.json import compact_json

    from pynats_cli.jetstream.objects.screens import watch_line

    objects = await open_objects(session, options.bucket)
    watching = objects.watch(follow=not options.snapshot)
    async with aclosing(watching):
        async for found in watching:
            if found is not None:
                line(compact_json(found.shown()) if options.structured else watch_line(found))
