"""`pynats backup info` and `backup validate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FOLDER

from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.jetstream.backup.opening import open_source
from pynats_cli.jetstream.backup.reading import Summary, summarize
from pynats_cli.jetstream.backup.source import Source
from pynats_cli.screen import human
from pynats_cli.screen.output import line, note, show
from pynats_cli.screen.progress import bar


@dataclass(kw_only=True)
class ValidateOptions(Shown):
    """Flags of `backup validate`."""

    source: Annotated[str, arg("Folder of the backup", kind=EXISTING_FOLDER)]
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True


@dataclass(kw_only=True)
class InfoOptions(ValidateOptions):
    """Flags of `backup info`."""

    subjects: Annotated[bool, opt("--subjects", help="List every subject")] = False


def read_all(source: Source, verb: str, progress: bool) -> Summary:
    """Counts everything in a backup. Raises CliError when it is not whole."""
    if progress:
        note(f"{verb} backup in {source.folder} with {human.bytes_text(source.size)}\n")
    source.check_digests()
    with bar(source.size, "bytes", progress) as moved:
        return summarize(source.meta, source.entries(moved))


def info(_: GlobalOptions, options: InfoOptions) -> None:
    """What a backup holds."""
    from pynats_cli.jetstream.backup.screens import info_screen, subjects_table

    source = open_source(Path(options.source))
    summary = read_all(source, "Reading", options.progress)

    def text() -> str:
        screen = info_screen(source.folder, source.meta, summary).render()
        if not options.subjects:
            return screen
        return f"{screen}\n\n{subjects_table(source.name, summary).render()}"

    show(options, summary.as_dict(source.meta, options.subjects), text)


def validate(_: GlobalOptions, options: ValidateOptions) -> None:
    """Whether a backup is whole."""
    source = open_source(Path(options.source))
    summary = read_all(source, "Validating", options.progress)
    declared = int(summary.state.get("messages") or 0)
    if declared and declared != summary.messages:
        note(
            f"The state in the backup speaks of {declared} messages: "
            "some were removed while it was taken"
        )
    if options.structured:
        show(options, {"ok": True, **summary.as_dict(source.meta, False)}, lambda: "")
    else:
        line(summary.ok_line())
