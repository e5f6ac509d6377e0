"""The two names of what an account imports: the exporter's, and its own.

Both are patterns with the same wildcards, perhaps in another order. For a stream import messages go
from the exporter's name to the local one; for a service import, requests go from the local name to
the exporter's, so there the references in `to` stand for the local wildcards.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from pynats_common.go.text import bytes_of, raw_text
from pynats_common.records import dataclass

from pynats_server.core.interest.rename import Rename

REST: Final = ">"
Token: TypeAlias = str | int  # a literal or ">", or which wildcard (0, 1, …) of the other name


@dataclass(frozen=True, slots=True)
class Names:
    """`source` has the wildcards in order; `made` says of each token of the other name what it is
    made of. `source` ends with ">" if `made` does."""

    source: tuple[str, ...]
    made: tuple[Token, ...]

    @property
    def pattern(self) -> str:
        """The other name, with its wildcards."""
        return ".".join(["*" if isinstance(token, int) else token for token in self.made])

    def turned(self) -> Names:
        """For services: local names, made into the exporter's. What `to` says of its tokens then is
        which of them each wildcard of the exporter's is."""
        references = [token for token in self.made if isinstance(token, int)]
        stars = iter(references)
        return Names(
            tuple("*" if isinstance(token, int) else token for token in self.made),
            tuple(next(stars) if token == "*" else token for token in self.source),
        )

    @property
    def rename(self) -> Rename | None:
        """Makes names like `made` out of such like `source`; None if they are the same."""
        if self.made == self.source and "*" not in self.source:
            return None
        stars = [place for place, token in enumerate(self.source) if token == "*"]
        if self.source == tuple("*" if isinstance(t, int) else t for t in self.made) and (
            [token for token in self.made if isinstance(token, int)] == list(range(len(stars)))
        ):
            return None
        pieces: list[bytes | int] = []
        text = ""
        for number, token in enumerate(self.made):
            text += "." if number else ""
            if isinstance(token, str) and token != REST:
                text += token
                continue
            if text:
                pieces.append(bytes_of(text))
                text = ""
            pieces.append(stars[token] if isinstance(token, int) else -len(self.source))
        if text:
            pieces.append(bytes_of(text))
        return Rename(pieces)

    def back(self, subject: bytes) -> list[bytes]:
        """The names like `source` of what reaches a subscription to `subject`, which overlaps
        `pattern`: its literals stand where the wildcards that they were made of stand. There are
        none if one wildcard had to be two different tokens."""
        wanted = raw_text(subject).split(".")
        bound: dict[int, str] = {}
        rest = [REST]
        for place, token in enumerate(self.made):
            if token == REST:
                rest = wanted[place:]
                break
            if wanted[place] == REST:
                break
            if isinstance(token, str) or wanted[place] == "*":
                continue
            if bound.setdefault(token, wanted[place]) != wanted[place]:
                return []
        tokens: list[str] = []
        star = 0
        for token in self.source:
            if token == "*":
                tokens.append(bound.get(star, "*"))
                star += 1
            elif token == REST:
                tokens += rest
            else:
                tokens.append(token)
        return [bytes_of(".".join(tokens))]
