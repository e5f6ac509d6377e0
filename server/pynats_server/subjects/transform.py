"""Subject mapping: a source pattern, and a destination built from the tokens its wildcards match.

Streams, sources, republish, account mappings and imports share it. A transform is compiled once
into a regular expression for the source (with the first subject that it sees, because a request may
have thousands of transforms to be checked) and a `Rename` for the destination.
"""

from __future__ import annotations

import re
from typing import overload

from pynats_common.go.text import bytes_of, raw_text
from pynats_common.subject_mapping.reading import (
    TransformError,
    read_mapping,
    source_pattern,
    wildcards_of,
)

from pynats_server.core.interest.rename import Rename

__all__ = ["SubjectTransform", "TransformError", "wildcards_of"]


class SubjectTransform:
    """One compiled mapping. `src` and `dest` are what it was compiled from."""

    __slots__ = ("_pattern", "_source", "dest", "rename", "src")

    def __init__(self, src: str, dest: str, source: list[str], rename: Rename) -> None:
        self.src = src
        self.dest = dest
        self.rename = rename  # of subjects that the source matches
        self._source = source
        self._pattern: re.Pattern[bytes] | None = None

    def __repr__(self) -> str:
        return f"SubjectTransform({self.src!r}, {self.dest!r})"

    @classmethod
    def compile(cls, src: str, dest: str, strict: bool = False) -> SubjectTransform:
        """The transform from `src` to `dest`.

        See `read_mapping` for what is allowed. Raises TransformError.
        """
        source, pieces = read_mapping(src, dest, strict)
        return cls(src, dest, source, Rename(pieces))

    @overload
    def apply(self, subject: bytes) -> bytes | None: ...

    @overload
    def apply(self, subject: str) -> str | None: ...

    def apply(self, subject: bytes | str) -> bytes | str | None:
        """The new subject, of the type given; None when the source does not match.

        The result can be an invalid subject if a function returns an empty token.
        """
        if isinstance(subject, str):
            result = self.apply(bytes_of(subject))
            return None if result is None else raw_text(result)
        if self._pattern is None:
            self._pattern = source_pattern(self._source)
        return None if self._pattern.fullmatch(subject) is None else self.rename.apply(subject)
