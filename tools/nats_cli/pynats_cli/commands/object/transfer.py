"""`pynats object put` and `object get`."""

from __future__ import annotations

import os
import posixpath
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, UNSIGNED
from pynats_common.go.errno import error_text

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.objects.bucket import Note
from pynats_cli.jetstream.objects.store import Objects, open_objects, resolved
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line, note, show, write
from pynats_cli.screen.progress import bar

PROGRESS_ABOVE = 20 * 1024  # bytes


@dataclass(kw_only=True)
class PutOptions(Shown):
    """Flags of `object put`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    file: Annotated[str, arg("File to store; standard input without it", kind=EXISTING_FILE)] = ""
    name: Annotated[str, opt("--name", help="Name of the object; the file's without it")] = ""
    description: Annotated[str, opt("--description", help="What the object is")] = ""
    header: Annotated[
        list[str], opt("--header", "-H", help="A header of the object", placeholder="K:V")
    ] = field(default_factory=list)
    chunk_size: Annotated[int, opt("--chunk-size", help="Bytes of a chunk", kind=UNSIGNED)] = 0
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True
    force: Annotated[bool, opt("--force", "-f", help="Act without asking")] = False


@dataclass(kw_only=True)
class GetOptions(Force):
    """Flags of `object get`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    file: Annotated[str, arg("Object to fetch")]
    output: Annotated[str, opt("--output", "-O", help="File to write; - is standard output")] = ""
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True


def object_name(options: PutOptions) -> str:
    """The path as it was typed, without its detours. Raises CliError."""
    if options.name:
        return options.name
    if not options.file:
        raise CliError("--name is required when reading from stdin")
    return posixpath.normpath(Path(options.file).as_posix())


def headers_of(lines: list[str]) -> dict[str, list[str]]:
    """Headers by name. Raises CliError."""
    made: dict[str, list[str]] = {}
    for text in lines:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise CliError(f'invalid header "{text}": not NAME:VALUE')
        made.setdefault(name.strip(), []).append(value.strip())
    return made


async def put(session: Session, options: PutOptions) -> None:
    """Stores a file, or standard input."""
    from pynats_cli.jetstream.objects.screens import object_screen

    name, headers = object_name(options), headers_of(options.header)
    if options.file and Path(options.file).is_dir():
        raise CliError(f"'{options.file}' is a directory")
    objects = await open_objects(session, options.bucket)
    before = await objects.find(name)
    if before is not None and not before.deleted and not options.force:
        note(object_screen(before).render() + "\n")
        if not sure(False, f"Replace existing file {options.bucket} > {name}", "not replaced"):
            return
    wanted = Note(
        name=name, bucket=options.bucket, nuid="", description=options.description,
        headers=headers,
    )  # fmt: skip
    made = await _sent(objects, wanted, options)
    show(options, made.shown(), lambda: object_screen(made).render())


async def _sent(objects: Objects, wanted: Note, options: PutOptions) -> Note:
    if not options.file:
        with bar(None, "bytes", options.progress) as progress:
            read = sys.stdin.buffer.read
            return await objects.put(wanted, read, options.chunk_size, progress)
    try:
        with Path(options.file).open("rb", buffering=0) as source:
            size = os.fstat(source.fileno()).st_size
            shown = options.progress and size > PROGRESS_ABOVE
            with bar(size, "bytes", shown) as progress:
                return await objects.put(wanted, source.read, options.chunk_size, progress)
    except OSError as error:
        raise CliError(f"open {options.file}: {error_text(error)}") from None


async def get(session: Session, options: GetOptions) -> None:
    """Fetches an object into a file of the present folder, or standard output."""
    from pynats_cli.screen import human

    objects = await open_objects(session, options.bucket)
    found = await objects.note(options.file)
    objects, found = await resolved(session, objects, found)
    started = time.monotonic_ns()
    if options.output == "-":
        await _fetched(objects, found, options, write)
        return
    path = Path.cwd() / (options.output or posixpath.basename(options.file))
    if path.exists() and not sure(options.force, f"Replace existing file {path}?", "not replaced"):
        return
    with replacing(path) as out:
        await _fetched(objects, found, options, out.write)
    took = human.duration(time.monotonic_ns() - started)
    line(f"Wrote: {human.bytes_text(found.size)} to {path} in {took}")


async def _fetched(
    objects: Objects, found: Note, options: GetOptions, out: Callable[[bytes], Any]
) -> None:
    shown = options.progress and found.size > PROGRESS_ABOVE
    with bar(found.size, "bytes", shown) as progress:
        await objects.get(found, out, progress)


@contextmanager
def replacing(path: Path) -> Iterator[Any]:
    """A new file that takes the path's place when all has gone well. Raises CliError."""
    if path.exists() and not path.is_file():  # a terminal, a pipe; a folder refuses
        try:
            with path.open("wb") as out:
                yield out
        except OSError as error:
            raise CliError(f"open {path}: {error_text(error)}") from None
        return
    try:
        path = path.resolve()
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        raise CliError(f"write {path}: {error_text(error)}") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
