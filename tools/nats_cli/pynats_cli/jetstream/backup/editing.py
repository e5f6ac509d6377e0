"""An edited copy of a backup: read twice, once to select and once to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pynats_common.archive import STATE, Entry
from pynats_common.go.errno import error_text
from pynats_common.go.times import format_time_ns
from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup.obfuscation import Obfuscator
from pynats_cli.jetstream.backup.parts import KEY
from pynats_cli.jetstream.backup.reading import Summary, document_of
from pynats_cli.jetstream.backup.selection import Selection, Wish
from pynats_cli.jetstream.backup.source import Source, digest_of
from pynats_cli.jetstream.backup.writing import Writer

_PART: Final = ".archive.part"


@dataclass
class Edited:
    """What came of it."""

    stream: str
    selection: Selection
    kept: Summary
    consumers_dropped: int
    last_seq: int  # of the restored stream
    tokens: int = 0
    padded: int = 0
    key_file: Path | None = None


@dataclass
class Editing:
    """One edit. `moved` is told of bytes that were read, twice the size of the source in all."""

    source: Source
    wish: Wish
    obfuscator: Obfuscator | None = None
    moved: Callable[[int], object] = lambda _: None

    def run(self, target: Path | None) -> Edited:
        """Writes the copy into an empty folder, or nothing without one. Raises CliError."""
        self.wish.check(self.source.config)
        self.source.check_digests()
        selection = Selection(self.wish)
        documents, kept = self._look(selection)
        if selection.by_subject:
            kept = self._count(selection.kept(self.source.entries()))
        consumers = [] if self.wish.renumber else documents[1:]
        last = _last_seq(documents[0], kept, self.wish.renumber)
        config = self._config()
        edited = Edited(
            str(config["name"]), selection, kept, len(documents) - 1 - len(consumers), last
        )
        kept.consumers = [entry.name.decode(errors="replace") for entry in consumers]
        if target is not None:
            self._write(target, config, [self._state(documents[0], edited), *consumers], edited)
        elif self.obfuscator is not None:
            for _ in self._copied(consumers, selection):
                pass
        if self.obfuscator is not None:
            edited.tokens, edited.padded = len(self.obfuscator.known), self.obfuscator.padded
        return edited

    def _look(self, selection: Selection) -> tuple[list[Entry], Summary]:
        """The documents, the state first; and what passes."""
        documents: list[Entry] = []

        def messages() -> Iterator[Entry]:
            for entry in self.source.entries(self.moved):
                if entry.seq:
                    yield entry
                else:
                    documents.append(entry)

        kept = self._count(selection.look(messages()))
        selection.finish()
        return documents, kept

    def _count(self, entries: Iterator[Entry]) -> Summary:
        """What is kept, as far as the state of the stream tells of it."""
        kept = Summary(str(self.source.config.get("storage", "file")))
        for entry in entries:
            kept.add(self._changed(entry))
        return kept

    def _config(self) -> dict[str, Any]:
        if self.obfuscator is None:
            return self.source.config
        return self.obfuscator.config(self.source.config)

    def _state(self, state: Entry, edited: Edited) -> Entry:
        before, kept = document_of(state), edited.kept
        first = kept.first[0] if kept.messages else edited.last_seq + 1
        if self.wish.renumber:
            first = 1
        made = {
            "messages": kept.messages,
            "bytes": kept.size,
            "first_seq": first,
            "first_ts": format_time_ns(kept.first[1]) if kept.messages else folders.NO_TIME,
            "last_seq": edited.last_seq,
            "last_ts": format_time_ns(kept.last[1]) if kept.messages else folders.NO_TIME,
            "consumer_count": len(kept.consumers),
        }
        if "sources" in before and not self.wish.renumber and self.obfuscator is None:
            made["sources"] = before["sources"]
        return state._replace(payload=json.dumps(made, separators=(",", ":")).encode())

    def _copied(self, consumers: list[Entry], selection: Selection) -> Iterator[Entry]:
        hidden = self.obfuscator
        for entry in consumers:
            yield hidden.consumer(entry, document_of(entry)) if hidden is not None else entry
        for number, entry in enumerate(selection.kept(self.source.entries(self.moved)), start=1):
            yield self._changed(entry._replace(seq=number) if self.wish.renumber else entry, True)

    def _changed(self, entry: Entry, count: bool = False) -> Entry:
        if self.obfuscator is None:
            return entry
        keeps = bool(self.source.config.get("allow_msg_counter"))
        before = self.obfuscator.padded
        made = self.obfuscator.message(entry, keeps)
        if not count:
            self.obfuscator.padded = before
        return made

    def _write(
        self, target: Path, config: dict[str, Any], documents: list[Entry], edited: Edited
    ) -> None:
        made_target = not target.exists()
        try:
            target.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(target.iterdir()):
                raise CliError(f"target directory {target.resolve()} is not empty")
            writer = Writer(target / _PART)
            try:
                writer.add(documents[0])
                for entry in self._copied(documents[1:], edited.selection):
                    writer.add(entry)
                size = writer.finish(target / folders.ARCHIVE)
            finally:
                writer.discard()
            if self.obfuscator is not None:
                edited.key_file = target.resolve().with_name(f"{target.resolve().name}.keys.json")
                keys = json.dumps(self.obfuscator.as_dict(), indent=2).encode()
                folders.replace_file(edited.key_file, keys)
            folders.write_meta(target, self._meta(target, config, documents[0], size))
        except OSError as error:
            raise CliError(f"write {target}: {error_text(error)}") from None
        finally:
            if made_target and target.is_dir() and not any(target.iterdir()):
                target.rmdir()

    def _meta(
        self, target: Path, config: dict[str, Any], state: Entry, size: int
    ) -> dict[str, Any]:
        options = self.wish.options() + ["obfuscate"] * (self.obfuscator is not None)
        edit: dict[str, Any] = {
            "version": f"pynats {RELEASE}",
            "options": options,
            "source_digest": self.source.digest(),
        }
        if self.obfuscator is not None:
            edit["obfuscated"] = True
        kept = {k: v for k, v in self.source.meta.items() if k not in ("archive", "edit", KEY)}
        archive = {"digest": digest_of(target / folders.ARCHIVE), "bytes": size}
        return {**kept, "config": config, "state": document_of(state), "edit": edit,
                "archive": archive}  # fmt: skip


def _last_seq(state: Entry, kept: Summary, renumber: bool) -> int:
    """The last sequence of the restored stream."""
    if renumber:
        return kept.messages
    declared = int(document_of(state).get("last_seq") or 0) if state.name == STATE else 0
    return max(declared, kept.last[0])
