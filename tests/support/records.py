"""Answers of programs that are not ours, kept in text files beside the cases that ask for them.

A test asks through the fixture `recorded`:

    expected = recorded.of(lambda: answer_of(reference_servers.get("plain", "").port))
    assert plain(answer_of(ours.port)) == expected

As a rule the answer is read from `records/<module>.txt` and nothing of the reference runs. With
`--record` the reference is asked and the file written; with `--reference` it is asked, and a
record that is no longer what it says is a failure. Answers are what JSON can hold; what varies
from run to run (ids, times, ports, an order nobody promises) is taken out before.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.support.packing import pack, unpack
from tests.support.record_text import parse, parse_answer, render, render_answer

REPLAY = "replay"
RECORD = "record"
CHECK = "check"

PART = " :: "  # between a case and which of its answers


class RecordMissing(AssertionError):
    """Nobody has asked the reference yet."""


class RecordOutdated(AssertionError):
    """The reference says something else now."""


def repeated(cases: Iterable[object]) -> list[str]:
    """The names that more than one case has: it would have the record of another."""
    return [name for name, count in Counter(map(str, cases)).items() if count > 1]


def plain(value: Any) -> Any:
    """`value` as it comes out of a record: lists for tuples, text for keys."""
    return json.loads(json.dumps(value))


def as_text(value: Any) -> str:
    """`value` as a record shows it: the order of keys counts, and a difference is short."""
    return render_answer(plain(value))


def difference(record: str, now: str, who: str = "ours") -> str:
    """Where two texts of answers differ."""
    lines = difflib.unified_diff(
        record.split("\n"), now.split("\n"), "the record", who, lineterm=""
    )
    return "\n".join(lines)


@dataclass
class RecordTexts:
    """What a file of records says."""

    version: str
    records: dict[str, str]  # by case, as `render_answer` has it


class RecordFile:
    """The records of one test module, by case."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_module(cls, module: Path) -> RecordFile:
        return cls(module.parent / "records" / f"{module.stem}.txt")

    def read(self) -> RecordTexts:
        """Empty where there is no file."""
        kept = self._kept()
        records = {key: text for case in kept.cases.values() for key, text in case.items()}
        return RecordTexts(kept.version, records)

    def of_case(self, case: str) -> dict[str, str]:
        """Its records: one, or one for each part."""
        return dict(self._kept().cases.get(case, {}))

    def _kept(self) -> _Kept:
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return _Kept("", {})
        return _read(self.path, state.st_mtime_ns, state.st_size)

    @contextmanager
    def changing(self) -> Iterator[RecordTexts]:
        """The version and the records, to be changed and written; one process at a time."""
        self.path.parent.mkdir(exist_ok=True)
        with (self.path.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            texts = self.read()
            yield texts
            if texts.records:
                self.path.write_text(render(texts.version, texts.records), "utf-8")
            else:
                self.path.unlink(missing_ok=True)

    def packed(self, key: str) -> Path:
        """Where the files that belong to a record are."""
        name = re.sub(r"[^\w.-]+", "-", key).strip("-")
        return self.path.with_suffix("") / f"{name}.tar.xz"

    def remove(self, texts: RecordTexts, keys: Iterable[str]) -> None:
        """Forgets records and their files."""
        for key in keys:
            texts.records.pop(key, None)
            self.packed(key).unlink(missing_ok=True)

    def drop_stale(self, cases: set[str], mode: str) -> None:
        """Removes records of cases that are not among `cases`, all of the module.

        Raises RecordOutdated instead, unless records are being written.
        """
        kept = self._kept().cases
        stale = [key for case in sorted(kept.keys() - cases) for key in kept[case]]
        if stale and mode != RECORD:
            raise RecordOutdated(f"{self.path} has records of no case: {stale}; run `make record`")
        if stale:
            with self.changing() as texts:
                self.remove(texts, stale)


@dataclass(frozen=True)
class _Kept:
    """A file as it was read, for the thousands of tests that ask for one case each."""

    version: str
    cases: dict[str, dict[str, str]]  # the records of each


@lru_cache(maxsize=16)
def _read(path: Path, _changed_ns: int, _size: int) -> _Kept:
    version, records = parse(path.read_text("utf-8"))
    cases: dict[str, dict[str, str]] = {}
    for key, text in records.items():
        cases.setdefault(key.partition(PART)[0], {})[key] = text
    return _Kept(version, cases)


class Recorded:
    """The recorded answers of one test; see the module.

    `whole` says that all cases of the module are asked, so that another version of the reference
    may take over its file.
    """

    def __init__(
        self, file: RecordFile, case: str, mode: str, version: Callable[[], str], whole: bool
    ) -> None:
        self.mode = mode
        self._file = file
        self._case = case
        self._version = version
        self._whole = whole
        self._records = file.of_case(case)
        self._told: dict[str, str] = {}
        self._folders: dict[str, Path] = {}  # to be packed

    def kept(self, part: str = "") -> Any:
        """The record as it stands, whatever the mode; None when there is none."""
        text = self._records.get(self._key(part))
        return None if text is None else parse_answer(text)

    def of(self, ask: Callable[[], Any], part: str = "") -> Any:
        """The reference's answer; `ask` is called only where the reference may be asked.

        A test that asks more than once names the `part` that each answer is.
        """
        key = self._key(part)
        assert key not in self._told, f"{key} is asked for twice; name the parts"
        if self.mode != RECORD and key not in self._records:
            raise RecordMissing(f"{self._file.path} has no {key!r}: run `make record`")
        told = self._records[key] if self.mode == REPLAY else as_text(ask())
        self._told[key] = told
        if self.mode == CHECK and told != (record := as_text(self.kept(part))):
            changed = difference(record, told, "the reference now")
            raise RecordOutdated(f"{self._file.path}, {key}:\n{changed}")
        return parse_answer(told)

    def folder(self, folder: Path, write: Callable[[], Any], part: str = "") -> Any:
        """As `of`, where the reference also leaves files in `folder`, which are kept, too.

        They are what it wrote when it was recorded; files differ from run to run, so `--reference`
        compares the answers only.
        """
        answer = self.of(write, part)
        key = self._key(part)
        if self.mode == RECORD:
            # At once: the test may change them.
            self._folders[key] = folder.with_name(f"{folder.name}-to-be-kept")
            shutil.copytree(folder, self._folders[key])
        elif self.mode == REPLAY:
            unpack(self._file.packed(key), folder)
        return answer

    def end(self, passed: bool) -> None:
        """Writes what was told, or notices records that a passed test no longer asks for."""
        unused = sorted(self._records.keys() - self._told.keys()) if passed else []
        if self.mode == RECORD:
            self._write(unused)
        elif unused:
            raise RecordOutdated(f"{self._file.path}: nobody asks for {unused}; run `make record`")

    def _write(self, unused: list[str]) -> None:
        version = self._version()
        with self._file.changing() as texts:
            if texts.records and texts.version != version:
                if not self._whole:
                    raise RecordOutdated(
                        f"{self._file.path} has answers of {texts.version}, this is {version}: "
                        "record the whole module"
                    )
                texts.records.clear()
            texts.version = version
            self._file.remove(texts, unused)
            texts.records.update(self._told)
            for key, folder in self._folders.items():
                pack(folder, self._file.packed(key))

    def _key(self, part: str) -> str:
        return self._case + PART + part if part else self._case
