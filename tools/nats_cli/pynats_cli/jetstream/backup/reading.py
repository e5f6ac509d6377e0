"""What is in a backup: its entries one by one, from one archive or from the parts of an incremental
backup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from pynats_common.archive import CONSUMERS, STATE, BadArchive, Entry, read_archive
from pynats_common.go.errno import error_text
from pynats_common.go.times import format_time_ns

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.streams.fields import shown_config

Moved = Callable[[int], object]
NO_LIMIT: Final = 1 << 62


def archive_entries(path: Path, moved: Moved = lambda _: None) -> Iterator[Entry]:
    """The entries of an archive of messages; `moved` is told how many bytes of it were read.
    Raises CliError, which names the last entry that was intact."""
    last: Entry | None = None
    at = 0
    try:
        with path.open("rb") as source:
            for entry in read_archive(source, NO_LIMIT):
                if (now := source.tell()) != at:
                    moved(now - at)
                    at = now
                if entry is None:
                    continue
                last = _in_order(entry, last)
                yield entry
            _refuse_more(source, path)
    except BadArchive as error:
        raise CliError(
            f"{path}: {_reason(path, error)} (last good entry: {_named(last)})"
        ) from None
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None


def _in_order(entry: Entry, last: Entry | None) -> Entry:
    if last is None:
        if entry.name != STATE or entry.seq:
            raise BadArchive("it does not begin with the state of the stream")
        return entry
    if not entry.seq and not entry.name.startswith(CONSUMERS):
        raise BadArchive(f"unexpected {entry.name[:80]!r}")
    if last.seq and entry.seq <= last.seq:
        raise BadArchive(f"sequence {entry.seq} is out of order")
    return entry


def _refuse_more(source: IO[bytes], path: Path) -> None:
    """What follows the end would be lost."""
    if source.read(1):
        raise CliError(f"{path}: more follows the end of the archive")


def _reason(path: Path, error: BadArchive) -> str:
    if _is_tar(path):
        return (
            "a backup of a server before 2.15 holds files, not messages: it can be restored, "
            "but not looked into"
        )
    return f"not an intact archive of messages: {error}"


def _is_tar(path: Path) -> bool:
    """Whether an archive has the older form, which begins with the header of a file."""
    from pynats_common.archive import unpacked

    try:
        with path.open("rb") as source:
            begin = next(unpacked(source, NO_LIMIT), b"")
    except (OSError, ValueError):
        return False
    return begin[257:262] == b"ustar"


def _named(entry: Entry | None) -> str:
    if entry is None:
        return "no entries"
    name = entry.name.decode(errors="replace")
    return f"message {entry.seq} on {name}" if entry.seq else name


@dataclass
class Summary:
    """What was counted in a backup."""

    storage: str = "file"
    entries: int = 1  # with the end
    consumers: list[str] = field(default_factory=list)
    messages: int = 0
    size: int = 0  # bytes, as servers count them
    first: tuple[int, int] = (0, 0)  # sequence and time
    last: tuple[int, int] = (0, 0)
    subjects: Counter[bytes] = field(default_factory=Counter)
    state: dict[str, Any] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Counts an entry. Raises CliError for a document that cannot be read."""
        self.entries += 1
        if entry.seq:
            self.messages += 1
            self.size += stored_size(self.storage, entry)
            self.subjects[entry.name] += 1
            self.last = (entry.seq, entry.ts)
            self.first = self.first if self.messages > 1 else self.last
            return
        document = document_of(entry)
        if entry.name == STATE:
            self.state = document
        else:
            self.consumers.append(entry.name.removeprefix(CONSUMERS).decode(errors="replace"))

    def as_dict(self, meta: dict[str, Any], with_subjects: bool) -> dict[str, Any]:
        """The form of `backup info --json`."""
        made: dict[str, Any] = {
            "config": shown_config(meta["config"]),
            "declared": self.state,
            "declared_counts_advisory": self.advisory,
        }
        if "edit" in meta:
            made["edit"] = meta["edit"]
        made |= {
            "consumers": sorted(self.consumers),
            "messages": self.messages,
            "num_subjects": len(self.subjects),
        }
        if with_subjects:
            made["subjects"] = dict(self.subject_counts())
        return made | {
            "bytes": self.size,
            "first_seq": self.first[0],
            "last_seq": self.last[0],
            "first_time": format_time_ns(self.first[1]) if self.messages else folders.NO_TIME,
            "last_time": format_time_ns(self.last[1]) if self.messages else folders.NO_TIME,
        }

    @property
    def advisory(self) -> bool:
        """True when the archive does not tell how many messages it has, as edited ones do."""
        return self.messages > 0 and not self.state.get("messages")

    def subject_counts(self) -> list[tuple[str, int]]:
        """Subjects and their messages, by name."""
        return sorted(
            (name.decode(errors="replace"), count) for name, count in self.subjects.items()
        )

    def ok_line(self) -> str:
        """The line of `backup validate`."""
        return (
            f"OK: {self.entries} entries, {len(self.consumers)} consumers, "
            f"{self.messages} messages, {len(self.subjects)} subjects, "
            f"sequences {self.first[0]} to {self.last[0]}"
        )


def stored_size(storage: str, entry: Entry) -> int:
    """What a message takes in a stream, as servers count it."""
    size = len(entry.name) + len(entry.headers) + len(entry.payload)
    if storage == "memory":
        return size + 16
    return size + (34 if entry.headers else 30)


def document_of(entry: Entry) -> dict[str, Any]:
    """The JSON of a document. Raises CliError."""
    return object_of(
        entry.payload, f"{entry.name.decode(errors='replace')} in the archive is not JSON"
    )


def summarize(meta: dict[str, Any], entries: Iterator[Entry]) -> Summary:
    """Counts everything."""
    summary = Summary(str(meta["config"].get("storage", "file")))
    for entry in entries:
        summary.add(entry)
    return summary
