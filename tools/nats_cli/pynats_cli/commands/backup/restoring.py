"""`pynats backup restore stream` and `backup restore account`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, EXISTING_FOLDER, UNSIGNED
from pynats_common.files import read_whole

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.opening import open_source
from pynats_cli.jetstream.backup.source import Source
from pynats_cli.jetstream.backup.upload import upload
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.screen import human
from pynats_cli.screen.output import line, note, show
from pynats_cli.screen.progress import bar


@dataclass(kw_only=True)
class PlaceOptions(Shown):
    """Where the streams are to be."""

    cluster: Annotated[str, opt("--cluster", help="Place it in this cluster")] = ""
    tag: Annotated[
        list[str], opt("--tag", help="Place it on servers with this tag; may be repeated")
    ] = field(default_factory=list)

    def placed(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration in its place."""
        if not self.cluster and not self.tag:
            return config
        placement = dict(config.get("placement") or {})
        if self.cluster:
            placement["cluster"] = self.cluster
        if self.tag:
            placement["tags"] = list(self.tag)
        return {**config, "placement": placement}


@dataclass(kw_only=True)
class StreamOptions(PlaceOptions):
    """Flags of `backup restore stream`."""

    file: Annotated[str, arg("Folder of the backup", kind=EXISTING_FOLDER)]
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True
    config: Annotated[
        str, opt("--config", help="File with another configuration", kind=EXISTING_FILE)
    ] = ""
    replicas: Annotated[int, opt("--replicas", help="Replicas of the data", kind=UNSIGNED)] = 0


@dataclass(kw_only=True)
class AccountOptions(PlaceOptions):
    """Flags of `backup restore account`."""

    directory: Annotated[str, arg("Folder with a backup of an account", kind=EXISTING_FOLDER)]
    skip_existing: Annotated[
        bool, opt("--skip-existing", help="Leave out streams that are there")
    ] = False


async def stream(session: Session, options: StreamOptions) -> None:
    """One stream."""
    source = open_source(Path(options.file))
    config = options.placed(_other_config(options.config) or source.config)
    if options.replicas:
        config = {**config, "num_replicas": options.replicas}
    name = str(config["name"])
    if await exists(session, name):
        raise CliError(f'Stream "{name}" already exist')
    await restore(session, source, config, options, options.progress)
    info = await session.js.stream_info(name)
    show(options, shown_info(info), lambda: restored_text(info))


def restored_text(info: dict[str, Any]) -> str:
    """The stream that was made."""
    from pynats_cli.jetstream.streams.screen import info_screen

    return info_screen(info).render()


def _other_config(path: str) -> dict[str, Any] | None:
    """A configuration from a file, which may also hold information of a stream or a backup."""
    if not path:
        return None
    try:
        document = json.loads(read_whole(path))
    except (OSError, ValueError, RecursionError) as error:
        raise CliError(f"{path}: {error}") from None
    if isinstance(document, dict) and isinstance(document.get("config"), dict):
        document = document["config"]
    if not isinstance(document, dict) or not document.get("name"):
        raise CliError(f"{path} has no configuration of a stream")
    return folders.visible_config(document)


async def exists(session: Session, name: str) -> bool:
    """Whether there is a stream of that name."""
    try:
        await session.js.stream_info(name)
    except JsApiError as error:
        if error.code == STREAM_NOT_FOUND:
            return False
        raise
    return True


async def restore(
    session: Session, source: Source, config: dict[str, Any], options: Shown, progress: bool
) -> None:
    """Sends a backup to the server."""
    told = note if options.structured else line
    told(f'Starting restore of Stream "{config["name"]}" from file "{source.folder}"\n')
    started = time.monotonic_ns()
    with bar(source.size, "bytes", progress) as moved:
        await upload(session, config, source.state, source.chunks(), moved)
    took = human.duration(time.monotonic_ns() - started)
    told(f'Restored stream "{config["name"]}" in {took}\n')


async def account(session: Session, options: AccountOptions) -> None:
    """Every stream in a folder of backups."""
    directory = Path(options.directory)
    found = sorted(path.parent for path in directory.glob(f"*/{folders.META}"))
    if not found:
        raise CliError(f"no backups found in {directory}")
    sources = [open_source(path) for path in found]
    there = [each.name for each in sources if await exists(session, each.name)]
    if there and not options.skip_existing:
        names = ", ".join(f'"{name}"' for name in there)
        raise CliError(f"stream {names} exists already: --skip-existing leaves out what is there")
    for name in there:
        note(f'Stream "{name}" exists already, left out')
    restored, failed = [], []
    for source in sources:
        if source.name in there:
            continue
        try:
            await restore(session, source, options.placed(source.config), options, True)
            restored.append(source.name)
        except CliError as error:
            note(f'Restore of stream "{source.name}" failed: {error}')
            failed.append(source.name)
    show(options, {"restored": restored, "skipped": there, "failed": failed}, lambda: "")
    if failed:
        raise CliError(f"{len(failed)} of {len(sources)} streams were not restored")
