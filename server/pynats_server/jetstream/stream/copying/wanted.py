"""What a mirror or a source wants of its origin: by which filters, and under which subjects copies
are stored. There may be thousands of either."""

from __future__ import annotations

from itertools import chain
from typing import Final

from pynats_server.core.interest.sublist import Sublist
from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.store import Message, Store
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.subjects.transform import SubjectTransform
from pynats_server.work import Work

FEW: Final = 8
"""Transforms that are rather tried one after the other."""
PREPARED: Final = 64
"""Transforms read before a rest, about 0.2 ms."""


class Wanted:
    """The filters and transforms of one source or mirror. `prepare` comes first."""

    def __init__(self, source: StreamSource) -> None:
        self._source = source
        self._transforms: list[SubjectTransform] = []
        self._index: Sublist | None = None  # which transforms match a subject, if there are many
        self._filters = FilterSet([source.filter_subject.encode() or b">"])
        self._only: bytes | None = source.filter_subject.encode() or b">"
        if source.subject_transforms:
            self._filters = FilterSet([t.src.encode() or b">" for t in source.subject_transforms])
            self._only = None
            if len(self._filters) == 1:
                self._only = source.subject_transforms[0].src.encode() or b">"

    def prepare(self) -> Work[None]:
        """Makes ready for `subject`. Idempotent."""
        asked = self._source.subject_transforms
        if len(self._transforms) == len(asked):
            return
        transforms: list[SubjectTransform] = []
        index = Sublist() if len(asked) > FEW else None
        for place, transform in enumerate(asked):
            if place % PREPARED == PREPARED - 1:
                yield
            transforms.append(SubjectTransform.compile(transform.src, transform.dest))
            if index is not None:
                index.add(transform.src.encode() or b">", b"", b"%d" % place)
        self._transforms, self._index = transforms, index

    def restrict(self, filters: list[str]) -> None:
        """What a consumer of the origin's is for, whatever the configuration says; none means
        all."""
        wanted = [each.encode() for each in filters] or [b">"]
        self._filters = FilterSet(wanted)
        self._only = wanted[0] if len(wanted) == 1 else None

    def find(self, store: Store, start: int) -> Work[Message | None]:
        """The first message at or after `start` that is wanted."""
        if self._only is not None:
            return (yield from store.find_next(self._only, start))
        return (yield from store.find_next_of(self._filters, start))

    def count(self, store: Store, start: int) -> Work[int]:
        """How many messages at or after `start` are wanted."""
        return store.counting_from(self._filters, start)

    def subject(self, subject: bytes) -> bytes:
        """The subject under which the copy of a message is stored: what the first transform that
        matches makes of it."""
        transforms = self._transforms
        if self._index is not None:
            plain, queues = self._index.lookup(subject)
            found = chain(plain, *queues.values())
            transforms = [transforms[place] for place in sorted(int(sub.sid) for sub in found)]
        for transform in transforms:
            made = transform.apply(subject)
            if made is not None:
                return made
        return subject
