"""Incremental backups: a folder with parts, each an archive of the messages of some sequences.

`backup.json` says in `incremental` which stream it is (by the time of its creation), which parts
there are with their digests, and how far they go. What it says of the stream itself (`config`,
`state`, consumers, removed sequences) is from the last run that came to its end: this is what is
restored, and messages behind it wait for the next run.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pynats_common.archive import CONSUMERS, STATE, Entry

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.reading import Moved, archive_entries
from pynats_cli.jetstream.backup.source import Source, digest_of
from pynats_cli.jetstream.backup.writing import encoded

KEY: Final = "incremental"
VERSION: Final = 1
_SHOWN: Final = 60


@dataclass(frozen=True)
class Part:
    """One archive; the sequences that it covers."""

    file: str
    first_seq: int
    last_seq: int
    messages: int
    bytes: int
    digest: str


@dataclass
class Progress:
    """What `backup.json` says of the parts. `upto` is the last sequence that they cover."""

    created: str
    parts: list[Part] = field(default_factory=list)
    upto: int = 0
    complete: bool = False  # a run came to its end: there is something to restore
    target: int = 0  # where the present run ends
    removed: list[list[int]] = field(default_factory=list)  # ranges, at the last complete run
    consumers: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def read(document: Any) -> Progress:
        """Raises CliError."""
        try:
            if document["version"] != VERSION:
                raise CliError(
                    f"the incremental backup has version {document['version']!s:.{_SHOWN}}, "
                    f"not {VERSION}"
                )
            return Progress(
                created=str(document["created"]),
                parts=[_part(each) for each in document["parts"]],
                upto=int(document["upto"]),
                complete=bool(document["complete"]),
                target=int(document["target"]),
                removed=[[int(first), int(last)] for first, last in document["removed"]],
                consumers=list(document["consumers"]),
            )
        except (KeyError, TypeError, ValueError):
            raise CliError(f"what {folders.META} says of the parts cannot be read") from None

    def as_dict(self) -> dict[str, Any]:
        """The form in `backup.json`."""
        return {"version": VERSION, **asdict(self)}


def _part(document: dict[str, Any]) -> Part:
    part = Part(**document)
    if Path(part.file).name != part.file:
        raise ValueError("a part is a file of the folder")
    return part


def ranges(sequences: list[int]) -> list[list[int]]:
    """Sequences as ranges."""
    made: list[list[int]] = []
    for seq in sorted(sequences):
        if made and made[-1][1] == seq - 1:
            made[-1][1] = seq
        else:
            made.append([seq, seq])
    return made


class Parts(Source):
    """An incremental backup as one that can be read and restored."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        super().__init__(folder, meta)
        self.progress = Progress.read(meta[KEY])

    @property
    def size(self) -> int:
        return sum(part.bytes for part in self.progress.parts)

    def digest(self) -> str:
        import hashlib

        every = "\n".join(part.digest for part in self.progress.parts)
        return f"sha256:{hashlib.sha256(every.encode()).hexdigest()}"

    def check_digests(self) -> None:
        for part in self.progress.parts:
            path = self.folder / part.file
            if digest_of(path) != part.digest:
                raise CliError(f"{path}: its digest is not the one in {folders.META}")

    def entries(self, moved: Moved = lambda _: None) -> Iterator[Entry]:
        """As the last complete run left the stream. Raises CliError before there was one."""
        progress = self.progress
        if not progress.complete:
            raise CliError(
                f"the backup was interrupted at sequence {progress.upto} of {progress.target}: "
                "take it again with --incremental to go on"
            )
        now = time.time_ns()
        yield Entry(STATE, now, 0, b"", json.dumps(self.state).encode())
        for consumer in progress.consumers:
            name = CONSUMERS + str(consumer["config"]["name"]).encode()
            yield Entry(name, now, 0, b"", json.dumps(consumer).encode())
        yield from self._messages(moved)

    def _messages(self, moved: Moved) -> Iterator[Entry]:
        first, last = int(self.state.get("first_seq", 0)), int(self.state.get("last_seq", 0))
        starts = [start for start, _ in self.progress.removed]
        for part in self.progress.parts:
            if part.last_seq < first or part.first_seq > last:
                moved(part.bytes)
                continue
            for entry in archive_entries(self.folder / part.file, moved):
                if not first <= entry.seq <= last:
                    continue
                at = bisect_right(starts, entry.seq) - 1
                if at < 0 or entry.seq > self.progress.removed[at][1]:
                    yield entry

    def chunks(self) -> Iterator[bytes]:
        return encoded(self.entries())
