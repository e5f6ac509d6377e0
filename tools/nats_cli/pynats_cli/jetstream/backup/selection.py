"""Which messages of a backup an edited copy keeps."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pynats_common.archive import Entry
from pynats_common.go.times import format_time_ns
from pynats_common.subjects import is_valid_subject, subject_matches

from pynats_cli.errors import CliError

SEQUENCE, SUBJECT, TIME = "Sequence Filter", "Subject Filter", "Time Filter"
HEADER, PAYLOAD = "Header Filter", "Payload Filter"
LAST, COMPACTION = "Last Per Subject", "KV Compaction"
REASONS: Final = (SEQUENCE, SUBJECT, TIME, HEADER, PAYLOAD, LAST, COMPACTION)
_STATE_BYTES: Final = 16  # beside the subject itself, of what is held of one


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be kept. Times are nanoseconds; None and 0 = no bound."""

    subjects: tuple[str, ...] = ()
    exclude_subjects: tuple[str, ...] = ()
    after_ns: int | None = None
    before_ns: int | None = None
    first_seq: int = 0
    last_seq: int = 0
    headers: tuple[str, ...] = ()
    exclude_headers: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    exclude_payloads: tuple[str, ...] = ()
    last_per_subject: int = 0
    kv_compact: bool = False
    renumber: bool = False

    def check(self, config: dict[str, Any]) -> None:
        """Raises CliError for wishes that contradict each other or the stream."""
        for subject in (*self.subjects, *self.exclude_subjects):
            if not is_valid_subject(subject):
                raise CliError(f'invalid subject filter "{subject}"')
        for expression in (*self.payloads, *self.exclude_payloads):
            try:
                re.compile(expression.encode())
            except re.error as error:
                raise CliError(f'invalid payload expression "{expression}": {error}') from None
        if self.first_seq and self.last_seq and self.first_seq > self.last_seq:
            raise CliError(f"--first-seq {self.first_seq} is above --last-seq {self.last_seq}")
        if None not in (self.after_ns, self.before_ns) and self.after_ns >= self.before_ns:  # type: ignore[operator]
            raise CliError("--after must be earlier than --before")
        if self.kv_compact and self.last_per_subject:
            raise CliError("--kv-compact and --last-per-subject exclude each other")
        if self.kv_compact and not is_bucket(config):
            subjects = " ".join(config.get("subjects") or [])
            raise CliError(
                f'--kv-compact needs the backup of a bucket: stream "{config["name"]}" with '
                f"subjects [{subjects}] is not one"
            )

    def options(self) -> list[str]:
        """As `backup.json` tells of them."""
        made = [f"subject={each}" for each in self.subjects]
        made += [f"exclude-subject={each}" for each in self.exclude_subjects]
        if self.after_ns is not None:
            made.append(f"after={format_time_ns(self.after_ns)}")
        if self.before_ns is not None:
            made.append(f"before={format_time_ns(self.before_ns)}")
        for name, number in (("first-seq", self.first_seq), ("last-seq", self.last_seq)):
            made += [f"{name}={number}"] if number else []
        made += [f"header={each}" for each in self.headers]
        made += [f"no-header={each}" for each in self.exclude_headers]
        made += [f"payload-match={each}" for each in self.payloads]
        made += [f"exclude-payload-match={each}" for each in self.exclude_payloads]
        if self.last_per_subject:
            made.append(f"last-per-subject={self.last_per_subject}")
        return made + ["kv-compact"] * self.kv_compact + ["renumber"] * self.renumber


def is_bucket(config: dict[str, Any]) -> bool:
    """Whether a stream is a key-value bucket."""
    name = str(config.get("name", ""))
    return name.startswith("KV_") and config.get("subjects") == [f"$KV.{name[3:]}.>"]


@dataclass
class Selection:
    """The messages that are kept, once all were seen; and why the others are not."""

    wish: Wish
    dropped: Counter[str] = field(default_factory=Counter)
    source_messages: int = 0
    source_subjects: set[bytes] = field(default_factory=set)
    _newest: dict[bytes, deque[int]] = field(default_factory=dict)
    _removed: set[bytes] = field(default_factory=set)  # keys whose newest revision is a marker
    _passes: Callable[[Entry], str] | None = None

    @property
    def by_subject(self) -> bool:
        """Whether only all messages together tell what is kept."""
        return bool(self.wish.last_per_subject or self.wish.kv_compact)

    def look(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Sees every message once, before `kept`; those that pass by themselves."""
        by_subject = self.by_subject
        most = 1 if self.wish.kv_compact else self.wish.last_per_subject
        for entry in entries:
            if not entry.seq:
                continue
            self.source_messages += 1
            self.source_subjects.add(entry.name)
            if reason := self.reason(entry):
                self.dropped[reason] += 1
                continue
            if by_subject:
                self._look_at(entry, most)
            yield entry

    def _look_at(self, entry: Entry, most: int) -> None:
        newest = self._newest.setdefault(entry.name, deque())
        newest.append(entry.seq)
        if len(newest) > most:
            newest.popleft()
            self.dropped[COMPACTION if self.wish.kv_compact else LAST] += 1
        if self.wish.kv_compact:
            if _is_marker(entry):
                self._removed.add(entry.name)
            else:
                self._removed.discard(entry.name)

    def finish(self) -> None:
        """After the last message."""
        self.dropped[COMPACTION] += len(self._removed)

    @property
    def state_keys(self) -> int:
        """Subjects of which something is held."""
        return len(self._newest)

    @property
    def state_bytes(self) -> int:
        """What that takes."""
        return sum(len(name) + _STATE_BYTES for name in self._newest)

    def kept(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Messages that are kept, as they were."""
        by_subject = self.by_subject
        for entry in entries:
            if not entry.seq or self.reason(entry):
                continue
            if by_subject and (
                entry.name in self._removed or entry.seq < self._newest[entry.name][0]
            ):
                continue
            yield entry

    def reason(self, entry: Entry) -> str:
        """Why a message alone is not kept; "" when it is."""
        if self._passes is None:
            self._passes = _filter(self.wish)
        return self._passes(entry)


def _filter(wish: Wish) -> Callable[[Entry], str]:
    checks: list[tuple[str, Callable[[Entry], bool]]] = []
    if wish.first_seq or wish.last_seq:
        last = wish.last_seq or 1 << 64
        checks.append((SEQUENCE, lambda entry: wish.first_seq <= entry.seq <= last))
    if wish.subjects or wish.exclude_subjects:
        known: dict[bytes, bool] = {}

        def on_subject(entry: Entry) -> bool:
            found = known.get(entry.name)
            if found is None:
                found = known[entry.name] = _subject_passes(wish, entry.name.decode())
            return found

        checks.append((SUBJECT, on_subject))
    if wish.after_ns is not None or wish.before_ns is not None:
        after = wish.after_ns if wish.after_ns is not None else -(1 << 63)
        before = wish.before_ns if wish.before_ns is not None else 1 << 63
        checks.append((TIME, lambda entry: after <= entry.ts < before))
    if wish.headers or wish.exclude_headers:
        checks.append((HEADER, lambda entry: _headers_pass(wish, entry)))
    if wish.payloads or wish.exclude_payloads:
        yes = [re.compile(each.encode()) for each in wish.payloads]
        no = [re.compile(each.encode()) for each in wish.exclude_payloads]
        checks.append(
            (PAYLOAD, lambda entry: (not yes or any(each.search(entry.payload) for each in yes))
             and not any(each.search(entry.payload) for each in no))
        )  # fmt: skip
    return lambda entry: next((reason for reason, passes in checks if not passes(entry)), "")


def _subject_passes(wish: Wish, subject: str) -> bool:
    if wish.subjects and not any(subject_matches(each, subject) for each in wish.subjects):
        return False
    return not any(subject_matches(each, subject) for each in wish.exclude_subjects)


def header_pairs(block: bytes) -> list[tuple[str, str]]:
    """The headers of a message."""
    pairs = []
    for text in block.decode(errors="replace").split("\r\n")[1:]:
        name, colon, value = text.partition(":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    return pairs


def _headers_pass(wish: Wish, entry: Entry) -> bool:
    pairs = header_pairs(entry.headers)
    names = {name for name, _ in pairs}
    if any(name in names for name in wish.exclude_headers):
        return False
    if not wish.headers:
        return True
    for wanted in wish.headers:
        name, colon, value = wanted.partition(":")
        if (name, value.strip()) in pairs if colon else name in names:
            return True
    return False


def _is_marker(entry: Entry) -> bool:
    """Whether a revision says that its key is gone."""
    pairs = dict(header_pairs(entry.headers))
    return pairs.get("KV-Operation") in ("DEL", "PURGE") or "Nats-Marker-Reason" in pairs
