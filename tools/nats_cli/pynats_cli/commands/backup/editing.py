"""`pynats backup edit` and `backup lookup`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, EXISTING_FOLDER, UNSIGNED, Kind
from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.go.times import parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.jetstream.backup.editing import Edited, Editing
from pynats_cli.jetstream.backup.obfuscation import Obfuscator
from pynats_cli.jetstream.backup.opening import open_source
from pynats_cli.jetstream.backup.selection import REASONS, Wish
from pynats_cli.screen import human
from pynats_cli.screen.output import line, note, show
from pynats_cli.screen.progress import bar


def _moment(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time, or of so long ago."""
    try:
        return parse_instant_ns(text)
    except ValueError:
        pass
    try:
        return time.time_ns() - parse_long_duration_ns(text)
    except ValueError:
        raise ValueError(f'"{text:.40}" is neither an RFC 3339 time nor a duration') from None


TIME = Kind("TIME", _moment)


@dataclass(kw_only=True)
class EditOptions(Shown):
    """Flags of `backup edit`."""

    source: Annotated[str, arg("Folder of the backup", kind=EXISTING_FOLDER)]
    target: Annotated[str, arg("Folder for the copy")]
    subject: Annotated[
        list[str], opt("--subject", help="Keep what matches a subject", placeholder="PATTERN")
    ] = field(default_factory=list)
    exclude_subject: Annotated[
        list[str],
        opt("--exclude-subject", help="Drop what matches a subject", placeholder="PATTERN"),
    ] = field(default_factory=list)
    after: Annotated[
        int | None, opt("--after", help="Keep what was stored since then, or so long", kind=TIME)
    ] = None
    before: Annotated[int | None, opt("--before", help="Keep what is older", kind=TIME)] = None
    first_seq: Annotated[
        int, opt("--first-seq", help="Keep this sequence and higher ones", kind=UNSIGNED)
    ] = 0
    last_seq: Annotated[
        int, opt("--last-seq", help="Keep this sequence and lower ones", kind=UNSIGNED)
    ] = 0
    header: Annotated[
        list[str],
        opt("--header", help="Keep what has a header", placeholder="NAME[:VALUE]"),
    ] = field(default_factory=list)
    exclude_header: Annotated[
        list[str], opt("--exclude-header", help="Drop what has a header", placeholder="NAME")
    ] = field(default_factory=list)
    payload_match: Annotated[
        list[str],
        opt("--payload-match", help="Keep what matches an expression", placeholder="REGEX"),
    ] = field(default_factory=list)
    exclude_payload_match: Annotated[
        list[str],
        opt("--exclude-payload-match", help="Drop what matches it", placeholder="REGEX"),
    ] = field(default_factory=list)
    last_per_subject: Annotated[
        int,
        opt("--last-per-subject", help="Keep the newest so many of each subject", kind=UNSIGNED),
    ] = 0
    kv_compact: Annotated[
        bool, opt("--kv-compact", help="Keep the newest value of each key of a bucket")
    ] = False
    renumber: Annotated[
        bool, opt("--renumber", help="Number messages from 1, without consumers")
    ] = False
    dry_run: Annotated[bool, opt("--dry-run", help="Say what would be done only")] = False
    obfuscate: Annotated[
        bool, opt("--obfuscate", help="Replace names by hashes and data by zeros")
    ] = False
    obfuscation_key: Annotated[
        str, opt("--obfuscation-key", help="Use an earlier key file again", kind=EXISTING_FILE)
    ] = ""
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show a progress bar")] = True

    def wish(self) -> Wish:
        """What is to be kept."""
        return Wish(
            subjects=tuple(self.subject),
            exclude_subjects=tuple(self.exclude_subject),
            after_ns=self.after,
            before_ns=self.before,
            first_seq=self.first_seq,
            last_seq=self.last_seq,
            headers=tuple(self.header),
            exclude_headers=tuple(self.exclude_header),
            payloads=tuple(self.payload_match),
            exclude_payloads=tuple(self.exclude_payload_match),
            last_per_subject=self.last_per_subject,
            kv_compact=self.kv_compact,
            renumber=self.renumber,
        )


@dataclass(kw_only=True)
class LookupOptions:
    """Flags of `backup lookup`."""

    keyfile: Annotated[str, arg("Key file beside the backup", kind=EXISTING_FILE)]
    value: Annotated[list[str], arg("What to look up")]


def edit(_: GlobalOptions, options: EditOptions) -> None:
    """A copy with a part of the messages."""
    from pynats_cli.jetstream.backup.screens import edit_screen

    if options.obfuscation_key and not options.obfuscate:
        raise CliError("--obfuscation-key needs --obfuscate")
    obfuscator = None
    if options.obfuscate:
        keys = options.obfuscation_key
        obfuscator = Obfuscator.load(Path(keys)) if keys else Obfuscator()
    source, target = open_source(Path(options.source)), Path(options.target)
    if options.progress:
        note(f"Editing backup in {source.folder} with {human.bytes_text(source.size)}\n")
    with bar(2 * source.size, "bytes", options.progress) as moved:
        editing = Editing(source, options.wish(), obfuscator, moved)
        edited = editing.run(None if options.dry_run else target)
    table = edit_screen(edited, target, not options.dry_run)
    show(options, _as_dict(edited, target), lambda: table)
    if edited.key_file is not None:
        note(
            "\nThe key file tells what the names were: share the backup, keep the key file private."
        )


def _as_dict(edited: Edited, target: Path) -> dict[str, Any]:
    return {
        "stream": edited.stream,
        "target": str(target),
        "source_messages": edited.selection.source_messages,
        "messages": edited.kept.messages,
        "bytes": edited.kept.size,
        "dropped": {each: edited.selection.dropped[each] for each in REASONS},
        "consumers": len(edited.kept.consumers),
        "last_seq": edited.last_seq,
        "key_file": str(edited.key_file) if edited.key_file else None,
    }


def lookup(_: GlobalOptions, options: LookupOptions) -> None:
    """What obfuscated values were; what is not known is shown as it is."""
    obfuscator = Obfuscator.load(Path(options.keyfile))
    for value in options.value:
        line(obfuscator.meaning(value))
