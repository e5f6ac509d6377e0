"""How far the sources of a stream have come, and which stream a mirror's origin was.

The last copy of a source says it in a header, as long as that copy is stored. Before it goes, the
place has to be somewhere else: `unsaved` are the places that sources.db does not have. A store on
disk writes them into its log in front of the removal (a *note*), and into sources.db soon after.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from pynats_server.jetstream.store.format.sources_db import Place, SavedPlaces


class SourcePlaces:
    """The places of one stream's sources, by the names of the sources."""

    def __init__(self) -> None:
        self.known: dict[bytes, Place] = {}
        self.unsaved: dict[bytes, int] = {}  # the sequence of the copy that tells
        self.untold = False  # one of those copies was never stored
        self.taken_back: set[bytes] = set()  # whose last copies `undone` has undone
        self._stamps: dict[bytes, int] = {}
        # (copy, source, what was known and unsaved before) of copies that may be taken back
        self._undo: deque[tuple[int, bytes, Place | None, int | None]] = deque()
        self._unlisted = False  # sources.db lacks one that has brought nothing
        self._notes = 0  # in the log, and of these in sources.db
        self._notes_saved = 0

    # -- from the disk ------------------------------------------------------------------------

    def recovered(
        self,
        saved: SavedPlaces | None,
        notes: Iterable[SavedPlaces],
        last_seq: int,
        was_stored: Callable[[int], bool],
    ) -> bool:
        """Takes what a folder tells: sources.db, and the notes of the log in order. What they say
        of copies that got lost, unlike those that are stored or have been removed, does not count:
        such copies have to be made again. False when sources.db is such a one."""
        trusted = saved is None or saved.stamp <= last_seq + 1
        since = 0
        if saved is not None and trusted:
            since = saved.stamp
            self.known = dict(saved.places)
            self._stamps = dict.fromkeys(self.known, since)
        for note in notes:
            self._notes += 1
            for name, place in note.places.items():
                if since <= note.stamp and was_stored(note.told_by[name]):
                    self.known[name] = place
                    self._stamps[name] = note.told_by[name]
        return trusted

    def restored(self, places: dict[bytes, Place]) -> None:
        """Takes what a backup tells."""
        self.known.update(places)
        self._unlisted = self._unlisted or bool(places)

    def told_from(self, name: bytes) -> int:
        """The sequence from which on messages may tell more of a source than is known."""
        return self._stamps.get(name, 0)

    # -- what happens to the stream -----------------------------------------------------------

    def copied(self, name: bytes, place: Place, seq: int, kept: bool = True) -> None:
        """A copy was stored as `seq`, or only used the sequence up."""
        self._undo.append((seq, name, self.known.get(name), self.unsaved.get(name)))
        self.known[name] = place
        self.unsaved[name] = seq
        self.untold = self.untold or not kept

    def seen(self, name: bytes, place: Place) -> None:
        """A message of the origin was looked at and is not to be stored."""
        self.known[name] = place

    def named(self, name: bytes, place: Place) -> None:
        """A mirror has found its origin."""
        if self.known.get(name, Place(0)).identity != place.identity:
            self._unlisted = True
        self.known[name] = place

    def found(self, name: bytes, place: Place, seq: int) -> None:
        """The stored copy `seq` tells a place."""
        self.known[name] = place
        self.unsaved[name] = seq

    def searched(self, name: bytes) -> None:
        """No stored copy tells more of a source than is known."""
        if name not in self.known:
            self.known[name] = Place(0)
            self._unlisted = True

    def configured(self, names: Iterable[bytes]) -> None:
        """These are the stream's sources now: others are forgotten."""
        kept = set(names)
        for places in (self.known, self.unsaved, self._stamps):
            for name in places.keys() - kept:
                del places[name]

    def kept(self, last_seq: int) -> None:
        """Messages up to `last_seq` will not be taken back."""
        while self._undo and self._undo[0][0] <= last_seq:
            self._undo.popleft()

    def undone(self, last_seq: int) -> None:
        """What was appended above `last_seq` was taken back."""
        self.taken_back.clear()
        while self._undo and self._undo[-1][0] > last_seq:
            _, name, place, told_by = self._undo.pop()
            self.taken_back.add(name)
            if place is None:
                self.known.pop(name, None)
            else:
                self.known[name] = place
            if told_by is None:
                self.unsaved.pop(name, None)
            else:
                self.unsaved[name] = told_by

    # -- to the disk --------------------------------------------------------------------------

    @property
    def has_notes(self) -> bool:
        """Whether the log has a note that sources.db has not."""
        return self._notes > self._notes_saved

    @property
    def is_saved(self) -> bool:
        """Whether sources.db has everything."""
        return not (self.unsaved or self.has_notes or self._unlisted)

    def told_by(self, seq: int) -> bool:
        """Whether sources.db lacks what this copy tells."""
        return seq in self.unsaved.values()

    def note(self, stamp: int, is_live: Callable[[int], bool] | None = None) -> SavedPlaces:
        """What the log has to say in front of the next removal: the unsaved places, or those whose
        copy is gone."""
        note = SavedPlaces({}, stamp)
        for name, seq in self.unsaved.items():
            if is_live is None or not is_live(seq):
                note.places[name], note.told_by[name] = self.known[name], seq
        self._notes += bool(note.places)
        self.untold = False
        return note

    def earlier(self, note: SavedPlaces) -> SavedPlaces:
        """What a note said before the copies that may still be taken back: a power cut may take
        them, and not the note."""
        older, left = SavedPlaces({}, note.stamp), set(note.places)
        for _, name, place, told_by in self._undo:
            if not left:
                break
            if name in left:
                left.remove(name)
                if place is not None and told_by is not None:
                    older.places[name], older.told_by[name] = place, told_by
        self._notes += bool(older.places)
        return older

    def begin_save(self) -> Callable[[], None]:
        """What is known now, all of it written, is being saved; to be called when it is."""
        notes, told = self._notes, {n: (seq, self.known[n]) for n, seq in self.unsaved.items()}

        def saved() -> None:
            self._notes_saved = notes
            self._unlisted = False
            for name, (seq, place) in told.items():
                if self.unsaved.get(name) == seq and self.known.get(name) == place:
                    del self.unsaved[name]

        return saved
