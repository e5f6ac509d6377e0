"""Puts the pieces of a mapping together for one subject.

Plain and slow on purpose: the command line tools use it, and tests compare the server's compiled
`Rename` with it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pynats_common.go.text import bytes_of, raw_text
from pynats_common.subject_mapping.reading import Mapping, Piece, source_pattern

_FNV_BEGIN, _FNV_PRIME, _UINT32 = 2_166_136_261, 16_777_619, 2**32


def renamed(mapping: Mapping, subject: str) -> str | None:
    """The new subject; None when the mapping is for others. It can be an invalid subject if a
    function gives an empty token."""
    data = bytes_of(subject)
    if source_pattern(mapping.source).fullmatch(data) is None:
        return None
    return raw_text(rename(mapping.pieces, data))


def rename(pieces: Sequence[Piece], subject: bytes) -> bytes:
    """The pieces for a subject that has all the tokens that they name."""
    tokens = subject.split(b".")
    return b"".join(_piece(piece, tokens) for piece in pieces)


def _piece(piece: Piece, tokens: list[bytes]) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, int):
        return tokens[piece] if piece >= 0 else b".".join(tokens[-1 - piece :])
    name, places, size, delimiter = piece
    if name == "random":
        return b"%d" % (random.randrange(abs(size)) if size else 0)
    if name == "partition":
        buckets = size % _UINT32
        hashed = b"".join(tokens[place] for place in places) if places else b".".join(tokens)
        return b"%d" % (_fnv(hashed) % buckets if buckets else 0)
    token = tokens[places[0]]
    if name == "split":
        return _split(token, delimiter)
    return _sized(name, token, max(size, 0))


def _fnv(data: bytes) -> int:
    """FNV-1a in 32 bits."""
    value = _FNV_BEGIN
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME % _UINT32
    return value


def _split(token: bytes, delimiter: bytes) -> bytes:
    """The parts between delimiters, or the characters, as tokens. Empty parts are left out, but a
    second part behind an empty first one goes without a dot."""
    if delimiter:
        parts = token.split(delimiter)
    else:
        parts = [bytes_of(char) for char in raw_text(token)]
    text = b""
    for place, part in enumerate(parts):
        if part:
            text += (b"." if place and not (place == 1 and not text) else b"") + part
    return text


def _sized(name: str, token: bytes, size: int) -> bytes:
    if size == 0 or size >= len(token):
        return token
    if name == "left":
        return token[:size]
    if name == "right":
        return token[-size:]
    if name == "slicefromleft":
        return _slices(token, size, 0)
    if name == "slicefromright":
        return _slices(token, size, len(token) % size)
    at = size if name == "splitfromleft" else len(token) - size
    return token[:at] + b"." + token[at:]


def _slices(token: bytes, size: int, first: int) -> bytes:
    """Slices of `size`, a smaller one of `first` bytes (0 = none) in front of them."""
    head = [token[:first]] if first else []
    return b".".join([*head, *(token[at : at + size] for at in range(first, len(token), size))])
