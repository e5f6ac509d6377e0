"""`pynats backup stream` and `backup account`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import SIZE

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.jetstream.backup.download import CHUNK_SIZE, Wish, download
from pynats_cli.jetstream.backup.screens import taken_line
from pynats_cli.screen import human
from pynats_cli.screen.ask import sure
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line
from pynats_cli.screen.progress import bar


@dataclass(kw_only=True)
class TakeOptions(Force):
    """Flags of both."""

    check: Annotated[bool, opt("--check", help="Let the server check the data before")] = False
    consumers: Annotated[bool, opt("--consumers/--no-consumers", help="Back up consumers, too")] = (
        True
    )

    def wish(self) -> Wish:
        """What the server is asked for."""
        return Wish(consumers=self.consumers, check=self.check, force=self.force)


@dataclass(kw_only=True)
class StreamOptions(TakeOptions):
    """Flags of `backup stream`. `--force` replaces a backup that is there."""

    stream: Annotated[str, arg("Stream to back up")]
    target: Annotated[str, arg("Folder to put it in")]
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True
    chunk_size: Annotated[
        int, opt("--chunk-size", help="Size of the pieces that are sent", kind=SIZE)
    ] = CHUNK_SIZE
    window_size: Annotated[
        int, opt("--window-size", help="Bytes on their way at once", kind=SIZE)
    ] = 0
    incremental: Annotated[
        bool,
        opt("--incremental", help="Fetch what is new since the last time, or go on after a stop"),
    ] = False

    def wish(self) -> Wish:
        return Wish(
            consumers=self.consumers, check=self.check, force=self.force,
            chunk_size=max(self.chunk_size, 1), window_size=max(self.window_size, 0),
        )  # fmt: skip


@dataclass(kw_only=True)
class AccountOptions(TakeOptions):
    """Flags of `backup account`."""

    target: Annotated[str, arg("Folder to put the backups in")]
    critical_warnings: Annotated[
        bool, opt("--critical-warnings", "-w", help="Warnings are failures")
    ] = False


async def stream(session: Session, options: StreamOptions) -> None:
    """One stream."""
    folder = Path(options.target)
    if options.incremental:
        from pynats_cli.commands.backup.incremental import take

        await take(session, options.stream, folder, options.consumers, options.progress)
        return
    await _take(session, options.stream, folder, options.wish(), options.progress)


async def _take(session: Session, name: str, folder: Path, wish: Wish, progress: bool) -> None:
    info = await session.js.stream_info(name)
    size = int(info["state"]["bytes"])
    line(f'Starting backup of Stream "{name}" with {human.bytes_text(size)}')
    if wish.check:
        line("Health Check was requested, this can take a long time without progress reports")
    line()
    with bar(size, "bytes", progress) as moved:
        taken = await download(session, name, folder, wish, moved)
    line(taken_line(name, taken))


async def account(session: Session, options: AccountOptions) -> int | None:
    """Every stream, each in a folder of its own."""
    target = Path(options.target)
    streams = await session.js.streams()
    if not streams:
        raise CliError("no streams found")
    line(f"Performing backup of all streams to {target}\n")
    columns = Columns("")
    columns.add("Streams", human.thousands(len(streams)))
    columns.add("Size", human.bytes_text(sum(int(each["state"]["bytes"]) for each in streams)))
    consumers = sum(int(each["state"]["consumer_count"]) for each in streams)
    columns.add("Consumers", human.thousands(consumers))
    line(columns.render().lstrip("\n") + "\n")
    if not sure(options.force, "Perform backup?", "no backup was taken"):
        return None
    warnings, failed = [], False
    for each in streams:
        name = str(each["config"]["name"])
        try:
            await _take(session, name, target / name, options.wish(), progress=True)
            line()
        except CliError as error:
            line(f"Backup of {name} failed: {error}\n")
            warnings.append(f"  {name}: {error}")
            failed = failed or each["config"].get("storage") != "memory"
    if warnings:
        line("\n".join(["Backup Warnings:", *warnings, ""]))
    if failed or (warnings and options.critical_warnings):
        raise CliError("backup failed")
    return None
